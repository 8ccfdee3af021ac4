//! A unit of work, which is done again unseen where the database undid it by itself.

use std::pin::Pin;
use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, Sqlite, Transaction};

use super::begun::begin;
use super::here::Here;
use super::lines::SILENCE_MAX;
use super::row::EngineRow;
use super::statement::{BATCH_ROWS_MAX, Batch, Statement, rows_of_next};
use super::told::{Heard, Saying, Told};
use super::value::{Column, Value, bind};
use super::writer::InTurn;
use super::{Db, DbError, Engine, Pool, Row, Tries, Within};

/// One unit of work. Dropped without a commit, it leaves no trace.
///
/// Where the database undoes it (a serialization failure, a deadlock, a connection that ends
/// before the commit), it begins again, says what it said before, and goes on only if it is
/// told the same, to the byte: then whatever was decided in between is decided again. If it is
/// told something else, or does not get through within seconds, the failure stands.
///
/// A commit to which no answer came is never repeated: [`DbError::is_in_doubt`].
#[derive(Debug)]
pub struct Tx {
    db: Db,
    within: Within,
    at: Where,
    on: On,
    /// Of the connections; `0` on `SQLite`.
    generation: u64,
    told: Told,
    tries: Option<Tries>,
    /// Dropped behind it.
    held: Option<Box<dyn std::fmt::Debug + Send + Sync>>,
    #[cfg(feature = "testing")]
    injected: u8,
}

#[derive(Debug)]
enum On {
    Sqlite(InTurn<Transaction<'static, Sqlite>>),
    Here(Here),
    Postgres(Transaction<'static, Postgres>),
    /// It was undone, or committed.
    Ended,
}

/// On which thread the embedded engine works.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where {
    /// On the one that asks, which nobody else waits for.
    Here,
    /// On one of its own.
    Beside,
}

/// Something that is asked of the engine.
type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

impl On {
    async fn begin(db: &Db, within: &Within, at: Where) -> Result<(Self, u64), DbError> {
        let on = |cause| DbError::new("begin", cause);
        match db.pool() {
            Pool::Sqlite { write, .. } => {
                if let Where::Here = at
                    && let Some(here) = write.begin_here().await.map_err(on)?
                {
                    return Ok((Self::Here(here), 0));
                }
                Ok((Self::Sqlite(write.begin().await.map_err(on)?), 0))
            }
            Pool::Postgres(lines) => {
                let (pool, generation) = lines.now();
                let begins = within.begins("BEGIN").map_err(on)?;
                let begun = match tokio::time::timeout(SILENCE_MAX, begin(&pool, begins)).await {
                    Ok(begun) => begun.map_err(on),
                    Err(_) => Err(on(silent())),
                };
                match begun {
                    Ok(begun) => Ok((Self::Postgres(begun), generation)),
                    Err(error) => Err(db.met(generation, error).await),
                }
            }
        }
    }
}

/// A server that says nothing for too long.
pub(super) fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

impl Tx {
    pub(crate) fn begin<'a>(db: &'a Db, within: &'a Within, at: Where) -> Asking<'a, Self> {
        Box::pin(Self::begun(db, within, at))
    }

    async fn begun(db: &Db, within: &Within, at: Where) -> Result<Self, DbError> {
        let mut tries = None;
        let (on, generation) = loop {
            match On::begin(db, within, at).await {
                Err(error) if error.is_passing() || error.is_lost() => {
                    if !tries.get_or_insert_with(Tries::new).wait().await {
                        return Err(error);
                    }
                    db.repeated();
                }
                begun => break begun?,
            }
        };
        Ok(Self {
            db: db.clone(),
            within: within.clone(),
            at,
            on,
            generation,
            told: Told::new(db.engine()),
            tries,
            held: None,
            #[cfg(feature = "testing")]
            injected: 0,
        })
    }

    /// Keeps something until this unit of work has ended.
    pub fn hold(&mut self, held: impl std::fmt::Debug + Send + Sync + 'static) {
        self.held = Some(Box::new(held));
    }

