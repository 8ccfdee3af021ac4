//! The way to the store: one connection that all calls share, and a circuit that opens at
//! the first failure, so that a dead store costs no call a wait.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::metrics::{Counter, Gauge, Histogram, Metrics, exponential_buckets};
use base::secret::Secret;
use base::tasks::Tasks;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, RedisResult, Value, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::info::{drops_nothing, run_of};
use super::script::Verb;

/// How long connecting, with TLS and a password, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two tries to reach a store that is away: at first, and at most.
const RETRY: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// Where the store is.
#[derive(Clone)]
pub struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) db: i64,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) timeout: Duration,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, db, .. } = self;
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        write!(f, "{scheme}://{host}:{port}/{db}")
    }
}

/// The store cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    /// It was away already; nothing was asked.
    #[error("the store of the counters is away")]
    Known,
    /// It did not answer in time; what was asked may have been done.
    #[error("the store of the counters did not answer in time")]
    Late,
    /// It answered with a fault; what was asked may have been done.
    #[error("the store of the counters failed")]
    Failed(#[source] RedisError),
    /// It has lost its data, and the nodes say what is under way.
    #[error("the store of the counters has lost its data and is being told again")]
    Gathering,
    /// It answered what no script of ours answers.
    #[error("the store of the counters answered what cannot be read")]
    Unreadable,
}

/// The way to the store; clones share it.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    address: Address,
    phase: watch::Sender<Phase>,
    tasks: Tasks,
    counts: Counts,
    /// Whether this node has been there.
    marked: AtomicBool,
}

#[derive(Clone)]
enum Phase {
    Up(Arc<Live>),
    Down {
        since: Instant,
    },
    /// Shutdown: nobody asks any more.
    Closed,
}

struct Live {
    connection: MultiplexedConnection,
    /// The name of each script, by its place.
    scripts: [String; 9],
    /// Which run of the store this is: one that was started again, or another server, has
    /// another one, whatever data it brings along.
    run: [u8; 8],
}

#[derive(Debug, Clone)]
struct Counts {
    up: Gauge,
    failures: Counter,
    seconds: Histogram,
}

impl Counts {
    fn register(metrics: &Metrics) -> Self {
        let seconds = Histogram::new(exponential_buckets(0.000_1, 2.0, 12));
        Self {
            up: metrics.register(
                "limits_store_up",
                "Whether the store of the counters answers",
                Gauge::default(),
            ),
            failures: metrics.register(
                "limits_store_failures",
                "Steps that the store of the counters did not answer",
                Counter::default(),
            ),
            seconds: metrics.register(
                "limits_store_seconds",
                "Round trips to the store of the counters",
                seconds,
            ),
        }
    }
}

impl Link {
    /// Begins to reach for the store, in the background.
    pub fn open(address: Address, tasks: &Tasks, metrics: &Metrics) -> Self {
        let down = Phase::Down { since: Instant::now() };
        let link = Self(Arc::new(Inner {
            address,
            phase: watch::Sender::new(down),
            tasks: tasks.clone(),
            counts: Counts::register(metrics),
            marked: AtomicBool::new(false),
        }));
        link.reach();
        link
    }

    /// Whether the store answered when it was last asked.
    pub fn is_up(&self) -> bool {
        matches!(*self.0.phase.borrow(), Phase::Up(_))
    }

    /// Resolves once the store answers, or nobody will ask it any more.
    pub(crate) async fn up(&self) {
        let mut phase = self.0.phase.subscribe();
        // The sender lives as long as this.
        let _known = phase.wait_for(|phase| !matches!(phase, Phase::Down { .. })).await;
    }

    /// Lets go of the store, for good.
    pub(crate) fn close(&self) {
        self.0.phase.send_replace(Phase::Closed);
    }

