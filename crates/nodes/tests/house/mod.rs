//! A database that several nodes serve, and the nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region};
use async_trait::async_trait;
use audit::{CallFacts, Change, Event, Outcome, Record, Rider};
use base::args;
use base::db::{Db, DbError, Engine, Migration, Statement, Value, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use nodes::{Config, Heed, Herald, Life, Needs, Nodes, Pulse};

pub(crate) const PULSE: Pulse = Pulse {
    beat: Duration::from_millis(100),
    dead_after: Duration::from_millis(1_500),
    gone_after: Duration::from_millis(1_500),
};

const CALLS: Statement = Statement::new(
    "list ends",
    "SELECT resource_id, outcome FROM audit_event
      WHERE org_id = $1 AND action = 'gateway.call.ended' ORDER BY resource_id",
);
const EVENTS: Statement =
    Statement::new("count", "SELECT COUNT(*) AS rows FROM audit_event WHERE org_id = $1");
const NEWS: Statement = Statement::new("count", "SELECT COUNT(*) AS rows FROM nodes_news");

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    databases: Databases,
}

/// One process over the database.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) record: Record,
    pub(crate) nodes: Nodes,
    pub(crate) life: Life,
    pub(crate) ear: Arc<Listener>,
    herald: Herald,
    tasks: Tasks,
    db: Db,
}

/// A room that remembers keys, and writes down what it is told.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    heard: Mutex<Vec<OrgId>>,
    doubts: Mutex<usize>,
}

#[async_trait]
impl Heed for Listener {
    fn rooms(&self) -> &'static [&'static str] {
        &["identity"]
    }

    async fn changed(&self, org: &OrgId, region: Region) {
        assert_eq!(region, Region::Eu);
        self.heard.lock().expect("whole").push(org.clone());
    }

    async fn doubt(&self, _: Region) {
        *self.doubts.lock().expect("whole") += 1;
    }
}

impl Listener {
    pub(crate) fn heard(&self) -> Vec<OrgId> {
        std::mem::take(&mut *self.heard.lock().expect("whole"))
    }

    pub(crate) fn doubts(&self) -> usize {
        *self.doubts.lock().expect("whole")
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let steps = [audit::sql::MIGRATIONS, nodes::sql::MIGRATIONS].concat();
        let benches = Bench::on_each_engine(&steps, audit::sql::APPEND_ONLY).await;
        let open = |bench: Bench| {
            let databases = Databases::new([(Region::Eu, bench.db.clone())]);
            Self { bench, clock: StillClock::new(), databases }
        };
        benches.into_iter().map(open).collect()
    }

    pub(crate) fn engine(&self) -> Engine {
        self.bench.db.engine()
    }

    /// A process that does not serve.
    pub(crate) fn process(&self, name: &str) -> Node {
        self.with(name, PULSE)
    }

    /// One whose heart does not beat within a test: it stands still, or was killed.
    pub(crate) fn silent(&self, name: &str) -> Node {
        self.with(name, Pulse { beat: Duration::from_hours(1), ..PULSE })
    }

