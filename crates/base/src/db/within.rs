//! Which rows a use of the database may see.

use sqlx::AssertSqlSafe;

/// The rows that row-level security lets through: those of one org, of some, or
/// of every org of this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within(String);

impl Within {
    /// The rows of one org.
    pub fn org(org_id: &str) -> Self {
        Self(org_id.to_owned())
    }

    /// The rows of several orgs: a batch of events of different orgs.
    pub fn orgs<'a>(org_ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self(org_ids.into_iter().collect::<Vec<_>>().join(","))
    }

    /// All rows: start-up, sweeps and migrations of this node, never a request.
    pub fn node() -> Self {
        Self("*".to_owned())
    }

    /// Begins a transaction on PostgreSQL and says, for it alone, which rows it sees: one
    /// trip, and a connection that comes back from it shows nothing again.
    /// What stands still in between for longer than [`IDLE_MAX`](super::IDLE_MAX) is undone, and
    /// so is a statement that takes longer than [`STATEMENT_MAX`](super::STATEMENT_MAX).
    pub(crate) fn begins(&self, begin: &str) -> Result<AssertSqlSafe<String>, sqlx::Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_,*".contains(&byte);
        if !self.0.bytes().all(plain) {
            return Err(sqlx::Error::Protocol("an org id has letters and digits".to_owned()));
        }
        let within = &self.0;
        let idle_ms = super::IDLE_MAX.as_millis();
        let statement_ms = super::STATEMENT_MAX.as_millis();
        let text = format!(
            "{begin}; SELECT set_config('portico.org', '{within}', true),
                             set_config('idle_in_transaction_session_timeout', '{idle_ms}', true),
                             set_config('statement_timeout', '{statement_ms}', true)"
        );
        Ok(AssertSqlSafe(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;
    use crate::db::{Migration, Pool, Statement};
    use crate::testing::Bench;

    const THING: Migration =
        Migration::both("base/thing", "CREATE TABLE base_thing (org_id TEXT NOT NULL)");
    const ADD: Statement = Statement::new("add", "INSERT INTO base_thing (org_id) VALUES ($1)");
    const ALL: Statement = Statement::new("list", "SELECT org_id FROM base_thing");

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test of the database itself")]
    async fn a_forgotten_org_shows_nothing_whatever_was_read_before() {
        let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
        let db = &bench.db;
        let mut tx = db.begin(&Within::org("org_a")).await.unwrap();
        tx.run(ADD, args!["org_a"]).await.unwrap();
        tx.commit().await.unwrap();
        let Pool::Postgres(lines) = db.pool() else { unreachable!("PostgreSQL") };
        let (pool, _) = lines.now();
        for within in [Within::node(), Within::org("org_a"), Within::orgs(["org_b", "org_a"])] {
            assert_eq!(db.all(&within, ALL, vec![]).await.unwrap().len(), 1, "{within:?}");
            // Every connection that there is, at once.
            let mut held = Vec::new();
            for _ in 0..pool.size() {
                let mut connection = pool.acquire().await.unwrap();
                let forgotten = sqlx::query(ALL.text).fetch_all(&mut *connection).await.unwrap();
                assert!(forgotten.is_empty(), "{within:?}");
                held.push(connection);
            }
        }
        assert!(db.all(&Within::org("org_b"), ALL, vec![]).await.unwrap().is_empty());
        let smuggled = Within::org("x', true); SELECT set_config('portico.org', '*");
        assert!(db.all(&smuggled, ALL, vec![]).await.is_err());
    }
}
