//! What becomes of the calls of a node that died, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access::{Caller, Databases, OrgId, Region};
use audit::{CallFacts, Event, Outcome, Record, Rider, Riding, Still};
use base::args;
use base::db::{DbError, Statement, Tx, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;

const ENDS: Statement = Statement::new(
    "list ends",
    "SELECT resource_id, outcome FROM audit_event
      WHERE org_id = $1 AND action = 'gateway.call.ended' ORDER BY seq",
);
const ALWAYS: Statement = Statement::new("hold", "SELECT 1 AS one");
const NEVER: Statement = Statement::new("not hold", "SELECT 1 AS one WHERE 1 = 0");

/// A node that others may take for dead.
#[derive(Debug, Default)]
struct Fence(AtomicBool);

impl Rider for Fence {
    fn fence<'a>(&'a self, _: &'a mut Tx) -> Riding<'a> {
        let dead = self.0.load(Ordering::SeqCst);
        let answer = if dead { Err(DbError::says("go on", "dead".to_owned())) } else { Ok(()) };
        Box::pin(std::future::ready(answer))
    }
}

struct Room {
    bench: Bench,
    databases: Databases,
    clock: StillClock,
}

impl Room {
    async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await;
        let open = |bench: Bench| {
            let databases = Databases::new([(Region::Eu, bench.db.clone())]);
            Self { bench, databases, clock: StillClock::new() }
        };
        benches.into_iter().map(open).collect()
    }

    fn node(&self, name: &str, fence: &Arc<Fence>) -> Record {
        let roots = BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("a key"))]);
        let riders: [Arc<dyn Rider>; 1] = [fence.clone()];
        let (clock, tasks) = (self.clock.shared(), Tasks::new());
        let metrics = Metrics::new();
        Record::open(&self.databases, &clock, name, &roots, &riders, &tasks, &metrics)
            .expect("opens")
    }

    fn caller(&self) -> Caller {
        Caller::operator(OrgId::new(self.clock.now()), Region::Eu, "test")
    }

    fn facts(&self) -> CallFacts {
        CallFacts {
            tokens_in: 3,
            tokens_out: 4,
            price_nanocents: 5,
            attempts: 1,
            ..CallFacts::begun("small", self.clock.now())
        }
    }

    fn begun(&self, id: &str) -> Event {
        let event = Event::done("gateway.call.started", "call", id);
        event.outcome(Outcome::Started).call(self.facts())
    }

    fn ended(&self, id: &str) -> Event {
        Event::done("gateway.call.ended", "call", id).call(self.facts())
    }

    async fn ends(&self, org: &OrgId) -> Vec<(String, String)> {
        let within = Within::org(org.as_str());
        let rows = self.bench.db.all(&within, ENDS, args![org.as_str()]).await.expect("reads");
        let text = |row: &base::db::Row, column| row.text(column).expect("text");
        rows.iter().map(|row| (text(row, "resource_id"), text(row, "outcome"))).collect()
    }
}

fn still(statement: Statement) -> Still {
    Still { statement, args: args![] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_a_dead_node_are_closed_once_by_however_many_others() {
    for room in Room::on_each_engine().await {
        let fences = [(); 4].map(|()| Arc::new(Fence::default()));
        let dead = room.node("dead", &fences[0]);
        let others = ["a", "b", "c"].map(|name| room.node(name, &fences[1]));
        let callers = [room.caller(), room.caller()];
        for caller in &callers {
            // More than one transaction closes.
            for number in 0..150 {
                let begun = room.begun(&format!("call_{number:03}"));
                drop(dead.open_call(caller, &begun));
            }
            dead.open_call(caller, &room.begun("call_last")).await.expect("durable");
            others[0].open_call(caller, &room.begun("call_alive")).await.expect("durable");
        }
        let nobody = others[0].sweep_dead(Region::Eu, "dead", &still(NEVER)).await;
        assert_eq!(nobody.expect("reads"), 0, "it was buried meanwhile");
        fences[0].0.store(true, Ordering::SeqCst);
        let always = still(ALWAYS);
        let sweep = |record: &Record| {
            let (record, always) = (record.clone(), always.clone());
            async move { record.sweep_dead(Region::Eu, "dead", &always).await.expect("sweeps") }
        };
        let [a, b, c] = &others;
        let closed = tokio::join!(sweep(a), sweep(b), sweep(c));
        assert_eq!(closed.0 + closed.1 + closed.2, 302, "{:?}", room.bench.db.engine());
        for caller in &callers {
            let late = dead.close_call(caller, &room.ended("call_000")).await;
            assert!(late.is_err(), "it was taken for dead");
            let ends = room.ends(&caller.org).await;
            let ids: std::collections::BTreeSet<_> = ends.iter().map(|(id, _)| id).collect();
            assert_eq!((ends.len(), ids.len()), (151, 151), "none has two");
            assert!(ends.iter().all(|(_, how)| how == "unknown"));
            a.close_call(caller, &room.ended("call_alive")).await.expect("is its own to end");
        }
        assert_eq!(sweep(b).await, 0, "nothing is left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_on_disk_is_never_followed_by_another() {
    for room in Room::on_each_engine().await {
        let fences = [(); 2].map(|()| Arc::new(Fence::default()));
        let (dead, other) = (room.node("dead", &fences[0]), room.node("other", &fences[1]));
        let caller = room.caller();
        for number in 0..20 {
            let id = format!("call_{number:02}");
            dead.open_call(&caller, &room.begun(&id)).await.expect("durable");
        }
        // The dead one's last outcomes and the sweep race for the head of the org.
        let ends = async {
            for number in 0..20 {
                let ended = room.ended(&format!("call_{number:02}"));
                // Refused or not: it is one of the two.
                drop(dead.close_call(&caller, &ended).await);
                if number == 10 {
                    fences[0].0.store(true, Ordering::SeqCst);
                }
            }
        };
        let always = still(ALWAYS);
        let sweep = async {
            let mut closed = 0;
            while !fences[0].0.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            closed += other.sweep_dead(Region::Eu, "dead", &always).await.expect("sweeps");
            closed
        };
        let ((), closed) = tokio::join!(ends, sweep);
        assert_eq!(closed, 9, "{:?}", room.bench.db.engine());
        let ends = room.ends(&caller.org).await;
        let ids: std::collections::BTreeSet<_> = ends.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!((ends.len(), ids.len()), (20, 20), "each has one: {ends:?}");
        // Whoever reads a receipt of an open call leaves an event about it, which ends nothing.
        other.open_call(&caller, &room.begun("call_read")).await.expect("durable");
        let read = Event::done("audit.receipt.read", "call", "call_read");
        other.note(&caller, &read).await.expect("durable");
        assert_eq!(other.sweep().await.expect("sweeps"), 1, "its own, at its next start");
    }
}