    /// The database that it runs on.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The rows that a statement gives, changed rows with `RETURNING` included.
    pub async fn all(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, DbError> {
        match self.say(Saying::All(statement, args)).await? {
            Heard::Rows(rows) => Ok(rows),
            Heard::Changed(_) => Ok(Vec::new()),
        }
    }

    /// The row that a statement gives, if there is one.
    pub async fn maybe(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        Ok(self.all(statement, args).await?.into_iter().next())
    }

    /// Runs a statement and says how many rows it changed.
    pub async fn run(&mut self, statement: Statement, args: Vec<Value>) -> Result<u64, DbError> {
        match self.say(Saying::Run(statement, args)).await? {
            Heard::Changed(count) => Ok(count),
            Heard::Rows(_) => Ok(0),
        }
    }

    /// Inserts many rows, as few statements as possible; gives what `RETURNING` gives.
    pub async fn many(
        &mut self,
        batch: &Batch,
        rows: impl IntoIterator<Item = Vec<Value>, IntoIter: ExactSizeIterator>,
    ) -> Result<Vec<Row>, DbError> {
        match self.say(Saying::Many(*batch, rows.into_iter().collect())).await? {
            Heard::Rows(rows) => Ok(rows),
            Heard::Changed(_) => Ok(Vec::new()),
        }
    }

    /// What comes behind this is done again by whoever set the mark, as a whole, after
    /// [`Tx::again`] did what comes before it.
    pub fn mark(&mut self) {
        self.told.mark();
    }

    /// After a failure that undid the work: does all up to the mark again. Gives the failure
    /// back where that cannot help, or where something else came of it.
    pub async fn again(&mut self, error: DbError) -> Result<(), DbError> {
        let again: Asking<'_, ()> = Box::pin(self.redone(error));
        again.await
    }

    async fn redone(&mut self, error: DbError) -> Result<(), DbError> {
        self.on = On::Ended;
        let may = error.is_passing() || error.is_lost() || error.is_in_doubt();
        if !may || !self.told.is_whole() {
            return Err(error);
        }
        loop {
            if !self.tries.get_or_insert_with(Tries::new).wait().await {
                return Err(error);
            }
            self.db.repeated();
            match self.redo().await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(error),
                Err(more) if more.is_passing() || more.is_lost() => {}
                Err(more) => return Err(more),
            }
        }
    }

