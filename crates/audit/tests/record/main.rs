//! The record, as other rooms use it and as people read it, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod lost;
mod outcomes;
mod resting;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, OrgId, Permission, Region};
use audit::{CallFacts, Change, Event, Outcome, Passed, Record, Rider};
use axum::body::Body;
use axum::http::Request;
use base::args;
use base::db::{DbError, Statement, Tx, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::SharedClock;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

const ALL: Statement = Statement::new(
    "list",
    "SELECT seq, outcome, body FROM audit_event WHERE org_id = $1 ORDER BY seq",
);

struct Room {
    bench: Bench,
    databases: Databases,
    time: StillClock,
    clock: SharedClock,
    record: Record,
    tasks: Tasks,
}

impl Room {
    async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(Self::on).collect()
    }

    fn on(bench: Bench) -> Self {
        Self::with(bench, None)
    }

    fn with(bench: Bench, rider: Option<Arc<dyn Rider>>) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let time = StillClock::new();
        let (clock, tasks) = (time.shared(), Tasks::new());
        let riders: Vec<_> = rider.into_iter().collect();
        let record =
            Record::open(&databases, &clock, "n1", &roots(), &riders, &tasks, &Metrics::new())
                .expect("starts its thread");
        Self { bench, databases, time, clock, record, tasks }
    }

    fn somebody(&self) -> Caller {
        Caller::operator(OrgId::new(self.clock.now()), Region::Eu, "test")
    }

    async fn events(&self, caller: &Caller) -> Vec<(i64, String)> {
        let scope = caller.require(Permission::EventsRead).expect("may");
        let rows = self.databases.of(&scope).expect("eu").all(ALL, args![]).await.expect("reads");
        rows.iter()
            .map(|r| (r.int("seq").expect("seq"), r.text("outcome").expect("text")))
            .collect()
    }

    /// As a clean stop does: waits until all that was submitted is on disk.
    async fn stop(self) -> Bench {
        drop(self.record);
        self.tasks.ended().await;
        self.bench
    }
}

/// What the record's keys are wrapped with; the same at every start.
fn roots() -> BTreeMap<Region, RootKey> {
    BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))])
}

fn facts(at: base::time::At) -> CallFacts {
    CallFacts {
        tokens_in: 3,
        tokens_out: 4,
        price_nanocents: 5,
        attempts: 1,
        ..CallFacts::begun("small", at)
    }
}

#[tokio::test]
async fn a_change_and_its_event_stand_or_fall_together() {
    for room in Room::on_each_engine().await {
        let caller = room.somebody();
        let scope = caller.itself();
        let put = Statement::new(
            "write",
            "INSERT INTO audit_open (org_id, node, first) VALUES ($1, $2, $3)",
        );
        let read = Statement::new("read", "SELECT node FROM audit_open WHERE org_id = $1");
        let begin = || Change::begin(&room.record, &scope);

        let mut dropped = begin().await.expect("begins");
        dropped.run(put, args!["dropped", 1]).await.expect("writes");
        drop(dropped);
        let mut kept = begin().await.expect("begins");
        kept.run(put, args!["kept", 1]).await.expect("writes");
        let durable =
            kept.commit(Event::done("test.thing.set", "thing", "t1")).await.expect("commits");

        assert_eq!(durable.seq(), Some(0));
        let nodes = room.databases.of(&scope).expect("eu").all(read, args![]).await.expect("reads");
        assert_eq!(nodes.len(), 1, "{:?}", room.bench.db.engine());
        assert_eq!(room.events(&caller).await, [(0, "success".to_owned())]);
    }
}

#[tokio::test]
async fn positions_are_contiguous_under_concurrent_callers() {
    for room in Room::on_each_engine().await {
        let callers = [room.somebody(), room.somebody(), room.somebody()];
        let mut pending = Vec::new();
        for round in 0..100 {
            for caller in &callers {
                pending
                    .push(room.record.note(caller, &Event::done("test.thing.seen", "thing", "t")));
                if round % 10 == 0 {
                    let scope = caller.itself();
                    let change = Change::begin(&room.record, &scope);
                    let change = change.await.expect("begins");
                    change
                        .commit(Event::done("test.thing.set", "thing", "t"))
                        .await
                        .expect("commits");
                }
            }
        }
        for one in pending {
            one.await.expect("durable");
        }
        for caller in &callers {
            let seqs: Vec<i64> =
                room.events(caller).await.into_iter().map(|(seq, _)| seq).collect();
            assert_eq!(seqs, (0..110).collect::<Vec<_>>(), "{:?}", room.bench.db.engine());
        }
    }
}

