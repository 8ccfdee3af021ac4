//! A record of several months, and moving its older part to the archive.

use access::{Caller, Standing};
use audit::{Event, Filter, Log, Outcome, Person, Record, Tiered};
use axum::body::Body;
use axum::http::Request;
use base::args;
use base::db::{Db, Statement, Within};
use base::time::{At, Clock as _};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::house::House;
use crate::people::Answer;

/// Who is in the record of [`House::months`], beside the operator.
pub(crate) const INGRID: &str = "mem_01KDVDNA00495K2ZPTT9ZNDTZG";

/// When the second month has not begun yet, and the first is over.
pub(crate) const SECOND: &str = "2026-01-31T00:00:00Z";

/// An org with a past.
pub(crate) struct Past {
    pub(crate) ours: Caller,
    pub(crate) member: Caller,
    /// Calls in the order in which they were made, with ids that say when.
    pub(crate) calls: Vec<String>,
    /// Events when the second month began.
    pub(crate) second: i64,
    pub(crate) size: i64,
}

impl House {
    /// The first days of three months, with all kinds of events in each.
    pub(crate) async fn months(&self, events: usize) -> Past {
        let ours = self.somebody();
        let member = self.member(&ours.org, &["events:read"], Standing::default());
        let (mut calls, mut second) = (Vec::new(), 0);
        for month in 0..3 {
            for _ in 0..3 {
                self.grow(&ours, events / 6).await;
                let id = base::id::render("call", self.clock.now());
                self.call(&member, &id).await;
                calls.push(id);
                let key = Event::done("test.key.revoked", "key", format!("key_{month}"));
                self.record.note(&ours, &key).await.expect("durable");
                let talk = Event::done("chat.conversation.started", "conversation", "cnv_1");
                self.record.note(&member, &talk).await.expect("durable");
                let refused = Event::done("gateway.call.refused", "call", "call_refused");
                let refused = refused.outcome(Outcome::Denied);
                self.record.note(&member, &refused).await.expect("durable");
                self.clock.advance(SignedDuration::from_hours(24));
                self.grow(&ours, events / 6).await;
            }
            self.clock.advance(SignedDuration::from_hours(28 * 24));
            if month == 0 {
                second = self.size(&ours).await;
            }
        }
        self.published().await;
        let size = self.size(&ours).await;
        Past { ours, member, calls, second, size }
    }

    pub(crate) async fn size(&self, caller: &Caller) -> i64 {
        self.record.size(&caller.itself()).await.expect("reads")
    }

    pub(crate) async fn owner(&self) -> Db {
        Db::open(&self.bench.owner_url).await.expect("opens")
    }

    /// Events one by one, each in its own transaction, of nobody in particular.
    pub(crate) async fn does_other_things(&self, caller: &Caller, events: usize) {
        for _ in 0..events {
            let other = Event::done("other.thing.done", "thing", "thing_2");
            self.record.note(caller, &other).await.expect("durable");
        }
    }

    /// Moves all that is older, as often as it takes.
    pub(crate) async fn tier(&self, caller: &Caller, before: &str) -> Tiered {
        self.tier_from(&self.log, caller, before).await
    }

    pub(crate) async fn tier_from(&self, log: &Log, caller: &Caller, before: &str) -> Tiered {
        let owner = self.owner().await;
        let before: At = before.parse().expect("an instant");
        let mut moved = 0;
        loop {
            let piece = log.tier(caller, &owner, before).await.expect("moves");
            moved += piece.moved;
            if piece.moved == 0 {
                owner.close().await;
                return Tiered { moved, ..piece };
            }
        }
    }

    /// Positions that are in the database.
    pub(crate) async fn hot(&self, caller: &Caller) -> Vec<i64> {
        let all =
            Statement::new("list", "SELECT seq FROM audit_event WHERE org_id = $1 ORDER BY seq");
        let within = Within::org(caller.org.as_str());
        let rows = self.bench.db.all(&within, all, args![caller.org.as_str()]).await;
        rows.expect("reads").iter().map(|row| row.int("seq").expect("a position")).collect()
    }

    /// Files of the archive.
    pub(crate) fn chunks(&self) -> Vec<String> {
        let files = self.shelf.files();
        files.keys().filter(|path| path.starts_with("archive/")).cloned().collect()
    }
}

pub(crate) fn person(id: &str) -> Person {
    Person {
        id: id.to_owned(),
        standing: audit::Standing::Former,
        name: String::new(),
        email: String::new(),
        things: Vec::new(),
    }
}

/// Asks through the routes of the record.
pub(crate) async fn asked(record: &Record, caller: &Caller, path: &str) -> Answer {
    let (routes, _) = audit::routes(record.clone()).split_for_parts();
    let routes = routes.layer(axum::Extension(caller.clone()));
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = routes.oneshot(request).await.expect("infallible");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.ok();
    Answer { status, headers, body: body.map(|body| body.to_bytes().to_vec()) }
}

/// All events that match, page by page, of those that were there at a size.
pub(crate) async fn pages(
    record: &Record,
    caller: &Caller,
    filter: &Filter,
    size: i64,
) -> Vec<Value> {
    let (mut filter, mut all) = (Filter { limit: Some(97), ..filter.clone() }, Vec::new());
    loop {
        let page = record.events(caller, &filter).await.expect("reads");
        all.extend(page.items);
        let Some(next) = page.next else { break };
        filter.after = Some(next);
    }
    all.retain(|event| event["sequence"].as_i64().expect("a position") < size);
    all
}
