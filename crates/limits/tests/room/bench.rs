//! The room over a fresh database, and people in it.

use std::collections::BTreeMap;
use std::path::Path;

use access::{
    Access, Actor, Caller, Databases, Grant, Identified, KeyId, MemberId, Named, Names, OrgId,
    Origin, Region, Role, TeamId,
};
use audit::{CallFacts, Event, Outcome, Record};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base::metrics::Metrics;
use base::money::NanoCents;
use base::problem::Problem;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::{At, Clock};
use http_body_util::BodyExt;
use limits::{Ask, Ceiling, Choice, Choices, Error, Hold, Level, Limits, NoteNeeds, Used};
use serde_json::Value;
use tower::ServiceExt;

/// One node over one database.
pub(crate) struct Room {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) limits: Limits,
    pub(crate) record: Record,
    pub(crate) metrics: Metrics,
    tasks: Tasks,
}

/// Two calls never have the same id.
pub(crate) fn fresh(at: At) -> String {
    KeyId::new(at).to_string().replace("key_", "call_")
}

pub(crate) fn money(text: &str) -> NanoCents {
    text.parse().expect("money")
}

pub(crate) fn ask(tokens: u64, price: &str) -> Ask {
    Ask { tokens, money: money(price) }
}

/// The outcome of a call, durable, with its line in the ledger.
pub(crate) async fn recorded(record: &Record, caller: &Caller, started_at: At, price: &str) {
    let facts = CallFacts {
        tokens_in: 3,
        tokens_out: 4,
        price_nanocents: money(price).0,
        attempts: 1,
        ..CallFacts::begun("small", started_at)
    };
    let event = Event::done("gateway.call.ended", "call", fresh(started_at));
    let event = event.outcome(Outcome::Success).call(facts);
    record.close_call(caller, &event).await.expect("durable");
}

