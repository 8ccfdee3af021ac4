//! Whether the role that serves has no more rights than it should.

use super::{Db, DbError, Engine, Statement, Within};
use crate::args;

const ROLE: Statement = Statement::new(
    "look at its role",
    "SELECT CAST(rolname AS TEXT) AS name,
            CASE WHEN rolsuper THEN 1::bigint ELSE 0 END AS super,
            CASE WHEN rolbypassrls THEN 1::bigint ELSE 0 END AS bypass
       FROM pg_roles WHERE rolname = current_user",
);

const TABLE: Statement = Statement::new(
    "look at the rights of its role",
    "SELECT CASE WHEN pg_has_role(c.relowner, 'MEMBER') THEN 1::bigint ELSE 0 END AS owner,
            CASE WHEN has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
                   OR has_any_column_privilege(c.oid, 'UPDATE')
                 THEN 1::bigint ELSE 0 END AS rewrite
       FROM pg_class c WHERE c.oid = to_regclass($1)",
);

impl Db {
    /// What the role of this handle may do and should not: go round row-level security,
    /// or change what may only be added to. SQLite has no roles, so no complaints.
    pub async fn posture(&self, append_only: &[&str]) -> Result<Vec<String>, DbError> {
        let mut complaints = Vec::new();
        if self.engine() == Engine::Sqlite {
            return Ok(complaints);
        }
        for row in self.all(&Within::org(""), ROLE, Vec::new()).await? {
            let name = row.text("name")?;
            for (right, is) in [("super", "is a superuser"), ("bypass", "has BYPASSRLS")] {
                if row.int(right)? == 1 {
                    complaints.push(format!("the role `{name}` {is}"));
                }
            }
        }
        for table in append_only {
            for row in self.all(&Within::org(""), TABLE, args![*table]).await? {
                if row.int("owner")? == 1 {
                    complaints.push(format!("the role owns `{table}`"));
                } else if row.int("rewrite")? == 1 {
                    complaints.push(format!("the role may change or delete rows of `{table}`"));
                }
            }
        }
        Ok(complaints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Migration;
    use crate::testing::Bench;

    const LOG: Migration =
        Migration::both("base/log", "CREATE TABLE base_log (org_id TEXT NOT NULL, line TEXT)");

    #[tokio::test]
    async fn a_role_that_could_rewrite_the_record_is_told_apart_from_one_that_could_not() {
        for bench in Bench::on_each_engine(&[LOG], &["base_log"]).await {
            assert_eq!(bench.db.posture(&["base_log"]).await.unwrap(), [""; 0]);
            if bench.db.engine() == Engine::Postgres {
                let owner = Db::open(&bench.owner_url).await.unwrap();
                let told = owner.posture(&["base_log"]).await.unwrap();
                assert_eq!(told, ["the role owns `base_log`"]);
                let grant = "GRANT UPDATE (line) ON base_log TO portico_app";
                owner.script(grant).await.unwrap();
                let told = bench.db.posture(&["base_log"]).await.unwrap();
                assert_eq!(told, ["the role may change or delete rows of `base_log`"]);
            }
        }
    }

    #[tokio::test]
    async fn a_database_file_can_be_read_by_nobody_else_on_the_machine() {
        use std::os::unix::fs::PermissionsExt as _;

        let bench = Bench::sqlite(&[LOG]).await;
        let file = bench.url.strip_prefix("sqlite://").unwrap();
        for end in ["", "-wal", "-shm"] {
            let mode = std::fs::metadata(format!("{file}{end}")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "test.db{end}");
        }
    }
}