    fn with(&self, name: &str, pulse: Pulse) -> Node {
        let (tasks, metrics, clock) = (Tasks::new(), Metrics::new(), self.clock.shared());
        let herald = Herald::new(&clock);
        let roots = BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("a key"))]);
        let riders: [Arc<dyn Rider>; 1] = [Arc::new(herald.clone())];
        let record = Record::open(&self.databases, &clock, name, &roots, &riders, &tasks, &metrics)
            .expect("opens");
        let ear = Arc::new(Listener::default());
        let nodes = Nodes::open(Needs {
            databases: self.databases.clone(),
            clock,
            record: record.clone(),
            herald: herald.clone(),
            heeds: vec![ear.clone()],
            tasks: tasks.clone(),
            metrics: &metrics,
            node: name,
            version: "1.2.3",
            config: Config { shared: true, news_max_age_secs: 1, ..Config::default() },
            pulse,
        });
        let (name, life, db) = (name.to_owned(), nodes.life(), self.bench.db.clone());
        Node { name, record, nodes, life, ear, herald, tasks, db }
    }

    /// A node that serves.
    pub(crate) async fn node(&self, name: &str) -> Node {
        let node = self.process(name);
        node.nodes.join(&[]).await.expect("joins");
        node
    }

    pub(crate) fn org(&self) -> OrgId {
        OrgId::new(self.clock.now())
    }

    /// How calls ended, by id.
    pub(crate) async fn ends(&self, org: &OrgId) -> Vec<(String, Outcome)> {
        let within = Within::org(org.as_str());
        let rows = self.bench.db.all(&within, CALLS, args![org.as_str()]);
        let read = |row: &base::db::Row| {
            let outcome = row.text("outcome").expect("text");
            let outcome = Outcome::ALL.iter().find(|one| one.as_str() == outcome);
            (row.text("resource_id").expect("text"), *outcome.expect("known"))
        };
        rows.await.expect("reads").iter().map(read).collect()
    }

    pub(crate) async fn events(&self, org: &OrgId) -> i64 {
        let within = Within::org(org.as_str());
        let rows = self.bench.db.all(&within, EVENTS, args![org.as_str()]);
        rows.await.expect("reads")[0].int("rows").expect("a number")
    }

    pub(crate) async fn news(&self) -> i64 {
        let rows = self.bench.db.all(&Within::node(), NEWS, args![]).await.expect("reads");
        rows[0].int("rows").expect("a number")
    }

    /// Behind the product's back.
    #[expect(clippy::disallowed_methods, reason = "a test that changes a row by hand")]
    pub(crate) async fn write(&self, statement: Statement, args: Vec<Value>) {
        let mut tx = self.bench.db.begin(&Within::node()).await.expect("begins");
        assert_eq!(tx.run(statement, args).await.expect("runs"), 1);
        tx.commit().await.expect("commits");
    }

    /// What others changed can be read no more, while the rest of the database answers.
    pub(crate) async fn take_the_news_away(&self) {
        let away = "ALTER TABLE nodes_writer RENAME TO nodes_away";
        self.owner(Migration::both("test/away", away)).await;
    }

    pub(crate) async fn bring_the_news_back(&self) {
        let back = "ALTER TABLE nodes_away RENAME TO nodes_writer";
        self.owner(Migration::both("test/back", back)).await;
    }

    async fn owner(&self, step: Migration) {
        let owner = Db::open(&self.bench.owner_url).await.expect("opens");
        owner.migrate(&[step]).await.expect("runs");
        owner.close().await;
    }
}

impl Node {
    pub(crate) async fn change(&self, org: &OrgId, action: &'static str) {
        self.try_change(org, action).await.expect("changes");
    }

    pub(crate) async fn try_change(
        &self,
        org: &OrgId,
        action: &'static str,
    ) -> Result<(), DbError> {
        let scope = caller(org).itself();
        let change = Change::begin(&self.record, &scope).await?;
        change.commit(Event::done(action, "thing", "t")).await.map(drop)
    }

    pub(crate) async fn house_members(&self) -> usize {
        nodes::members(&self.db).await.expect("reads").len()
    }

    /// This life of it.
    pub(crate) fn instance(&self) -> String {
        self.herald.instance().to_string()
    }

    /// As a clean stop does.
    pub(crate) async fn stop(self) {
        let Self { record, nodes, life, tasks, .. } = self;
        tasks.stop();
        drop((record, nodes));
        tasks.ended().await;
        life.leave().await.expect("leaves");
    }
}

pub(crate) fn caller(org: &OrgId) -> Caller {
    Caller::operator(org.clone(), Region::Eu, "test")
}

fn facts(id: &str) -> CallFacts {
    CallFacts {
        tokens_in: 3,
        tokens_out: 4,
        price_nanocents: 5,
        attempts: 1,
        ..CallFacts::begun(id, StillClock::new().now())
    }
}

pub(crate) fn call(id: &str) -> Event {
    Event::done("gateway.call.started", "call", id).outcome(Outcome::Started).call(facts(id))
}

pub(crate) fn ended(id: &str) -> Event {
    Event::done("gateway.call.ended", "call", id).call(facts(id))
}