fn roots() -> BTreeMap<Region, RootKey> {
    BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))])
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let steps = [audit::sql::MIGRATIONS, limits::sql::MIGRATIONS].concat();
        let benches = Bench::on_each_engine(&steps, audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(|bench| Self::on(bench, StillClock::new())).collect()
    }

    fn on(bench: Bench, clock: StillClock) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let (shared, tasks, metrics) = (clock.shared(), Tasks::new(), Metrics::new());
        let riders = [limits::rider()];
        let record = Record::open(&databases, &shared, "n1", &roots(), &riders, &tasks, &metrics)
            .expect("starts its thread");
        let limits = Limits::open(&databases, &shared, &record, &tasks, &metrics);
        Self { bench, clock, limits, record, metrics, tasks }
    }

    /// A clean stop, and a start over the same database.
    pub(crate) async fn restarted(self) -> Self {
        drop((self.limits, self.record));
        self.tasks.stop();
        self.tasks.ended().await;
        Self::on(self.bench, self.clock)
    }

    /// From now on as one of so many nodes of which none knows the ledger.
    pub(crate) fn apart(&mut self, nodes: u32) {
        let databases = Databases::new([(Region::Eu, self.bench.db.clone())]);
        let (clock, metrics) = (self.clock.shared(), Metrics::new());
        let Self { record, tasks, .. } = &self;
        self.limits = Limits::apart(nodes, &databases, &clock, record, tasks, &metrics);
    }

    /// A start over the same database, which ends what was before as a crash does.
    pub(crate) fn begin_anew(&mut self, notes: &Path, alone: bool) {
        let databases = Databases::new([(Region::Eu, self.bench.db.clone())]);
        let (clock, metrics) = (self.clock.shared(), Metrics::new());
        let Self { record, tasks, .. } = &self;
        self.limits = Limits::open(&databases, &clock, record, tasks, &metrics);
        self.keep_notes(notes, alone);
    }

    pub(crate) fn keep_notes(&self, folder: &Path, alone: bool) {
        let needs = NoteNeeds { folder: folder.to_owned(), node: "n1", roots: &roots(), alone };
        self.limits.keep_notes(needs).expect("a disk");
    }

    pub(crate) fn engine(&self) -> base::db::Engine {
        self.bench.db.engine()
    }

    pub(crate) fn now(&self) -> At {
        self.clock.now()
    }

    pub(crate) fn operator(&self) -> Caller {
        Caller::operator(OrgId::new(self.now()), Region::Eu, "test")
    }

    /// Somebody of an org, with a team and a key.
    pub(crate) fn member(&self, org: &OrgId, role: Role) -> Caller {
        let grant = Grant {
            role: role.to_string(),
            permissions: role.permissions().expect("a role"),
            on: None,
            through: "member".to_owned(),
        };
        Caller::identified(Identified {
            org: org.clone(),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(self.now())),
            key: Some(KeyId::new(self.now())),
            teams: [TeamId::new(self.now())].into(),
            access: std::sync::Arc::new(Access::compile(vec![grant], None, 0)),
            models: None,
            origin: Origin::default(),
            standing: access::Standing::default(),
        })
    }

    pub(crate) async fn set(&self, caller: &Caller, level: Level, subject: &str, ceiling: Ceiling) {
        let admin = Caller::operator(caller.org.clone(), Region::Eu, "admin");
        self.limits.set(&admin, level, subject, ceiling).await.expect("sets");
    }

    pub(crate) async fn reserve(&self, caller: &Caller, ask: Ask) -> Result<Hold, Error> {
        let at = self.now();
        self.limits.reserve(caller, "small", &fresh(at), ask, at).await
    }

    pub(crate) async fn refused(&self, caller: &Caller, ask: Ask) -> Problem {
        self.reserve(caller, ask).await.expect_err("is refused").into()
    }

    /// A whole call, as the gateway makes it: reserved, settled, recorded.
    pub(crate) async fn call(&self, caller: &Caller, price: &str) -> Result<(), Error> {
        let hold = self.reserve(caller, ask(10, price)).await?;
        let started_at = hold.reserved_at();
        hold.settle(Used { tokens: 7, money: money(price) });
        self.recorded(caller, started_at, price).await;
        Ok(())
    }

    pub(crate) async fn recorded(&self, caller: &Caller, started_at: At, price: &str) {
        recorded(&self.record, caller, started_at, price).await;
    }

    /// A request to the routes of the room.
    pub(crate) async fn http(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let (routes, _) = limits::routes(self.limits.clone()).split_for_parts();
        let routes = routes.layer(axum::Extension(caller.clone()));
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = routes.oneshot(request).await.expect("infallible");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// What a page answered.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Room {
    /// A page of the console.
    pub(crate) async fn page(&self, caller: &Caller, path: &str) -> Page {
        self.console(caller, Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// A form of the console, sent.
    pub(crate) async fn post(&self, caller: &Caller, path: &str, form: &str) -> Page {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        self.console(caller, request.expect("a request")).await
    }

    async fn console(&self, caller: &Caller, request: Request<Body>) -> Page {
        let names = std::sync::Arc::new(Nicknames);
        let (routes, _) = limits::pages(self.limits.clone(), names).split_for_parts();
        let routes = routes.layer(axum::Extension(caller.clone()));
        let response = routes.oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Page { status: parts.status, headers: parts.headers, text }
    }
}

/// Calls every team `Blue <3`, and knows nobody else.
#[derive(Debug)]
struct Nicknames;

impl Names for Nicknames {
    fn names<'a>(&'a self, _: &'a Caller, ids: &'a [String]) -> Named<'a> {
        let teams = ids.iter().filter(|id| id.starts_with("team_"));
        Box::pin(async { teams.map(|id| (id.clone(), "Blue <3".to_owned())).collect() })
    }
}

#[async_trait::async_trait]
impl Choices for Nicknames {
    async fn choices(&self, _: &Caller, level: Level, _: usize) -> Vec<Choice> {
        let choice = |id: &str, name: &str| Choice { id: id.to_owned(), name: name.to_owned() };
        match level {
            Level::Team => vec![choice("team_01JABCDEFGHJKMNPQRSTVWXYZ0", "Red & green")],
            Level::Org | Level::Member | Level::Key | Level::Model => Vec::new(),
        }
    }
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// The headers of a problem.
pub(crate) fn headers(problem: &Problem) -> HeaderMap {
    problem.headers().iter().cloned().collect()
}

pub(crate) fn per_minute(requests: u64) -> Ceiling {
    Ceiling { requests_per_minute: Some(requests), ..Ceiling::default() }
}

pub(crate) fn per_month(price: &str) -> Ceiling {
    Ceiling { money_per_month: Some(money(price)), ..Ceiling::default() }
}
