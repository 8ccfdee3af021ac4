//! Groups that fail, and outcomes that are kept until they can be written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access::Caller;
use audit::{Event, Passed, Pending, Rider, Riding};
use base::args;
use base::db::{Db, DbError, Statement, Tx, Within};
use base::testing::{Bench, Relay};
use tokio::sync::Notify;

use crate::{Room, facts};

const ENDS: Statement = Statement::new(
    "list ends",
    "SELECT resource_id FROM audit_event WHERE org_id = $1 AND action = 'gateway.call.ended'",
);

/// A ledger that can be down, and before which whoever writes to it next stands still.
#[derive(Debug, Default)]
struct Ledger {
    down: AtomicBool,
    stops: AtomicBool,
    stopped: Notify,
    goes_on: Notify,
}

impl Rider for Ledger {
    fn ride<'a>(&'a self, _: &'a mut Tx, _: &'a [&'a Passed]) -> Riding<'a> {
        Box::pin(async move {
            if self.stops.swap(false, Ordering::SeqCst) {
                self.stopped.notify_one();
                self.goes_on.notified().await;
            }
            if self.down.load(Ordering::SeqCst) {
                return Err(DbError::unreadable("ledger", std::io::Error::other("down")));
            }
            Ok(())
        })
    }
}

impl Ledger {
    fn is_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn stops_the_next(&self) {
        self.stops.store(true, Ordering::SeqCst);
    }
}

impl Room {
    fn ends(&self, caller: &Caller, id: &str) -> Pending {
        let event = Event::done("gateway.call.ended", "call", id).call(facts(self.clock.now()));
        self.record.close_call(caller, &event)
    }

    /// What is submitted meanwhile comes into one group.
    async fn in_one_group(&self, ledger: &Ledger, submit: impl Fn() -> Vec<Pending>) -> Vec<bool> {
        ledger.stops_the_next();
        let before = self.ends(&self.somebody(), "call_before");
        ledger.stopped.notified().await;
        let pending = submit();
        ledger.goes_on.notify_one();
        drop(before.await);
        let mut durable = Vec::new();
        for one in pending {
            durable.push(one.await.is_ok());
        }
        durable
    }
}

/// The calls whose end is in the record, each once.
async fn ended(db: &Db, caller: &Caller) -> BTreeSet<String> {
    let org = caller.org.as_str();
    let rows = db.all(&Within::org(org), ENDS, args![org]).await.expect("reads");
    let ids: BTreeSet<_> = rows.iter().map(|row| row.text("resource_id").expect("text")).collect();
    assert_eq!(ids.len(), rows.len(), "none has two: {ids:?}");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_head_of_one_org_is_nothing_to_those_of_its_group() {
    for bench in Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await {
        let ledger = Arc::new(Ledger::default());
        let room = Room::with(bench, Some(ledger.clone()));
        let callers: Vec<_> = (0..9).map(|_| room.somebody()).collect();
        let seen = Event::done("test.thing.seen", "thing", "t1");
        for caller in &callers {
            room.record.note(caller, &seen).await.expect("durable");
        }
        let broken = callers[4].org.as_str();
        let alter = Statement::new("alter", "UPDATE audit_head SET size = 7 WHERE org_id = $1");
        let mut tx = room.bench.db.begin(&Within::node()).await.expect("begins");
        tx.run(alter, args![broken]).await.expect("alters");
        #[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
        tx.commit().await.expect("commits");

        let note = || callers.iter().map(|caller| room.record.note(caller, &seen)).collect();
        let durable = room.in_one_group(&ledger, note).await;
        let expected: Vec<_> = callers.iter().map(|one| one.org.as_str() != broken).collect();
        assert_eq!(durable, expected, "{:?}", room.bench.db.engine());

        // What is kept of it keeps back nothing of others.
        ledger.is_down(true);
        let end = || callers.iter().map(|caller| room.ends(caller, "call_a")).collect();
        assert_eq!(room.in_one_group(&ledger, end).await, [false; 9]);
        ledger.is_down(false);
        let bench = room.stop().await;
        for caller in &callers {
            let written = !ended(&bench.db, caller).await.is_empty();
            assert_eq!(written, caller.org.as_str() != broken, "{:?}", bench.db.engine());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_have_their_turn_while_many_outcomes_are_written_after_an_outage() {
    for bench in Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await {
        let ledger = Arc::new(Ledger::default());
        let room = Room::with(bench, Some(ledger.clone()));
        let caller = room.somebody();
        ledger.is_down(true);
        let calls: BTreeSet<_> = (0..2_000).map(|number| format!("call_{number:04}")).collect();
        let pending: Vec<_> = calls.iter().map(|id| room.ends(&caller, id)).collect();
        for one in pending {
            assert!(one.await.is_err(), "what is not on disk is not released");
        }
        ledger.stops_the_next();
        ledger.stopped.notified().await;
        let seen = room.record.note(&caller, &Event::done("test.thing.seen", "thing", "t1"));
        ledger.is_down(false);
        ledger.goes_on.notify_one();
        let seq = seen.await.expect("durable").seq().expect("in the record");
        assert!(seq <= 1_024, "{seq} were before it on {:?}", room.bench.db.engine());
        let bench = room.stop().await;
        assert_eq!(ended(&bench.db, &caller).await, calls);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_whose_commit_got_no_answer_are_written_once() {
    let steps = (audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY);
    let Some(mut bench) = Bench::postgres(steps.0, steps.1).await else { return };
    let (relay, url) = Relay::before(&bench.url).await;
    bench.db = Db::open(&url).await.expect("opens");
    let ledger = Arc::new(Ledger::default());
    let room = Room::with(bench, Some(ledger.clone()));
    let (caller, other) = (room.somebody(), room.somebody());
    let calls: BTreeSet<_> = (0..40).map(|number| format!("call_{number:02}")).collect();
    ledger.stops_the_next();
    let before = room.ends(&other, "call_before");
    ledger.stopped.notified().await;
    let pending: Vec<_> = calls.iter().map(|id| room.ends(&caller, id)).collect();
    ledger.stops_the_next();
    ledger.goes_on.notify_one();
    before.await.expect("durable");
    ledger.stopped.notified().await;
    relay.lose_the_answer_to_the_next_commit();
    ledger.goes_on.notify_one();
    for one in pending {
        assert!(one.await.is_err(), "nobody knows");
    }
    let bench = room.stop().await;
    assert_eq!(ended(&bench.db, &caller).await, calls);
}
