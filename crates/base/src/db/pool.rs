//! The handle on a database, and reads outside a unit of work.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgArguments;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, Executor as _, SqlSafeStr as _};

use super::begun::begin;
use super::lines::{ACQUIRE_TIMEOUT, Health, Lines, SILENCE_MAX};
use super::log::Log;
use super::row::EngineRow;
use super::statement::{Batch, Statement};
use super::together::Readers;
use super::tx::Where;
use super::value::{Column, Value, bind};
use super::writer::Writer;
use super::{DbError, Row, Tries, Tx, Within};

/// Which engine is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default: one file, one writer at a time.
    Sqlite,
    /// The production engine.
    Postgres,
}

/// What every connection to a file of the embedded engine is told.
pub(super) const PRAGMAS: [(&str, &str); 5] = [
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    ("foreign_keys", "ON"),
    // 128 MiB of log: it is moved earlier, beside whoever writes.
    ("wal_autocheckpoint", "32000"),
    // What is deleted is overwritten: an erasure must not leave it in free pages.
    ("secure_delete", "ON"),
];

/// Of the file that a connection which only reads has in memory: 256 KiB.
pub(super) const READ_CACHE: &str = "-256";

/// A handle on one database.
#[derive(Debug, Clone)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    batches: Mutex<HashMap<BatchOf, Arc<str>>>,
    /// Units of work and reads that were done again.
    repeated: AtomicU64,
    /// It stands in for one that is away: see [`Db::stand_in`].
    stands_in: AtomicBool,
}

/// The words before the rows and behind them, and how many rows.
type BatchOf = (&'static str, &'static str, usize);

#[derive(Debug)]
pub(crate) enum Pool {
    /// `readers`: none of a database in memory, which is its one connection.
    Sqlite {
        read: SqlitePool,
        readers: Option<Readers>,
        write: Writer,
        log: Log,
    },
    Postgres(Lines),
}