#[tokio::test]
async fn events_can_only_be_added() {
    for room in Room::on_each_engine().await {
        let caller = room.somebody();
        room.record
            .note(&caller, &Event::done("test.thing.seen", "thing", "t"))
            .await
            .expect("durable");
        for text in [
            "UPDATE audit_event SET outcome = 'denied' WHERE org_id = $1",
            "DELETE FROM audit_event WHERE org_id = $1",
        ] {
            let mut tx = room.bench.db.begin(&Within::node()).await.expect("begins");
            let tried = tx.run(Statement::new("tamper", text), args![caller.org.as_str()]).await;
            assert!(tried.is_err(), "{text} on {:?}", room.bench.db.engine());
        }
        assert_eq!(room.events(&caller).await.len(), 1);
    }
}

#[tokio::test]
async fn a_call_cut_off_by_a_crash_ends_as_unknown() {
    for room in Room::on_each_engine().await {
        let caller = room.somebody();
        let begun = |id: &str| {
            Event::done("gateway.call.started", "call", id)
                .outcome(Outcome::Started)
                .call(facts(room.clock.now()))
        };
        let ended =
            |id: &str| Event::done("gateway.call.ended", "call", id).call(facts(room.clock.now()));
        for id in ["call_a", "call_b", "call_c"] {
            room.record.open_call(&caller, &begun(id)).await.expect("durable");
        }
        room.record.close_call(&caller, &ended("call_b")).await.expect("durable");

        // The next life of the node, without a clean stop of this one.
        let next = Record::open(
            &room.databases,
            &room.clock,
            "n1",
            &roots(),
            &[],
            &Tasks::new(),
            &Metrics::new(),
        )
        .expect("starts its thread");
        assert_eq!(next.sweep().await.expect("sweeps"), 2);
        assert_eq!(next.sweep().await.expect("sweeps"), 0, "nothing is closed twice");
        let unknown =
            room.events(&caller).await.into_iter().filter(|(_, outcome)| outcome == "unknown");
        assert_eq!(unknown.count(), 2, "{:?}", room.bench.db.engine());
        drop(next);
        room.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_starts_leaves_the_calls_of_another_node_alone() {
    for room in Room::on_each_engine().await {
        let caller = room.somebody();
        let begun = |id: &str| {
            Event::done("gateway.call.started", "call", id)
                .outcome(Outcome::Started)
                .call(facts(room.clock.now()))
        };
        let open = |node| {
            Record::open(
                &room.databases,
                &room.clock,
                node,
                &roots(),
                &[],
                &Tasks::new(),
                &Metrics::new(),
            )
            .expect("starts its thread")
        };
        // A life of `n2` that begins before `n1`'s calls, and is killed.
        let killed = open("n2");
        killed.open_call(&caller, &begun("call_killed")).await.expect("durable");
        room.record.open_call(&caller, &begun("call_alive")).await.expect("durable");

        let next = open("n2");
        assert_eq!(next.sweep().await.expect("sweeps"), 1, "{:?}", room.bench.db.engine());
        let outcomes = async || room.events(&caller).await.into_iter().map(|(_, how)| how);
        let all: Vec<_> = outcomes().await.collect();
        assert_eq!(all, ["started", "started", "unknown"]);
        let ended = Event::done("gateway.call.ended", "call", "call_alive");
        let ended = ended.call(facts(room.clock.now()));
        room.record.close_call(&caller, &ended).await.expect("durable");
        assert_eq!(
            outcomes().await.next_back().as_deref(),
            Some("success"),
            "it ended as it ended"
        );
        assert_eq!(open("n1").sweep().await.expect("sweeps"), 0, "nothing is left open");
    }
}

/// A ledger that fails while it is told to.
#[derive(Debug, Default)]
struct Faulty {
    down: AtomicBool,
    booked: Mutex<Vec<u64>>,
}

impl Rider for Faulty {
    fn ride<'a>(
        &'a self,
        _: &'a mut Tx,
        ended: &'a [&'a Passed],
    ) -> Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>> {
        Box::pin(async move {
            if self.down.load(Ordering::SeqCst) {
                return Err(DbError::unreadable("ledger", std::io::Error::other("down")));
            }
            let mut booked = self.booked.lock().expect("no test panics here");
            booked.extend(ended.iter().map(|one| one.call.tokens_out));
            Ok(())
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_survives_an_outage_of_the_database() {
    for bench in Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await {
        let rider = Arc::new(Faulty::default());
        let room = Room::with(bench, Some(rider.clone()));
        let caller = room.somebody();
        let call = |outcome| {
            Event::done("gateway.call", "call", "call_a")
                .outcome(outcome)
                .call(facts(room.clock.now()))
        };
        room.record.open_call(&caller, &call(Outcome::Started)).await.expect("durable");
        rider.down.store(true, Ordering::SeqCst);
        let lost = room.record.close_call(&caller, &call(Outcome::Success)).await;
        assert!(lost.is_err(), "what is not on disk is not released");
        rider.down.store(false, Ordering::SeqCst);
        let seen = Event::done("test.thing.seen", "thing", "t1");
        room.record.note(&caller, &seen).await.expect("durable");
        let events: Vec<_> =
            room.events(&caller).await.into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(events, ["started", "success", "success"], "{:?}", room.bench.db.engine());
        assert_eq!(*rider.booked.lock().expect("no test panics here"), [4], "charged once");
        room.stop().await;
    }
}

#[tokio::test]
async fn reading_the_record_is_recorded() {
    for room in Room::on_each_engine().await {
        let caller = room.somebody();
        room.record
            .note(&caller, &Event::done("test.thing.seen", "thing", "t1"))
            .await
            .expect("durable");
        let (routes, _) = audit::routes(room.record.clone()).split_for_parts();
        let routes = routes.layer(axum::Extension(caller.clone()));
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            let response = routes.clone().oneshot(request).await.expect("infallible");
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            (status, String::from_utf8(body.to_vec()).expect("text"))
        };
        let (status, page) = ask("/api/events?action=test.thing.seen&user=test&resource=t1").await;
        let page: Value = serde_json::from_str(&page).expect("json");
        assert_eq!(status, 200, "{page}");
        let event = &page["items"][0];
        for field in [
            "organizationId",
            "userId",
            "action",
            "resourceType",
            "resourceId",
            "ipAddress",
            "userAgent",
            "timestamp",
            "changes",
            "requestId",
            "outcome",
            "actorKind",
        ] {
            assert!(event.get(field).is_some(), "{field} is in {event}");
        }
        let (status, lines) = ask("/api/events.jsonl").await;
        assert_eq!((status, lines.lines().count()), (200, 3), "{lines}");
        assert!(lines.contains("audit.events.read") && lines.contains("audit.events.exported"));
        let (status, problem) = ask("/api/events?actoin=x").await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem.contains("\"param\":\"actoin\""), "{problem}");
        assert_eq!(ask("/api/events?limit=0").await.0, 400);
        assert_eq!(ask("/api/events/99").await.0, 404);
    }
}

#[tokio::test]
async fn without_the_org_set_postgresql_shows_no_rows() {
    let Some(bench) = Bench::postgres(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await else {
        return;
    };
    let room = Room::on(bench);
    let (ours, theirs) = (room.somebody(), room.somebody());
    for caller in [&ours, &theirs] {
        room.record
            .note(caller, &Event::done("test.thing.seen", "thing", "t"))
            .await
            .expect("durable");
    }
    let every = Statement::new("list", "SELECT org_id FROM audit_event WHERE org_id <> $1");
    let none = room.bench.db.all(&Within::org(""), every, args!["x"]).await.expect("reads");
    assert_eq!(none.len(), 0);
    let one =
        room.bench.db.all(&Within::org(ours.org.as_str()), every, args!["x"]).await.expect("reads");
    assert_eq!(one.len(), 1, "row-level security shows one org, whatever the statement says");
}
