//! Migrations: forward only, each room its own numbered list.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use super::begun::begin;
use super::{Db, DbError, Pool};

/// One step. A released step never changes: its text is remembered.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The room and the number: `limits/0001_limit`.
    pub name: &'static str,
    /// What SQLite runs.
    pub sqlite: &'static str,
    /// What PostgreSQL runs.
    pub postgres: &'static str,
}

impl Migration {
    /// A step whose text both engines understand.
    pub const fn both(name: &'static str, text: &'static str) -> Self {
        Self { name, sqlite: text, postgres: text }
    }
}

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS base_migration (
    name TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL)";

/// Row-level security for every table that belongs to orgs: rows of the orgs that
/// `portico.org` names, or none at all when nothing was set. The setting is read in
/// sub-selects: once for each statement and not once for each row, which costs more than
/// the row itself.
const SECURE: &str = r"DO $$
DECLARE t TEXT;
BEGIN
  FOR t IN SELECT c.table_name FROM information_schema.columns c
            WHERE c.table_schema = current_schema() AND c.column_name = 'org_id'
              AND NOT EXISTS (SELECT 1 FROM pg_policies p
                               WHERE p.schemaname = current_schema() AND p.tablename = c.table_name)
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY org_wall ON %I USING (
        (SELECT current_setting(''portico.org'', true)) = ''*''
        OR org_id = ANY ((SELECT string_to_array(current_setting(''portico.org'', true), '',''))::text[]))', t);
  END LOOP;
END $$";

impl Db {
    /// The steps that have not been applied yet. A step whose text has changed
    /// since it was applied is an error.
    pub async fn pending(&self, steps: &[Migration]) -> Result<Vec<Migration>, DbError> {
        let applied = self.applied().await?;
        let mut pending = Vec::new();
        for step in steps {
            match applied.iter().find(|(name, _)| name == step.name) {
                None => pending.push(*step),
                Some((_, text)) if text == self.text_of(step) => {}
                Some(_) => {
                    let sentence = format!("`{}` was changed after it was applied", step.name);
                    return Err(DbError::says("migrate", sentence));
                }
            }
        }
        Ok(pending)
    }

    /// Applies what is pending, each step in its own transaction, and gives their names.
    pub async fn migrate(&self, steps: &[Migration]) -> Result<Vec<&'static str>, DbError> {
        let on = |cause| DbError::new("migrate", cause);
        self.script(LEDGER).await.map_err(on)?;
        let pending = self.pending(steps).await?;
        for step in &pending {
            let text = self.text_of(step);
            self.step(step.name, text).await.map_err(on)?;
        }
        if matches!(self.pool(), Pool::Postgres(_)) {
            self.script(SECURE).await.map_err(on)?;
        }
        Ok(pending.iter().map(|step| step.name).collect())
    }

    /// Lets another PostgreSQL role use the tables; `append_only` ones it may
    /// only read and add to. On SQLite there are no roles: nothing happens.
    pub async fn grant(&self, role: &str, append_only: &[&str]) -> Result<(), DbError> {
        if matches!(self.pool(), Pool::Sqlite { .. }) {
            return Ok(());
        }
        let role = role.replace('"', "\"\"");
        let mut text = format!(
            "DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO \"{role}\"', current_schema());
             EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO \"{role}\"', current_schema()); END $$;"
        );
        let _infallible =
            write!(text, "REVOKE INSERT, UPDATE, DELETE ON base_migration FROM \"{role}\";");
        for table in append_only {
            let _infallible =
                write!(text, "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM \"{role}\";");
        }
        self.script(&text).await.map_err(|cause| DbError::new("grant", cause))
    }

    fn text_of(&self, step: &Migration) -> &'static str {
        match self.pool() {
            Pool::Sqlite { .. } => step.sqlite,
            Pool::Postgres(_) => step.postgres,
        }
    }

    async fn applied(&self) -> Result<Vec<(String, String)>, DbError> {
        let read = async {
            let sql = "SELECT name, text FROM base_migration";
            match self.pool() {
                Pool::Sqlite { read, .. } => {
                    let exists = "SELECT 1 FROM sqlite_master WHERE name = 'base_migration'";
                    if read.fetch_optional(exists).await?.is_none() {
                        return Ok(Vec::new());
                    }
                    let rows = read.fetch_all(sql).await?;
                    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
                }
                Pool::Postgres(lines) => {
                    let (pool, _) = lines.now();
                    let exists = "SELECT 1 WHERE to_regclass('base_migration') IS NOT NULL";
                    if pool.fetch_optional(exists).await?.is_none() {
                        return Ok(Vec::new());
                    }
                    let rows = pool.fetch_all(sql).await?;
                    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
                }
            }
        };
        read.await.map_err(|cause| DbError::new("read its migrations", cause))
    }

    pub(crate) async fn script(&self, text: &str) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()));
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                script.execute(&mut *write.alone().await?).await.map(drop)
            }
            Pool::Postgres(lines) => script.execute(&lines.now().0).await.map(drop),
        }
    }

    async fn step(&self, name: &str, text: &'static str) -> Result<(), sqlx::Error> {
        let done = "INSERT INTO base_migration (name, text) VALUES ($1, $2)";
        macro_rules! apply {
            ($tx:expr) => {{
                let mut tx = $tx;
                sqlx::raw_sql(text).execute(&mut *tx).await?;
                sqlx::query(done).bind(name).bind(text).execute(&mut *tx).await?;
                tx.commit().await
            }};
        }
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                apply!(write.begin().await?)
            }
            Pool::Postgres(lines) => {
                let words = AssertSqlSafe("BEGIN".to_owned());
                apply!(begin(&lines.now().0, words).await?)
            }
        }
    }
}
