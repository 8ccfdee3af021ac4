//! Orgs in which nothing happens any more.

use access::Caller;
use audit::{Event, Outcome, Record};
use base::args;
use base::db::{Statement, Within};
use base::metrics::Metrics;
use base::tasks::Tasks;
use jiff::SignedDuration;

use crate::{Room, facts, roots};

const FIRST: Statement =
    Statement::new("look", "SELECT first FROM audit_open WHERE org_id = $1 AND node = 'n1'");
const MARK: Statement =
    Statement::new("mark", "UPDATE audit_open SET first = 77 WHERE org_id = $1 AND node = 'n1'");

impl Room {
    /// A call of which one can be told that it ended.
    async fn call(&self, caller: &Caller, id: &str, ends: bool) {
        let begun = Event::done("gateway.call.started", "call", id).outcome(Outcome::Started);
        let begun = begun.call(facts(self.clock.now()));
        self.record.open_call(caller, &begun).await.expect("durable");
        if ends {
            let ended = Event::done("gateway.call.ended", "call", id);
            let ended = ended.call(facts(self.clock.now()));
            self.record.close_call(caller, &ended).await.expect("durable");
        }
    }

    /// Lets a minute pass, and the line has a turn behind it.
    async fn minute_passes(&self) {
        self.time.advance(SignedDuration::from_secs(61));
        let (caller, seen) = (self.somebody(), Event::done("test.thing.seen", "thing", "t1"));
        for _ in 0..2 {
            self.record.note(&caller, &seen).await.expect("durable");
        }
    }
}

/// Where a later start begins to look.
async fn first(db: &base::db::Db, caller: &Caller) -> i64 {
    let org = caller.org.as_str();
    let row = db.maybe(&Within::org(org), FIRST, args![org]).await.expect("reads");
    row.expect("is there").int("first").expect("a position")
}

#[tokio::test]
async fn of_an_org_that_rests_nothing_is_remembered_and_a_start_looks_through_nothing() {
    for room in Room::on_each_engine().await {
        let (quiet, again, open) = (room.somebody(), room.somebody(), room.somebody());
        for caller in [&quiet, &again] {
            room.call(caller, &format!("call_{}", caller.org), true).await;
        }
        room.call(&open, "call_open", false).await;
        assert_eq!(first(&room.bench.db, &quiet).await, 0);
        room.minute_passes().await;
        assert_eq!(first(&room.bench.db, &quiet).await, 2, "{:?}", room.bench.db.engine());
        assert_eq!(first(&room.bench.db, &again).await, 2);
        assert_eq!(first(&room.bench.db, &open).await, 0, "it is open still");

        // What begins behind it is found, whatever becomes of the node.
        room.call(&again, "call_again", false).await;
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let next =
            Record::open(&room.databases, &room.clock, "n1", &roots(), &[], &tasks, &metrics);
        assert_eq!(next.expect("starts its thread").sweep().await.expect("sweeps"), 2);

        // A stop has nothing to say of it.
        let mut tx = room.bench.db.begin(&Within::node()).await.expect("begins");
        tx.run(MARK, args![quiet.org.as_str()]).await.expect("marks");
        #[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
        tx.commit().await.expect("commits");
        let bench = room.stop().await;
        assert_eq!(first(&bench.db, &quiet).await, 77, "{:?}", bench.db.engine());
    }
}
