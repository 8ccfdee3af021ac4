//! A cell of several nodes: one database, one store of counters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region};
use audit::{Passed, Record, Rider, Riding};
use base::args;
use base::db::{Db, Migration, Statement, Tx, Within};
use base::metrics::Metrics;
use base::problem::Problem;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, Redis, StillClock};
use base::time::{At, Clock, SharedClock};
use jiff::SignedDuration;
use limits::{
    Ask, Ceiling, Config, Configured, Error, Hold, Ledger, Level, Limits, Link, Shared, StoreClock,
    Used,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::bench::{ask, fresh, money, recorded};

/// Before what is committed. Unlike a lock of the database nobody loses patience with it.
#[derive(Debug, Default)]
struct Gate(Mutex<()>);

impl Rider for Gate {
    fn ride<'a>(&'a self, _tx: &'a mut Tx, _ended: &'a [&'a Passed]) -> Riding<'a> {
        Box::pin(async {
            drop(self.0.lock().await);
            Ok(())
        })
    }
}

const FOR_LONG: Statement =
    Statement::new("stay", "SET LOCAL idle_in_transaction_session_timeout = 0");
const LOCK: Statement =
    Statement::new("lock the ledger", "LOCK TABLE limits_ledger IN ACCESS EXCLUSIVE MODE");

const WAITING: Statement = Statement::new(
    "who waits for the ledger",
    "SELECT COUNT(*) AS waiting FROM pg_locks
      WHERE NOT granted AND relation = 'limits_ledger'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
);

/// Twice this is more than a sum can be.
const SPOIL: Statement = Statement::new(
    "spoil the ledger",
    "INSERT INTO limits_ledger (org_id, day, subject, calls, tokens_in, tokens_out, nanocents)
     VALUES ($1, $2, 'org', 1, 1, 1, 9223372036854775807)",
);

fn steps() -> Vec<Migration> {
    [audit::sql::MIGRATIONS, limits::sql::MIGRATIONS].concat()
}

/// One node.
pub(crate) struct Node {
    pub(crate) limits: Limits,
    pub(crate) link: Link,
    pub(crate) clock: SharedClock,
    metrics: Metrics,
    record: Record,
    tasks: Tasks,
}

/// Several nodes, and what they share.
pub(crate) struct Cell {
    pub(crate) redis: Redis,
    pub(crate) clock: StillClock,
    pub(crate) nodes: Vec<Node>,
    pub(crate) caller: Caller,
    bench: Bench,
    gate: Arc<Gate>,
}

impl Cell {
    /// So many nodes over a database of their own; none where there is no store to be had.
    pub(crate) async fn of(nodes: u32) -> Option<Self> {
        Some(Self::over(Redis::start().await?, Bench::sqlite(&steps()).await, nodes).await)
    }

    /// The same over PostgreSQL.
    pub(crate) async fn over_postgres(nodes: u32) -> Option<Self> {
        let bench = Bench::postgres(&steps(), audit::sql::APPEND_ONLY).await?;
        Some(Self::over(Redis::start().await?, bench, nodes).await)
    }

    /// The same over a store with settings of its own.
    pub(crate) async fn with(settings: &[&str], nodes: u32) -> Option<Self> {
        Some(Self::over(Redis::with(settings).await?, Bench::sqlite(&steps()).await, nodes).await)
    }

    async fn over(redis: Redis, bench: Bench, nodes: u32) -> Self {
        let clock = StillClock::new();
        let caller = Caller::operator(OrgId::new(clock.now()), Region::Eu, "test");
        let gate = Arc::default();
        let mut cell = Self { redis, clock, nodes: Vec::new(), caller, bench, gate };
        for _ in 0..nodes {
            let clock = cell.clock.shared();
            cell.join(nodes, clock, StoreClock::IsNotAsked);
        }
        cell.up().await;
        cell
    }

    /// Nobody reads the ledger as long as this is there.
    pub(crate) async fn ledger_hangs(&self) -> Tx {
        let owner = Db::open(&self.bench.owner_url).await.expect("opens");
        let mut tx = owner.begin(&Within::node()).await.expect("begins");
        for statement in [FOR_LONG, LOCK] {
            tx.run(statement, Vec::new()).await.expect("locks");
        }
        tx
    }

    /// How many wait to read it.
    pub(crate) async fn waiting(hangs: &mut Tx) -> i64 {
        let rows = hangs.all(WAITING, Vec::new()).await.expect("reads");
        rows.first().expect("a row").int("waiting").expect("a number")
    }

    /// From now on nobody can add up what this org spent.
    #[expect(clippy::disallowed_methods, reason = "no change that a record would have")]
    pub(crate) async fn spoil_ledger(&self, org: &OrgId) {
        let days = [self.clock.now() - SignedDuration::from_hours(24), self.clock.now()];
        let mut tx = self.bench.db.begin(&Within::node()).await.expect("begins");
        for at in days {
            tx.run(SPOIL, args![org.as_str(), base::time::day(at)]).await.expect("writes");
        }
        tx.commit().await.expect("commits");
    }

    /// Another node, with a clock of its own.
    pub(crate) fn join(&mut self, of: u32, clock: SharedClock, judged: StoreClock) {
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let config = Config {
            store: Some(self.redis.url()),
            timeout_ms: 250,
            nodes: of,
            ..Config::default()
        };
        let tls = Arc::new(base::tls::client(&[]).expect("a client"));
        let address = config.address(None, tls).expect("a URL").expect("a store");
        let link = Link::open(address, &tasks, &metrics);
        let databases = Databases::new([(Region::Eu, self.bench.db.clone())]);
        let ledger = Arc::new(Ledger::default());
        let riders = [Arc::clone(&ledger) as Arc<dyn Rider>, Arc::clone(&self.gate) as _];
        let name = format!("n{}", self.nodes.len() + 1);
        let roots =
            BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))]);
        let record = Record::open(&databases, &clock, &name, &roots, &riders, &tasks, &metrics)
            .expect("starts its thread");
        let nodes = Arc::new(Configured(of));
        let shared = Shared { link: link.clone(), nodes, ledger, clock: judged };
        let limits = Limits::over(Some(shared), &databases, &clock, &record, &tasks, &metrics);
        self.nodes.push(Node { limits, link, clock, metrics, record, tasks });
    }

    /// Waits until every node reaches the store.
    pub(crate) async fn up(&self) {
        until(async || self.nodes.iter().all(|node| node.link.is_up())).await;
    }

    /// Ends a node as a crash does: nobody settles what it held.
    pub(crate) fn kill(&mut self, node: usize, held: Vec<Hold>) {
        held.into_iter().for_each(std::mem::forget);
        let node = self.nodes.swap_remove(node);
        node.tasks.stop();
    }

    pub(crate) async fn set(&self, ceiling: Ceiling) {
        let admin = &self.caller;
        let set = self.nodes[0].limits.set(admin, Level::Org, "org", ceiling);
        set.await.expect("sets");
    }

    /// What the counters of the org say was spent this month.
    pub(crate) async fn spent(&self) -> String {
        let left = self.nodes[0].limits.standing(&self.caller, Level::Org, "org").await;
        left.expect("reads").used.money_per_month.expect("money").to_string()
    }

    /// What the ledger says.
    pub(crate) async fn ledger(&self) -> String {
        let month = limits::UsageFilter::default();
        let usage = self.nodes[0].limits.usage(&self.caller, &month).await;
        let rows = usage.expect("reads").items;
        let org = rows.iter().find(|row| row.level == Level::Org);
        org.map_or_else(|| "0.00".to_owned(), |row| row.money.to_string())
    }

    /// As long as this is there, no outcome is committed; the database is read all the same.
    pub(crate) async fn commits_hang(&self) -> MutexGuard<'_, ()> {
        self.gate.0.lock().await
    }

    /// Calls at once, as the counters have them.
    pub(crate) async fn at_once(&self) -> u64 {
        let left = self.nodes[0].limits.standing(&self.caller, Level::Org, "org").await;
        left.expect("reads").used.concurrency.expect("a limit")
    }

    /// Waits until the counters say what the ledger says.
    pub(crate) async fn agrees(&self) {
        until(async || self.spent().await == self.ledger().await).await;
    }
}