    /// Runs a script. Nothing is run twice: whether a step that failed was done is not known.
    pub(super) async fn run(
        &self,
        verb: Verb,
        keys: &[Arc<str>; 2],
        argument: &[u8],
    ) -> Result<Vec<u8>, Away> {
        loop {
            let live = self.live().await?;
            let Some(script) = live.scripts.get(verb.place()) else { return Err(Away::Unreadable) };
            let mut command = cmd("EVALSHA");
            command.arg(script).arg(keys.len());
            command.arg(&*keys[0]).arg(&*keys[1]).arg(argument).arg(&live.run);
            let begun = Instant::now();
            match self.asked(&live, &command).await {
                Ok(Value::BulkString(answer)) => {
                    self.0.counts.seconds.observe(begun.elapsed().as_secs_f64());
                    return Ok(answer);
                }
                Ok(_) => return Err(Away::Unreadable),
                // It did not know the script, so nothing was done: another server, or its
                // scripts were flushed. They are loaded while it is reached for.
                Err(Away::Failed(error)) if error.code() == Some("NOSCRIPT") => {
                    self.trip(&live, &error);
                }
                Err(away) => {
                    self.trip(&live, &away);
                    return Err(away);
                }
            }
        }
    }

    /// Leaves a mark in a store that has none of this run: whether there was none. It has lost
    /// its data then, or what it has is old, unless it is new.
    pub(crate) async fn leave_mark(&self) -> Result<bool, Away> {
        let live = self.live().await?;
        let answer = self.asked(&live, mark(live.run).arg("GET")).await;
        let before = answer.inspect_err(|away| self.trip(&live, away))?;
        Ok(before != Value::BulkString(live.run.to_vec()))
    }

    /// Sets a key that nobody has set, for a while: whether it was us.
    pub(crate) async fn first(&self, key: &str, for_a: Duration) -> Result<bool, Away> {
        Ok(self.set(key, for_a, Some("NX")).await? != Value::Nil)
    }

    /// Keeps for a while from now what was ours.
    pub(crate) async fn keep(&self, key: &str, for_a: Duration) -> Result<(), Away> {
        self.set(key, for_a, None).await.map(drop)
    }

    async fn set(&self, key: &str, for_a: Duration, only: Option<&str>) -> Result<Value, Away> {
        let live = self.live().await?;
        let millis = u64::try_from(for_a.as_millis()).unwrap_or(u64::MAX);
        let mut command = cmd("SET");
        command.arg(key).arg(1).arg(only).arg("PX").arg(millis);
        self.asked(&live, &command).await.inspect_err(|away| self.trip(&live, away))
    }

    async fn asked(&self, live: &Live, command: &redis::Cmd) -> Result<Value, Away> {
        let mut connection = live.connection.clone();
        let asked = timeout(self.0.address.timeout, command.query_async(&mut connection));
        asked.await.map_err(|_| Away::Late)?.map_err(Away::Failed)
    }

    /// The connection. Who finds the store away just now waits as long as one step may take:
    /// it may be reached again at once. After that nobody waits.
    async fn live(&self) -> Result<Arc<Live>, Away> {
        let since = match &*self.0.phase.borrow() {
            Phase::Up(live) => return Ok(Arc::clone(live)),
            Phase::Down { since } => *since,
            Phase::Closed => return Err(Away::Known),
        };
        let left = self.0.address.timeout.saturating_sub(since.elapsed());
        if left.is_zero() || timeout(left, self.up()).await.is_err() {
            return Err(Away::Known);
        }
        match &*self.0.phase.borrow() {
            Phase::Up(live) => Ok(Arc::clone(live)),
            Phase::Down { .. } | Phase::Closed => Err(Away::Known),
        }
    }

    /// Opens the circuit, unless somebody has since this connection was taken.
    fn trip(&self, live: &Arc<Live>, cause: &dyn std::error::Error) {
        self.0.counts.failures.inc();
        let tripped = self.0.phase.send_if_modified(|phase| {
            let ours = matches!(phase, Phase::Up(known) if Arc::ptr_eq(known, live));
            if ours {
                *phase = Phase::Down { since: Instant::now() };
            }
            ours
        });
        if tripped {
            self.0.counts.up.set(0);
            let (cause, source) = (cause.to_string(), cause.source().map(ToString::to_string));
            tracing::error!(cause, source, "the store of the counters is away");
            self.reach();
        }
    }

