//! The connections to PostgreSQL: let go all at once when they lead nowhere, and made anew
//! to whichever server may write.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};

use super::STATEMENT_MAX;

/// Connections of one node to one database at most.
const CONNECTIONS_MAX: u32 = 16;
/// Waiting longer than this for a connection means the database is down.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that does not answer for longer than its own deadline, and a moment more for the
/// way, is taken for dead: TCP alone would wait for a quarter of an hour.
pub(super) const SILENCE_MAX: Duration = STATEMENT_MAX.saturating_add(Duration::from_secs(1));
/// How long one server may take to say whether it may write.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// Servers that a URL names at most.
const SERVERS_MAX: usize = 8;

/// How often connections and units of work had to be made anew, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Times all connections were let go.
    pub renewed: u64,
    /// Units of work and reads that were done again.
    pub repeated: u64,
}

/// The connections of this node to one database.
#[derive(Debug)]
pub(crate) struct Lines {
    servers: Vec<PgConnectOptions>,
    now: RwLock<Now>,
    begun: Instant,
    /// When a statement last succeeded, in milliseconds since the beginning.
    answered_ms: AtomicU64,
    renewed: AtomicU64,
    seeking: AtomicBool,
}

#[derive(Debug, Clone)]
struct Now {
    pool: PgPool,
    /// Which of the servers it leads to.
    server: usize,
    generation: u64,
}

impl Lines {
    /// Opens connections to the first of the servers that may write; to the first one that
    /// answers, where none may.
    pub(super) async fn open(url: &str) -> Result<Self, sqlx::Error> {
        let servers = servers(url)?;
        let found = if servers.len() > 1 { seek(&servers).await.unwrap_or(0) } else { 0 };
        let first = servers.get(found).ok_or(sqlx::Error::PoolClosed)?;
        let pool = pool().connect_with(first.clone()).await?;
        let now = Now { pool, server: found, generation: 0 };
        Ok(Self {
            servers,
            now: RwLock::new(now),
            begun: Instant::now(),
            answered_ms: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            seeking: AtomicBool::new(false),
        })
    }

    /// The connections as they are now, and their generation.
    pub(super) fn now(&self) -> (PgPool, u64) {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        (now.pool.clone(), now.generation)
    }

    /// A statement succeeded.
    pub(super) fn answered(&self) {
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.answered_ms.store(ms, Ordering::Relaxed);
    }

    pub(super) fn renewals(&self) -> u64 {
        self.renewed.load(Ordering::Relaxed)
    }

    /// Lets all connections of a generation go: they stand still, or lead to a server that
    /// may not write any more. Whoever still uses one finds out by itself.
    pub(super) async fn renew(&self, generation: u64) {
        self.lead(Some(generation), None);
        self.look_around().await;
    }

    /// No connection could be had in time. Where nothing has answered for longer than any
    /// statement may take, what is held by others is dead, and nobody will give it back.
    pub(super) async fn starved(&self, generation: u64) {
        let answered = Duration::from_millis(self.answered_ms.load(Ordering::Relaxed));
        if self.begun.elapsed().saturating_sub(answered) > SILENCE_MAX {
            self.renew(generation).await;
        } else {
            self.look_around().await;
        }
    }

    /// Where several servers are named: leads to the one that may write, if it is another.
    async fn look_around(&self) {
        if self.servers.len() < 2 || self.seeking.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(found) = seek(&self.servers).await {
            self.lead(None, Some(found));
        }
        self.seeking.store(false, Ordering::Release);
    }

    fn lead(&self, generation: Option<u64>, server: Option<usize>) {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let moves = server.is_some_and(|server| server != now.server);
        if !moves && generation != Some(now.generation) {
            return;
        }
        let server = server.unwrap_or(now.server);
        let Some(options) = self.servers.get(server) else { return };
        let pool = pool().connect_lazy_with(options.clone());
        let generation = now.generation.wrapping_add(1);
        let old = std::mem::replace(&mut *now, Now { pool, server, generation });
        // Closed at once for whoever asks; what is under way on it ends by itself.
        drop(old.pool.close());
        self.renewed.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            database.host = options.get_host(),
            "the connections to a database are made anew"
        );
    }
}