impl Node {
    pub(crate) fn now(&self) -> At {
        self.clock.now()
    }

    pub(crate) async fn reserve(&self, caller: &Caller, ask: Ask) -> Result<Hold, Error> {
        let at = self.now();
        self.limits.reserve(caller, "small", &fresh(at), ask, at).await
    }

    pub(crate) async fn refused(&self, caller: &Caller, ask: Ask) -> Problem {
        self.reserve(caller, ask).await.expect_err("is refused").into()
    }

    /// A whole call, as the gateway makes it.
    pub(crate) async fn call(&self, caller: &Caller, price: &str) -> Result<(), Error> {
        let hold = self.reserve(caller, ask(10, price)).await?;
        let started_at = hold.reserved_at();
        self.end(caller, hold, started_at, price).await;
        Ok(())
    }

    pub(crate) async fn end(&self, caller: &Caller, hold: Hold, started_at: At, price: &str) {
        hold.settle(Used { tokens: 7, money: money(price) });
        self.record(caller, started_at, price).await;
    }

    pub(crate) async fn record(&self, caller: &Caller, started_at: At, price: &str) {
        recorded(&self.record, caller, started_at, price).await;
    }

    /// A figure of the metrics.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let text = self.metrics.render().expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("portico_{name} ")));
        line.expect("a metric").parse().expect("a number")
    }

    /// Waits until this node has given signs of life at the instant at which the clock stands.
    pub(crate) async fn beaten(&self) {
        let before = self.figure("limits_store_seconds_count");
        until(async || self.figure("limits_store_seconds_count") >= before + 2).await;
    }
}

/// Looks until it is so.
pub(crate) async fn until(so: impl AsyncFn() -> bool) {
    for _ in 0..2_000 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be");
}
