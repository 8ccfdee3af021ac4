//! A record over a database that can be told not to take calls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{
    Access, Actor, Caller, Databases, Identified, MemberId, OrgId, Origin, Permission, Region,
    Standing, Unrecorded,
};
use audit::{
    CallFacts, Durable, Event, JournalConfig, JournalNeeds, NotDurable, NotKept, Outcome, Passed,
    Record, Rider, Riding,
};
use base::args;
use base::db::{Db, DbError, Statement, Tx};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, Relay, StillClock};
use base::time::SharedClock;
use serde_json::Value;

const ALL: Statement = Statement::new(
    "list",
    "SELECT seq, action, resource_id FROM audit_event WHERE org_id = $1 ORDER BY seq",
);

/// A ledger whose database is away while it is told so.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    away: AtomicBool,
    pub(crate) booked: Mutex<Vec<u64>>,
}

impl Outage {
    fn check(&self) -> Result<(), DbError> {
        if self.away.load(Ordering::SeqCst) { Err(DbError::too_slow("commit")) } else { Ok(()) }
    }
}

impl Rider for Outage {
    fn ride<'a>(&'a self, _: &'a mut Tx, ended: &'a [&'a Passed]) -> Riding<'a> {
        let booked = self.check().map(|()| {
            let mut booked = self.booked.lock().expect("no test panics here");
            booked.extend(ended.iter().map(|one| one.call.tokens_out));
        });
        Box::pin(std::future::ready(booked))
    }

    fn fence<'a>(&'a self, _: &'a mut Tx) -> Riding<'a> {
        Box::pin(std::future::ready(self.check()))
    }
}

/// What outlives a node: its database and its data folder.
pub(crate) struct Ground {
    pub(crate) bench: Bench,
    folder: tempfile::TempDir,
    pub(crate) outage: Arc<Outage>,
    clock: Arc<StillClock>,
    pub(crate) config: JournalConfig,
}

/// One life of a node.
pub(crate) struct Life {
    pub(crate) record: Record,
    databases: Databases,
    tasks: Tasks,
}

impl Ground {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(Self::on).collect()
    }

    /// On PostgreSQL, and the way there.
    pub(crate) async fn behind_a_relay() -> Option<(Self, Relay)> {
        let bench = Bench::postgres(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await;
        let mut ground = Self::on(bench?);
        let (relay, url) = Relay::before(&ground.bench.url).await;
        ground.bench.db = Db::open(&url).await.expect("opens");
        Some((ground, relay))
    }

    fn on(bench: Bench) -> Self {
        Self {
            bench,
            folder: tempfile::tempdir().expect("a folder"),
            outage: Arc::default(),
            clock: Arc::new(StillClock::new()),
            config: JournalConfig::default(),
        }
    }

    pub(crate) fn away(&self, away: bool) {
        self.outage.away.store(away, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, secs: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(secs));
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("n1-eu.journal")
    }

    /// A life without a journal, as far as it has not been told to keep one.
    pub(crate) fn life(&self) -> Life {
        let databases = Databases::new([(Region::Eu, self.bench.db.clone())]);
        let clock: SharedClock = self.clock.clone();
        let tasks = Tasks::new();
        let riders = [self.outage.clone() as Arc<dyn Rider>];
        let record =
            Record::open(&databases, &clock, "n1", &roots(), &riders, &tasks, &Metrics::new());
        Life { record: record.expect("starts its thread"), databases, tasks }
    }

    pub(crate) fn keep(&self, life: &Life) -> Result<(), NotKept> {
        life.record.keep_journals(&JournalNeeds {
            folder: self.folder.path().to_owned(),
            roots: &roots(),
            config: &self.config,
        })
    }

    /// A life that has replayed what there was.
    pub(crate) async fn begin(&self) -> Life {
        let life = self.life();
        self.keep(&life).expect("keeps a journal");
        life.record.journals_replayed().await.expect("replays");
        life
    }

    /// A member of an org that chose this.
    pub(crate) fn member(&self, unrecorded: Unrecorded) -> Caller {
        let now = base::time::Clock::now(&*self.clock);
        Caller::identified(Identified {
            org: OrgId::new(now),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(now)),
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::default()),
            models: None,
            origin: Origin {
                ip: Some([203, 0, 113, 77].into()),
                user_agent: Some("tell-tale/1.0".to_owned()),
                request_id: "req_1".to_owned(),
                trace_parent: None,
            },
            standing: Standing { unrecorded, ..Standing::default() },
        })
    }

    pub(crate) fn event(&self, action: &'static str, id: &str, outcome: Outcome) -> Event {
        let call = CallFacts {
            tokens_in: 3,
            tokens_out: 4,
            price_nanocents: 5,
            attempts: 1,
            ..CallFacts::begun("small", base::time::Clock::now(&*self.clock))
        };
        Event::done(action, "call", id).outcome(outcome).call(call)
    }
}

impl Life {
    pub(crate) async fn starts(
        &self,
        ground: &Ground,
        caller: &Caller,
        id: &str,
    ) -> Result<Durable, NotDurable> {
        let event = ground.event("gateway.call.started", id, Outcome::Started);
        self.record.open_call(caller, &event).await
    }

    /// Whether a call that begins now is refused before anything of it is submitted.
    pub(crate) fn is_refused_at_once(&self, ground: &Ground, caller: &Caller) -> bool {
        let event = ground.event("gateway.call.started", "call_in_vain", Outcome::Started);
        self.record.open_call(caller, &event).is_refused()
    }

    pub(crate) async fn ends(
        &self,
        ground: &Ground,
        caller: &Caller,
        id: &str,
    ) -> Result<Durable, NotDurable> {
        let event = ground.event("gateway.call.ended", id, Outcome::Success);
        self.record.close_call(caller, &event).await
    }

    /// A whole call; its outcome.
    pub(crate) async fn calls(
        &self,
        ground: &Ground,
        caller: &Caller,
        id: &str,
    ) -> Result<Durable, NotDurable> {
        self.starts(ground, caller, id).await?;
        self.ends(ground, caller, id).await
    }

    /// Waits until nothing waits.
    pub(crate) async fn recovers(&self) {
        let replayed = self.record.journals_replayed();
        let replayed = tokio::time::timeout(Duration::from_secs(30), replayed).await;
        replayed.expect("in time").expect("replays");
    }

    /// What is in the record of an org: positions, actions and things.
    pub(crate) async fn events(&self, caller: &Caller) -> Vec<(i64, String, String)> {
        let scope = caller.itself();
        let rows = self.databases.of(&scope).expect("eu").all(ALL, args![]).await.expect("reads");
        let text = |row: &base::db::Row, name| row.text(name).expect("text");
        let rows = rows.iter();
        rows.map(|row| {
            (row.int("seq").expect("seq"), text(row, "action"), text(row, "resource_id"))
        })
        .collect()
    }

    /// The same, as people read them.
    pub(crate) async fn told(&self, caller: &Caller) -> Vec<Value> {
        let auditor = Caller::operator(caller.org.clone(), Region::Eu, "auditor");
        let scope = auditor.require(Permission::EventsRead).expect("may");
        self.record.read_on(&scope, 0).await.expect("reads")
    }

    /// Ends as a node does that is stopped while its database is away.
    pub(crate) async fn stop(self) {
        drop(self.record);
        self.tasks.stop();
        self.tasks.ended().await;
    }
}

fn roots() -> BTreeMap<Region, RootKey> {
    BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))])
}
