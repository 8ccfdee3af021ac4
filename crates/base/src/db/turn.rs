//! Whose turn it is, of those who carry or erase the rows of an org.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::begun::begin;
use super::carry::{of_postgres, of_sqlite};
use super::shape::Values;
use super::{Db, DbError, Pool, Within};

pub(super) const WRITE: &str = "write the rows of an org";

/// One run of whoever carries the rows of an org, by its name: letters and digits.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Whose rows.
    pub org: &'a str,
    /// Its name, which no other run has.
    pub name: &'a str,
    /// The table that says whose turn it is in a database: `org_id`, `run`.
    pub turns: &'a str,
    /// The table in which triggers note, where they come from: `org_id`, `run`, `store`, `item`,
    /// `version`. PostgreSQL has a function for that, of the same name and `_note` behind it.
    pub notes: &'a str,
}

impl Run<'_> {
    /// Holds the turn until the transaction ends, if it is this run's; an error otherwise.
    pub(super) async fn holds_sqlite(&self, tx: &mut SqliteConnection) -> Result<(), DbError> {
        let on = |cause| DbError::new(WRITE, cause);
        let (text, args) = self.hold();
        let query = sqlx::query_with(text, of_sqlite(args).map_err(on)?);
        self.must(query.execute(tx).await.map_err(on)?.rows_affected() == 1)
    }

    /// The same on PostgreSQL.
    pub(super) async fn holds_postgres(&self, tx: &mut PgConnection) -> Result<(), DbError> {
        let on = |cause| DbError::new(WRITE, cause);
        let (text, args) = self.hold();
        let query = sqlx::query_with(text, of_postgres(args).map_err(on)?);
        self.must(query.execute(tx).await.map_err(on)?.rows_affected() == 1)
    }

    fn hold(&self) -> (AssertSqlSafe<String>, Values) {
        let text = format!("UPDATE {} SET run = $2 WHERE org_id = $1 AND run = $2", self.turns);
        (AssertSqlSafe(text), vec![self.org.into(), self.name.into()])
    }

    fn must(&self, has: bool) -> Result<(), DbError> {
        if has {
            return Ok(());
        }
        Err(DbError::says(WRITE, format!("another run has the turn of `{}` by now", self.org)))
    }
}

impl Db {
    /// From now on it is this run's turn to write and erase the rows of its org here, and no
    /// other's: what another one does is refused from the moment that this returns.
    pub async fn take_turn(&self, run: &Run<'_>) -> Result<(), DbError> {
        let text = format!(
            "INSERT INTO {} (org_id, run) VALUES ($1, $2)
             ON CONFLICT (org_id) DO UPDATE SET run = excluded.run",
            run.turns
        );
        self.say_within(run.org, text, vec![run.org.into(), run.name.into()]).await
    }

    /// Whether it still is; an error otherwise.
    pub async fn must_have_turn(&self, run: &Run<'_>) -> Result<(), DbError> {
        let text = format!("SELECT run FROM {} WHERE org_id = $1 AND run = $2", run.turns);
        let rows = self.rows_within(run.org, text, vec![run.org.into(), run.name.into()]).await?;
        run.must(rows.len() == 1)
    }

    /// It is nobody's turn any more, if it was this run's.
    pub async fn end_turn(&self, run: &Run<'_>) -> Result<(), DbError> {
        let text = format!("DELETE FROM {} WHERE org_id = $1 AND run = $2", run.turns);
        self.say_within(run.org, text, vec![run.org.into(), run.name.into()]).await
    }

    /// Says something that writes, alone.
    pub(super) async fn say_within(
        &self,
        org: &str,
        text: String,
        args: Values,
    ) -> Result<(), DbError> {
        let on = |cause| DbError::new(WRITE, cause);
        let text = AssertSqlSafe(text);
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let mut tx = write.begin().await.map_err(on)?;
                let query = sqlx::query_with(text, of_sqlite(args).map_err(on)?);
                query.execute(&mut *tx).await.map_err(on)?;
                tx.commit().await.map_err(on)
            }
            Pool::Postgres(lines) => {
                let (pool, _) = lines.now();
                let begins = Within::org(org).begins("BEGIN").map_err(on)?;
                let mut tx = begin(&pool, begins).await.map_err(on)?;
                let query = sqlx::query_with(text, of_postgres(args).map_err(on)?);
                query.execute(&mut *tx).await.map_err(on)?;
                tx.commit().await.map_err(on)
            }
        }
    }
}