    /// Tries until the store is there, or shutdown begins.
    fn reach(&self) {
        let link = Arc::downgrade(&self.0);
        let tasks = self.0.tasks.clone();
        self.0.tasks.spawn(async move {
            let mut pause = RETRY;
            let mut told = false;
            loop {
                let Some(inner) = link.upgrade() else { return };
                match connect(&inner).await {
                    Ok(live) => {
                        tracing::info!(store = ?inner.address, "the store of the counters answers");
                        inner.counts.up.set(1);
                        inner.phase.send_if_modified(|phase| {
                            let down = matches!(phase, Phase::Down { .. });
                            if down {
                                *phase = Phase::Up(Arc::new(live));
                            }
                            down
                        });
                        return;
                    }
                    Err(error) if !told => {
                        tracing::error!(store = ?inner.address, %error, "the store of the counters cannot be reached");
                        told = true;
                    }
                    Err(error) => tracing::debug!(%error, "the store is still away"),
                }
                drop(inner);
                tokio::select! {
                    () = sleep(pause) => pause = (pause * 2).min(RETRY_MAX),
                    () = tasks.stopping() => return,
                }
            }
        });
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.0.address).finish()
    }
}

/// What a store that has not lost its data in this run has.
fn mark(run: [u8; 8]) -> redis::Cmd {
    let mut mark = cmd("SET");
    mark.arg("portico:mark").arg(&run);
    mark
}

/// Connects, checks that the store forgets nothing by itself, and loads the scripts.
async fn connect(inner: &Arc<Inner>) -> RedisResult<Live> {
    timeout(CONNECT_TIMEOUT, connected(inner)).await.unwrap_or_else(|_| {
        Err(RedisError::from(io::Error::new(io::ErrorKind::TimedOut, "it took too long")))
    })
}

async fn connected(inner: &Arc<Inner>) -> RedisResult<Live> {
    let address = &inner.address;
    let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
    tcp.set_nodelay(true)?;
    let mut connection = match &address.tls {
        None => multiplexed(inner, tcp).await?,
        Some(tls) => {
            let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
            let tls = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await?;
            multiplexed(inner, tls).await?
        }
    };
    let info: String = cmd("INFO").arg("memory").query_async(&mut connection).await?;
    drops_nothing(&info)?;
    // A replica, or a store that is full, answers questions all the same.
    let mut write = cmd("SET");
    write.arg("portico:probe").arg(1).arg("PX").arg(1_000);
    let () = write.query_async(&mut connection).await?;
    let info: String = cmd("INFO").arg("server").query_async(&mut connection).await?;
    let run = run_of(&info)?;
    // Only at its first connection can a node take a store without a mark for a new one.
    if !inner.marked.swap(true, Ordering::AcqRel) {
        let _new: Value = mark(run).arg("NX").query_async(&mut connection).await?;
    }
    let mut scripts = [const { String::new() }; 9];
    for (verb, name) in Verb::ALL.into_iter().zip(&mut scripts) {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(verb.text());
        *name = load.query_async(&mut connection).await?;
    }
    Ok(Live { connection, scripts, run })
}

/// One connection for all calls, which answers in the order in which it was asked.
async fn multiplexed(
    inner: &Arc<Inner>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> RedisResult<MultiplexedConnection> {
    let address = &inner.address;
    let mut who = RedisConnectionInfo::default().set_db(address.db);
    if let Some(user) = &address.user {
        who = who.set_username(user);
    }
    if let Some(password) = &address.password {
        who = who.set_password(password.reveal());
    }
    // The time of each step is ours to watch.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let (connection, driver) = MultiplexedConnection::new_with_config(&who, stream, config).await?;
    let mut phase = inner.phase.subscribe();
    inner.tasks.spawn(async move {
        tokio::select! {
            () = driver => {}
            _ = phase.wait_for(|phase| matches!(phase, Phase::Closed)) => {}
        }
    });
    Ok(connection)
}