fn pool() -> PgPoolOptions {
    PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_TIMEOUT)
}

/// The first server that may write.
async fn seek(servers: &[PgConnectOptions]) -> Option<usize> {
    for (at, server) in servers.iter().enumerate() {
        if let Ok(Ok(true)) = tokio::time::timeout(ASK_TIMEOUT, may_write(server)).await {
            return Some(at);
        }
    }
    None
}

async fn may_write(server: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection: PgConnection = server.connect().await?;
    let row = connection.fetch_one("SHOW transaction_read_only").await?;
    let read_only: String = row.try_get(0)?;
    connection.close().await?;
    Ok(read_only == "off")
}

/// The servers that a URL names, as libpq writes several: `postgres://user@a:5432,b:5433/name`.
/// `target_session_attrs` may be `read-write` or not be there: nothing else is served.
fn servers(url: &str) -> Result<Vec<PgConnectOptions>, sqlx::Error> {
    let wrong = |why: &str| sqlx::Error::Configuration(why.to_owned().into());
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("no URL"))?;
    let ends = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(ends);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut kept = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("target_session_attrs", "read-write")) => {}
            Some(("target_session_attrs", _)) => {
                return Err(wrong("target_session_attrs: only `read-write` is served"));
            }
            _ => kept.push(part),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let hosts: Vec<_> = hosts.split(',').collect();
    if hosts.len() > SERVERS_MAX {
        return Err(wrong("a URL names at most 8 servers"));
    }
    hosts
        .into_iter()
        .map(|host| PgConnectOptions::from_str(&format!("{scheme}://{user}{host}{path}{query}")))
        .map(|options| options.map(|options| options.statement_cache_capacity(512)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DbError;

    #[tokio::test]
    async fn a_proxy_that_has_no_server_is_a_database_that_is_away() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://u@{}/eu", listener.local_addr().unwrap());
        let hangs_up = async {
            loop {
                drop(listener.accept().await);
            }
        };
        let refused = tokio::select! {
            opened = Lines::open(&url) => opened.map(drop).unwrap_err(),
            () = hangs_up => unreachable!("it goes on"),
        };
        let refused = DbError::new("begin", refused);
        assert!(refused.is_away() && refused.is_unreachable(), "{refused:?}");
    }

    #[test]
    fn a_url_names_one_server_or_several_and_asks_for_the_one_that_may_write() {
        let named = |url: &str| {
            let servers = servers(url).ok()?;
            Some(servers.iter().map(|it| format!("{}:{}", it.get_host(), it.get_port())).collect())
        };
        let named = |url: &str| -> Option<Vec<String>> { named(url) };
        let of = |hosts: &[&str]| Some(hosts.iter().map(|&it| it.to_owned()).collect::<Vec<_>>());
        assert_eq!(named("postgres://u@db:5433/eu"), of(&["db:5433"]));
        assert_eq!(
            named("postgres://u:p%40x@a,b:5433,[::1]:5434/eu?target_session_attrs=read-write"),
            of(&["a:5432", "b:5433", "[::1]:5434"])
        );
        assert_eq!(named("postgres://u@a,b/eu?target_session_attrs=any"), None);
        assert_eq!(named(&format!("postgres://u@{}/eu", ["a"; 9].join(","))), None);
        let options =
            servers("postgres://u@a,b/eu?target_session_attrs=read-write&options=-cx%3Dy");
        for options in options.unwrap() {
            assert_eq!(options.get_database(), Some("eu"));
            assert_eq!(options.get_options(), Some("-cx=y"));
        }
    }
}
