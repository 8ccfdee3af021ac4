//! A unit of work.

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Postgres, Sqlite, Transaction};

use super::row::EngineRow;
use super::statement::{BATCH_ROWS_MAX, Batch, Statement, rows_of_next};
use super::value::{Column, Value, bind};
use super::{Db, DbError, Pool, Row, Within};

/// One unit of work. Dropped without a commit, it leaves no trace.
#[derive(Debug)]
pub struct Tx {
    db: Db,
    on: On,
}

#[derive(Debug)]
enum On {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs a query on whichever engine this is.
macro_rules! run {
    ($self:expr, $sql:expr, $args:expr, $verb:ident) => {
        match &mut $self.on {
            On::Sqlite(tx) => sqlx::query_with($sql, bind!(SqliteArguments, $args)?)
                .$verb(&mut **tx)
                .await
                .map(Done::Sqlite),
            On::Postgres(tx) => sqlx::query_with($sql, bind!(PgArguments, $args)?)
                .$verb(&mut **tx)
                .await
                .map(Done::Postgres),
        }
    };
}

enum Done<S, P> {
    Sqlite(S),
    Postgres(P),
}

impl Tx {
    pub(crate) async fn begin(db: &Db, within: &Within) -> Result<Self, sqlx::Error> {
        let on = match db.pool() {
            // SQLite takes the write lock at once: a deferred transaction that reads
            // first and writes later fails with "database is locked" under load.
            Pool::Sqlite { write, .. } => On::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => On::Postgres(pool.begin_with(within.begins("BEGIN")?).await?),
        };
        Ok(Self { db: db.clone(), on })
    }

    /// The rows that a statement gives, changed rows with `RETURNING` included.
    pub async fn all(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, DbError> {
        let doing = statement.doing;
        let fetch = async || match run!(self, statement.text, args, fetch_all)? {
            Done::Sqlite(rows) => Ok(rows.into_iter().map(|r| Row(EngineRow::Sqlite(r))).collect()),
            Done::Postgres(rows) => {
                Ok(rows.into_iter().map(|r| Row(EngineRow::Postgres(r))).collect())
            }
        };
        fetch().await.map_err(|cause| DbError::new(doing, cause))
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
        let doing = statement.doing;
        let execute = async || match run!(self, statement.text, args, execute)? {
            Done::Sqlite(done) => Ok(done.rows_affected()),
            Done::Postgres(done) => Ok(done.rows_affected()),
        };
        execute().await.map_err(|cause| DbError::new(doing, cause))
    }

    /// Inserts many rows, as few statements as possible; gives what `RETURNING` gives.
    pub async fn many(
        &mut self,
        batch: &Batch,
        rows: impl IntoIterator<Item = Vec<Value>, IntoIter: ExactSizeIterator>,
    ) -> Result<Vec<Row>, DbError> {
        let mut rows = rows.into_iter();
        let mut given = Vec::new();
        while rows.len() > 0 {
            let some = self.some(batch, &mut rows).await;
            given.extend(some.map_err(|cause| DbError::new(batch.doing, cause))?);
        }
        Ok(given)
    }

    /// As many rows as one statement takes.
    async fn some(
        &mut self,
        batch: &Batch,
        rows: &mut impl ExactSizeIterator<Item = Vec<Value>>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        match &mut self.on {
            On::Sqlite(tx) => {
                let count = rows_of_next(rows.len());
                let text = self.db.batch_text(batch, count);
                let args = bind!(SqliteArguments, rows.take(count).flatten())?;
                let query = sqlx::query_with(sqlx::AssertSqlSafe(text), args);
                let rows = query.fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect())
            }
            On::Postgres(tx) => {
                let columns = Column::of(rows.take(BATCH_ROWS_MAX));
                let columns = columns.map_err(|mixed| sqlx::Error::Encode(mixed.into()))?;
                let text = self.db.columns_text(batch, &columns);
                let mut args = PgArguments::default();
                for column in columns {
                    match column {
                        Column::Text(all) => args.add(all),
                        Column::Int(all) => args.add(all),
                        Column::Bytes(all) => args.add(all),
                    }
                    .map_err(sqlx::Error::Encode)?;
                }
                let query = sqlx::query_with(sqlx::AssertSqlSafe(text), args);
                let rows = query.fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect())
            }
        }
    }

    /// Makes the work permanent.
    pub async fn commit(self) -> Result<(), DbError> {
        match self.on {
            On::Sqlite(tx) => tx.commit().await,
            On::Postgres(tx) => tx.commit().await,
        }
        .map_err(|cause| DbError::new("commit", cause))
    }
}