    /// Whether the same came of it.
    async fn redo(&mut self) -> Result<bool, DbError> {
        self.on = On::Ended;
        (self.on, self.generation) = On::begin(&self.db, &self.within, self.at).await?;
        self.told.touch();
        for at in 0..self.told.len() {
            let Some(saying) = self.told.at(at) else { break };
            let heard = self.attempt(saying).await?;
            if !self.told.is_same(at, &heard) {
                self.on = On::Ended;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// On the heap: the futures of rooms that say many things must stay small.
    fn say(&mut self, saying: Saying) -> Asking<'_, Heard> {
        Box::pin(async move {
            if !self.told.is_unseen() {
                return self.attempt(saying).await;
            }
            loop {
                match self.attempt(saying.clone()).await {
                    Ok(heard) => {
                        self.told.keep(saying, &heard);
                        return Ok(heard);
                    }
                    Err(error) => self.again(error).await?,
                }
            }
        })
    }

    async fn attempt(&mut self, saying: Saying) -> Result<Heard, DbError> {
        self.told.asks();
        let doing = saying.doing();
        #[cfg(feature = "testing")]
        if let Some(error) = self.injected() {
            return Err(DbError::new(doing, error));
        }
        let asked = tokio::time::timeout(self.silence_max(), self.ask(saying)).await;
        self.told.touch();
        match asked.unwrap_or_else(|_| Err(silent())) {
            Ok(heard) => {
                self.db.answered();
                Ok(heard)
            }
            Err(cause) => {
                let error = self.db.met(self.generation, DbError::new(doing, cause)).await;
                // What the engine undid by itself is over: what is said next must not stand alone.
                if error.is_undone() || error.is_away() {
                    self.on = On::Ended;
                }
                Err(error)
            }
        }
    }

    async fn ask(&mut self, saying: Saying) -> Result<Heard, sqlx::Error> {
        match (&mut self.on, saying) {
            (On::Ended, _) => Err(sqlx::Error::BeginFailed),
            (On::Here(here), saying) => here.ask(&self.db, saying),
            (On::Sqlite(tx), Saying::All(statement, args)) => {
                let query = sqlx::query_with(statement.text, bind!(SqliteArguments, args)?);
                Ok(Heard::Rows(of_sqlite(query.fetch_all(&mut **tx).await?)))
            }
            (On::Postgres(tx), Saying::All(statement, args)) => {
                let query = sqlx::query_with(statement.text, bind!(PgArguments, args)?);
                Ok(Heard::Rows(of_postgres(query.fetch_all(&mut **tx).await?)))
            }
            (On::Sqlite(tx), Saying::Run(statement, args)) => {
                let query = sqlx::query_with(statement.text, bind!(SqliteArguments, args)?);
                Ok(Heard::Changed(query.execute(&mut **tx).await?.rows_affected()))
            }
            (On::Postgres(tx), Saying::Run(statement, args)) => {
                let query = sqlx::query_with(statement.text, bind!(PgArguments, args)?);
                Ok(Heard::Changed(query.execute(&mut **tx).await?.rows_affected()))
            }
            (On::Sqlite(tx), Saying::Many(batch, rows)) => {
                let (mut rows, mut given) = (rows.into_iter(), Vec::new());
                while rows.len() > 0 {
                    let count = rows_of_next(rows.len());
                    let text = self.db.batch_text(&batch, count);
                    let args = bind!(SqliteArguments, rows.by_ref().take(count).flatten())?;
                    let query = sqlx::query_with(sqlx::AssertSqlSafe(text), args);
                    given.extend(of_sqlite(query.fetch_all(&mut **tx).await?));
                }
                Ok(Heard::Rows(given))
            }
            (On::Postgres(tx), Saying::Many(batch, rows)) => {
                let (mut rows, mut given) = (rows.into_iter(), Vec::new());
                while rows.len() > 0 {
                    let columns = Column::of(rows.by_ref().take(BATCH_ROWS_MAX));
                    let columns = columns.map_err(|mixed| sqlx::Error::Encode(mixed.into()))?;
                    let text = self.db.columns_text(&batch, &columns);
                    let args = Column::bound(columns)?;
                    let query = sqlx::query_with(sqlx::AssertSqlSafe(text), args);
                    given.extend(of_postgres(query.fetch_all(&mut **tx).await?));
                }
                Ok(Heard::Rows(given))
            }
        }
    }

    /// Makes the work permanent; where the database undid it instead, does it again.
    #[expect(clippy::disallowed_methods, reason = "what calls this is refused too")]
    pub async fn commit(mut self) -> Result<(), DbError> {
        loop {
            match self.commit_once().await {
                Err(error) if error.is_passing() => self.again(error).await?,
                done => return done,
            }
        }
    }

    /// Makes the work permanent, or says why not; for whoever set a mark.
    pub async fn commit_once(&mut self) -> Result<(), DbError> {
        let commit: Asking<'_, ()> = Box::pin(self.committed());
        commit.await
    }

    async fn committed(&mut self) -> Result<(), DbError> {
        #[cfg(feature = "testing")]
        if let Some(error) = self.injected() {
            return Err(DbError::new("commit", error));
        }
        let silence_max = self.silence_max();
        let done = match std::mem::replace(&mut self.on, On::Ended) {
            On::Sqlite(tx) => tokio::time::timeout(silence_max, tx.commit()).await,
            On::Here(here) => Ok(here.commit()),
            On::Postgres(tx) => tokio::time::timeout(silence_max, tx.commit()).await,
            // It was undone before: nothing is sent, and nothing in doubt.
            On::Ended => return Err(DbError::new("commit", sqlx::Error::BeginFailed)),
        };
        match done.unwrap_or_else(|_| Err(silent())) {
            Ok(()) => {
                self.db.answered();
                if let Pool::Sqlite { log, .. } = self.db.pool() {
                    log.grew();
                }
                Ok(())
            }
            Err(cause) => Err(self.db.met(self.generation, DbError::of_commit(cause)).await),
        }
    }

    /// A server may fall silent; a file does not.
    fn silence_max(&self) -> Duration {
        if self.db.engine() == Engine::Sqlite { Duration::MAX } else { SILENCE_MAX }
    }

    /// In tests that ask for it: a failure on purpose, which undid the work.
    #[cfg(feature = "testing")]
    fn injected(&mut self) -> Option<sqlx::Error> {
        if self.db.engine() == Engine::Postgres
            && self.injected < super::inject::INJECTED_MAX
            && super::inject::fails()
        {
            (self.on, self.injected) = (On::Ended, self.injected + 1);
            return Some(super::inject::Injected::error());
        }
        None
    }
}

fn of_sqlite(rows: Vec<sqlx::sqlite::SqliteRow>) -> Vec<Row> {
    rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect()
}

fn of_postgres(rows: Vec<sqlx::postgres::PgRow>) -> Vec<Row> {
    rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect()
}