impl Db {
    /// Opens the database that `url` names: `sqlite://path/to/file.db` (created
    /// for this user alone when missing) or `postgres://user@host/name`, with several hosts
    /// as libpq writes them: then the one is used that may write.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let on = |cause| DbError::new("be opened", cause);
        let pool = if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)
                .map_err(on)?
                .create_if_missing(true)
                .busy_timeout(ACQUIRE_TIMEOUT)
                .statement_cache_capacity(512);
            let pragma = |options: SqliteConnectOptions, (name, value)| options.pragma(name, value);
            let options = PRAGMAS.into_iter().fold(options, pragma);
            private(options.get_filename()).map_err(|error| on(error.into()))?;
            let line = SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
            let line = line.test_before_acquire(false).before_acquire(|connection, _| {
                // A file is there. But where the engine itself undid a unit of work (a full
                // disk), `sqlx` takes its connection for one that is still within it.
                let is_free = !connection.is_in_transaction();
                Box::pin(std::future::ready(Ok(is_free)))
            });
            let one = async || line.clone().max_connections(1).connect_with(options.clone()).await;
            let write = one().await.map_err(on)?;
            let write = Writer::open(write, options.get_filename()).map_err(on)?;
            let log = Log::new(one().await.map_err(on)?, write.clone());
            let readers = Some(Readers::of(options.get_filename()));
            // What they remember of the file is worth nothing once somebody writes.
            let options = options.pragma("cache_size", READ_CACHE);
            let read = line.max_connections(4).connect_with(options.read_only(true));
            Pool::Sqlite { read: read.await.map_err(on)?, readers, write, log }
        } else {
            Pool::Postgres(Lines::open(url).await.map_err(on)?)
        };
        Ok(Self::on(pool))
    }

    /// An empty database in memory alone, of one connection: it ends with the last handle.
    pub async fn in_memory() -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new().in_memory(true).statement_cache_capacity(512);
        let one = SqlitePoolOptions::new().max_connections(1).min_connections(1);
        // Whoever ended the connection would end the database.
        let one = one.acquire_timeout(ACQUIRE_TIMEOUT).idle_timeout(None).max_lifetime(None);
        let pool = one.connect_with(options).await;
        let pool = pool.map_err(|cause| DbError::new("be opened in memory", cause))?;
        let write = Writer::in_memory(pool.clone());
        let log = Log::new(pool.clone(), write.clone());
        Ok(Self::on(Pool::Sqlite { read: pool, readers: None, write, log }))
    }

    fn on(pool: Pool) -> Self {
        let (batches, repeated) = (Mutex::default(), AtomicU64::new(0));
        let stands_in = AtomicBool::new(false);
        Self(Arc::new(Inner { pool, batches, repeated, stands_in }))
    }

    /// From now on it stands in for a database that is away: it is read, and whoever wants to
    /// write, or asks whether it answers, is told what the other one would say.
    pub fn stand_in(&self) {
        self.0.stands_in.store(true, Ordering::Release);
    }

    fn is_there(&self, doing: &str) -> Result<(), DbError> {
        let away = self.0.stands_in.load(Ordering::Acquire);
        if away { Err(DbError::new(doing, sqlx::Error::PoolClosed)) } else { Ok(()) }
    }

    /// Which engine is running; for this crate, its tests and the status page.
    pub fn engine(&self) -> Engine {
        match self.pool() {
            Pool::Sqlite { .. } => Engine::Sqlite,
            Pool::Postgres(_) => Engine::Postgres,
        }
    }

    /// The rows that a single read gives.
    pub async fn all(
        &self,
        within: &Within,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, DbError> {
        let mut tries = None;
        loop {
            // On the heap: the futures of rooms that ask much must stay small.
            match Box::pin(self.read(within, statement, args.clone())).await {
                Err(error) => self.may_repeat(&mut tries, error).await?,
                read => return read,
            }
        }
    }

    /// Whether what failed may succeed if it is done again: then it is time to.
    pub(super) async fn may_repeat(
        &self,
        tries: &mut Option<Tries>,
        error: DbError,
    ) -> Result<(), DbError> {
        let passes = error.is_passing() || error.is_lost();
        if !passes || !tries.get_or_insert_with(Tries::new).wait().await {
            return Err(error);
        }
        self.repeated();
        Ok(())
    }

    pub(super) async fn read(
        &self,
        within: &Within,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, DbError> {
        let on = |cause| DbError::new(statement.doing, cause);
        #[cfg(feature = "testing")]
        if super::inject::fails() {
            return Err(on(super::inject::Injected::error()));
        }
        let (generation, read) = match self.pool() {
            Pool::Sqlite { read, .. } => {
                let rows = async {
                    let args = bind!(SqliteArguments, args)?;
                    sqlx::query_with(statement.text, args).fetch_all(read).await
                };
                let rows = rows.await.map_err(on)?;
                return Ok(rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect());
            }
            Pool::Postgres(lines) => {
                let (pool, generation) = lines.now();
                let read = async {
                    // Dropped at the end: the way back into the pool forgets the org.
                    let mut tx = begin(&pool, within.begins("BEGIN READ ONLY")?).await?;
                    let query = sqlx::query_with(statement.text, bind!(PgArguments, args)?);
                    query.fetch_all(&mut *tx).await
                };
                let read = tokio::time::timeout(SILENCE_MAX, read).await;
                (generation, read.unwrap_or_else(|_| Err(super::tx::silent())))
            }
        };
        match read {
            Ok(rows) => {
                self.answered();
                Ok(rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect())
            }
            Err(cause) => Err(self.met(generation, on(cause)).await),
        }
    }

    /// A statement succeeded.
    pub(super) fn answered(&self) {
        if let Pool::Postgres(lines) = self.pool() {
            lines.answered();
        }
    }

    /// Something is done again.
    pub(super) fn repeated(&self) {
        self.0.repeated.fetch_add(1, Ordering::Relaxed);
    }

    /// A failure, after whatever it says of the connections was heeded.
    pub(super) async fn met(&self, generation: u64, error: DbError) -> DbError {
        if let Pool::Postgres(lines) = self.pool() {
            if error.is_of_all() {
                lines.renew(generation).await;
            } else if error.is_without_connection() {
                lines.starved(generation).await;
            }
        }
        error
    }

    /// How often connections and units of work had to be made anew.
    pub fn health(&self) -> Health {
        let renewed = match self.pool() {
            Pool::Sqlite { .. } => 0,
            Pool::Postgres(lines) => lines.renewals(),
        };
        Health { renewed, repeated: self.0.repeated.load(Ordering::Relaxed) }
    }

    /// The row that a single read gives, if there is one.
    pub async fn maybe(
        &self,
        within: &Within,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        Ok(self.all(within, statement, args).await?.into_iter().next())
    }

    /// Begins a unit of work that may write.
    pub async fn begin(&self, within: &Within) -> Result<Tx, DbError> {
        self.is_there("begin")?;
        Tx::begin(self, within, Where::Beside).await
    }

    /// The same for whoever has a thread of its own: with the embedded engine it is this thread
    /// that works, and waits for the disk.
    pub async fn begin_here(&self, within: &Within) -> Result<Tx, DbError> {
        self.is_there("begin")?;
        Tx::begin(self, within, Where::Here).await
    }

    /// Whether the engine understands a text; for the test that prepares every statement.
    pub async fn understands(&self, text: &str) -> Result<(), DbError> {
        let safe = || sqlx::AssertSqlSafe(text.to_owned()).into_sql_str();
        match self.pool() {
            Pool::Sqlite { read, .. } => read.prepare(safe()).await.map(drop),
            Pool::Postgres(lines) => lines.now().0.prepare(safe()).await.map(drop),
        }
        .map_err(|cause| DbError::new("prepare a statement", cause))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.is_there("answer")?;
        self.all(&Within::org(""), Statement::new("answer", "SELECT 1"), Vec::new()).await.map(drop)
    }

    /// Moves the log of the embedded engine into its file and empties it, so that what was
    /// deleted is no longer in it; an error if somebody reads what stands there for seconds.
    /// PostgreSQL looks after its own.
    pub async fn settle(&self) -> Result<(), DbError> {
        const EMPTY: &str = "empty its log";
        let Pool::Sqlite { log, .. } = self.pool() else { return Ok(()) };
        let mut tries = Tries::new();
        while !log.empty().await.map_err(|cause| DbError::new(EMPTY, cause))? {
            if !tries.wait().await {
                return Err(DbError::says(EMPTY, "somebody still reads it".to_owned()));
            }
        }
        Ok(())
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        match self.pool() {
            Pool::Sqlite { read, readers, write, log } => {
                read.close().await;
                if let Some(readers) = readers {
                    readers.close().await;
                }
                log.close().await;
                write.close().await;
            }
            Pool::Postgres(lines) => lines.now().0.close().await,
        }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// The text of a batch of so many rows, written once.
    pub(crate) fn batch_text(&self, batch: &Batch, rows: usize) -> Arc<str> {
        self.written(batch, rows, || batch.text(self.engine(), rows))
    }

    /// The text of a batch of any number of rows of these columns, written once: the columns
    /// of a batch are always of the same types.
    pub(crate) fn columns_text(&self, batch: &Batch, columns: &[Column]) -> Arc<str> {
        self.written(batch, 0, || batch.by_columns(columns))
    }

    fn written(&self, batch: &Batch, rows: usize, write: impl FnOnce() -> String) -> Arc<str> {
        let mut texts = self.0.batches.lock().unwrap_or_else(PoisonError::into_inner);
        texts.entry((batch.head, batch.tail, rows)).or_insert_with(|| write().into()).clone()
    }
}

/// Creates the file, when missing, for this user alone. Its `-wal` and `-shm` inherit that.
pub(super) fn private(file: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;
    use crate::db::Migration;

    #[tokio::test]
    async fn what_stands_in_is_read_and_is_away_for_whoever_writes() {
        let text = "CREATE TABLE base_thing (org_id TEXT NOT NULL PRIMARY KEY)";
        let add = Statement::new("add", "INSERT INTO base_thing (org_id) VALUES ($1)");
        let look = Statement::new("look", "SELECT org_id FROM base_thing WHERE org_id = $1");
        let (db, within) = (Db::in_memory().await.unwrap(), Within::org("org_a"));
        db.migrate(&[Migration::both("base/thing", text)]).await.unwrap();
        let mut tx = db.begin(&within).await.unwrap();
        tx.run(add, args!["org_a"]).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test of the database itself")]
        tx.commit().await.unwrap();
        assert!(db.ping().await.is_ok());

        db.stand_in();
        let there = db.maybe(&within, look, args!["org_a"]).await.unwrap();
        assert!(there.is_some(), "it is read");
        for refused in [db.begin(&within).await.map(drop), db.ping().await] {
            let error = refused.unwrap_err();
            assert!(error.is_away() && !error.is_undone(), "nobody tries again: {error:?}");
        }
    }
}
