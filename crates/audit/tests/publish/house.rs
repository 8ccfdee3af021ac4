//! A record and its log, on one engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, Databases, OrgId, Region};
use audit::{Event, Log, LogConfig, LogNeeds, Record, Store, Witness, WitnessConfig};
use base::args;
use base::db::{Db, Engine, Statement, Value, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock;
use tlog::note::{Algorithm, KeyName};
use tlog::{Checkpoint, Frontier, Hash, Note, Verifier};

use crate::shelf::Shelf;

pub(crate) const EU: Region = Region::Eu;
/// Where the entry stands in a stored event.
const ENTRY: std::ops::Range<usize> = 17..121;
const BODIES: Statement =
    Statement::new("read bodies", "SELECT body FROM audit_event WHERE org_id = $1 ORDER BY seq");
const BODY: Statement =
    Statement::new("read", "SELECT body FROM audit_event WHERE org_id = $1 AND seq = $2");

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) record: Record,
    pub(crate) shelf: Shelf,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(|bench| Self::on(bench, Shelf::default())).collect()
    }

    pub(crate) fn on(bench: Bench, shelf: Shelf) -> Self {
        let (clock, metrics) = (StillClock::new(), Metrics::new());
        let databases = Databases::new([(EU, bench.db.clone())]);
        let (shared, tasks) = (clock.shared(), Tasks::new());
        let record = Record::open(&databases, &shared, "n1", &roots(), &[], &tasks, &metrics);
        let record = record.expect("starts its thread");
        let log = open(&record, Arc::new(shelf.clone()), &metrics, Vec::new());
        Self { bench, clock, record, shelf, metrics, log }
    }

    /// Another process behind the same database and the same store.
    pub(crate) fn restarted(&self) -> Log {
        open(&self.record, Arc::new(self.shelf.clone()), &Metrics::new(), Vec::new())
    }

    /// Another process behind the same database and the same store, which remembers nothing.
    pub(crate) fn anew(&self) -> (Record, Log) {
        self.counted(&Metrics::new())
    }

    /// The same, and what it counts.
    pub(crate) fn counted(&self, metrics: &Metrics) -> (Record, Log) {
        let databases = Databases::new([(EU, self.bench.db.clone())]);
        let (clock, tasks) = (self.clock.shared(), Tasks::new());
        let record = Record::open(&databases, &clock, "n1", &roots(), &[], &tasks, metrics);
        let record = record.expect("starts its thread");
        let log = open(&record, Arc::new(self.shelf.clone()), metrics, Vec::new());
        (record, log)
    }

    /// The log of the same record in another store.
    pub(crate) fn within(&self, store: Arc<dyn Store>) -> Log {
        open(&self.record, store, &Metrics::new(), Vec::new())
    }

    pub(crate) fn somebody(&self) -> Caller {
        Caller::operator(OrgId::new(self.clock.now()), EU, "test")
    }

    /// So many more events of this org, of a person and a thing.
    pub(crate) async fn grow(&self, caller: &Caller, events: usize) {
        let event = Event::done("test.thing.set", "member", "mem_01KDVDNA00495K2ZPTT9ZNDTZG");
        let event = event.changes(serde_json::json!({ "name": { "to": "Ingrid" } }));
        let mut left = events;
        while left > 0 {
            let group = left.min(500);
            let pending: Vec<_> = (0..group).map(|_| self.record.note(caller, &event)).collect();
            for one in pending {
                one.await.expect("durable");
            }
            left -= group;
        }
    }

    pub(crate) async fn published(&self) -> u64 {
        self.log.publish(EU).await.expect("publishes").entries
    }

    /// What stands in the tree, as the database has it.
    pub(crate) async fn entries(&self, caller: &Caller) -> Vec<Vec<u8>> {
        let within = Within::org(caller.org.as_str());
        let rows = self.bench.db.all(&within, BODIES, args![caller.org.as_str()]).await;
        let rows = rows.expect("reads");
        rows.iter().map(|row| row.bytes("body").expect("a body")[ENTRY].to_vec()).collect()
    }

    /// A stored event.
    pub(crate) async fn body(&self, caller: &Caller, seq: i64) -> Vec<u8> {
        let (within, org) = (Within::org(caller.org.as_str()), caller.org.as_str());
        let row = self.bench.db.maybe(&within, BODY, args![org, seq]).await.expect("reads");
        row.expect("is there").bytes("body").expect("bytes")
    }

    /// As whoever owns the database: without the walls that the application has.
    #[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
    pub(crate) async fn as_owner(&self, statements: &[(&'static str, Vec<Value>)]) {
        let owner = Db::open(&self.bench.owner_url).await.expect("opens");
        let mut tx = owner.begin(&Within::node()).await.expect("begins");
        let walls: &[&str] = match owner.engine() {
            Engine::Sqlite => &[
                "DROP TRIGGER IF EXISTS audit_event_no_update",
                "DROP TRIGGER IF EXISTS audit_event_no_delete",
                "DROP TRIGGER IF EXISTS audit_cold_no_update",
                "DROP TRIGGER IF EXISTS audit_cold_no_delete",
                "DROP TRIGGER IF EXISTS audit_cold_person_no_update",
                "DROP TRIGGER IF EXISTS audit_cold_person_no_delete",
                "DROP TRIGGER IF EXISTS audit_cold_thing_no_delete",
            ],
            Engine::Postgres => &[
                "ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only",
                "ALTER TABLE audit_event DISABLE TRIGGER audit_event_no_truncate",
                "ALTER TABLE audit_cold DISABLE TRIGGER audit_cold_append_only",
                "ALTER TABLE audit_cold_person DISABLE TRIGGER audit_cold_person_append_only",
                "ALTER TABLE audit_cold_thing DISABLE TRIGGER audit_cold_thing_append_only",
            ],
        };
        for wall in walls {
            tx.run(Statement::new("tear down a wall", wall), vec![]).await.expect("is torn down");
        }
        for (text, args) in statements {
            tx.run(Statement::new("tamper", text), args.clone()).await.expect("tampers");
        }
        tx.commit().await.expect("commits");
        owner.close().await;
    }

    /// Which heads are listed, to be put back.
    pub(crate) async fn slots(&self) -> Vec<Vec<Value>> {
        let all = Statement::new("read", "SELECT org_id, epoch, size, head FROM audit_slot");
        let rows = self.bench.db.all(&Within::node(), all, vec![]).await.expect("reads");
        let row = |row: &base::db::Row| {
            let head = row.bytes("head").expect("bytes");
            let (epoch, size) = (row.int("epoch").expect("one"), row.int("size").expect("one"));
            args![row.text("org_id").expect("text"), epoch, size, head]
        };
        rows.iter().map(row).collect()
    }

    pub(crate) async fn set_slots(&self, slots: &[Vec<Value>]) {
        let set = "INSERT INTO audit_slot (org_id, epoch, size, head) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (org_id) DO UPDATE SET head = excluded.head";
        let set: Vec<_> = slots.iter().map(|slot| (set, slot.clone())).collect();
        self.as_owner(&set).await;
    }

    /// The published checkpoint, as somebody verifies it who has the two keys.
    pub(crate) fn checkpoint(&self, caller: &Caller) -> Checkpoint {
        let files = self.shelf.files();
        let note = files.get(&format!("{}/checkpoint", caller.org)).expect("is published");
        let note = Note::parse(note).expect("a note");
        let origin = format!("portico.example/eu/{}", caller.org);
        let verifiers = verifiers(&origin);
        let (checkpoint, signed) = Checkpoint::open(&note, &origin, &verifiers).expect("is signed");
        assert_eq!(signed.len(), 2, "by both keys");
        assert!(checkpoint.extensions().is_empty());
        checkpoint
    }
}

pub(crate) fn open(
    record: &Record,
    store: Arc<dyn Store>,
    metrics: &Metrics,
    witnesses: Vec<(WitnessConfig, Arc<dyn Witness>)>,
) -> Log {
    let config = LogConfig { log: "portico.example".to_owned(), ..LogConfig::default() };
    let record = record.clone();
    let stores = BTreeMap::from([(EU, store)]);
    let (roots, page) = (roots(), verify::PAGE);
    let needs =
        LogNeeds { record, roots: &roots, stores, config: &config, witnesses, page, metrics };
    Log::open(needs).expect("a good name")
}

pub(crate) fn roots() -> BTreeMap<Region, RootKey> {
    BTreeMap::from([(EU, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))])
}

/// What is derived from the root key, derived again.
pub(crate) fn verifiers(origin: &str) -> [Verifier; 2] {
    let verifier = |algorithm, label: &str| {
        let seed = roots()[&EU].mac(label).tag(b"seed");
        let name = KeyName::new(origin).expect("a name");
        let signer = tlog::Signer::new(name, algorithm, &tlog::note::Seed::from_bytes(&seed));
        signer.expect("a key").verifier().clone()
    };
    [
        verifier(Algorithm::Ed25519, "audit/log/ed25519"),
        verifier(Algorithm::CosignatureMlDsa44, "audit/log/ml-dsa-44"),
    ]
}

/// The edge of the tree of these entries.
pub(crate) fn frontier(entries: &[Vec<u8>]) -> Frontier {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.append(Hash::of_leaf(entry), |_, _| {}).expect("room");
    }
    frontier
}
