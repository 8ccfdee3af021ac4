//! Whether what is committed is on a second machine before it is acknowledged.

use super::{Db, DbError, Engine, Statement, Within};

const SETTINGS: Statement = Statement::new(
    "say how it commits",
    "SELECT CAST(current_setting('synchronous_standby_names') AS TEXT) AS named,
            CAST(current_setting('synchronous_commit') AS TEXT) AS waits,
            CAST(current_setting('fsync') AS TEXT) AS syncs,
            CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
                 THEN 1::bigint ELSE 0 END AS may_look,
            (SELECT COUNT(*) FROM pg_stat_replication
              WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')) AS streaming",
);

/// What stands behind a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standby {
    /// So many synchronous standbys follow.
    Follows(u64),
    /// A commit waits for none.
    NoneNamed,
    /// One is named and none follows: commits wait.
    NoneFollows,
    /// `synchronous_commit` or `fsync` is off for this role: what is acknowledged may be lost.
    Unsafe,
    /// The role may not look: it needs `pg_read_all_stats`.
    Hidden,
    /// The embedded engine has one file on one machine.
    Embedded,
}

impl Standby {
    /// Whether what is acknowledged survives the loss of a machine.
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Follows(_))
    }
}

impl std::fmt::Display for Standby {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Follows(count) => write!(f, "{count} synchronous standbys follow"),
            Self::NoneNamed => f.write_str(
                "`synchronous_standby_names` is empty: what is acknowledged is on one machine alone",
            ),
            Self::NoneFollows => f.write_str("no synchronous standby follows: commits wait for one"),
            Self::Unsafe => f.write_str(
                "`fsync` must be on, and `synchronous_commit` must be `on` or `remote_apply`: what \
                 is acknowledged could be lost",
            ),
            Self::Hidden => f.write_str(
                "the role may not look whether a standby follows: `GRANT pg_read_all_stats` to it",
            ),
            Self::Embedded => f.write_str("SQLite is one file on one machine: name a PostgreSQL"),
        }
    }
}

impl Db {
    /// What stands behind a commit, now.
    pub async fn standby(&self) -> Result<Standby, DbError> {
        if self.engine() == Engine::Sqlite {
            return Ok(Standby::Embedded);
        }
        let row = self.maybe(&Within::org(""), SETTINGS, Vec::new()).await?;
        let Some(row) = row else { return Ok(Standby::Hidden) };
        let (named, waits) = (row.text("named")?, row.text("waits")?);
        let streaming = row.count("streaming")?;
        Ok(if row.text("syncs")? != "on" || !matches!(waits.as_str(), "on" | "remote_apply") {
            Standby::Unsafe
        } else if named.trim().is_empty() {
            Standby::NoneNamed
        } else if row.int("may_look")? == 0 {
            Standby::Hidden
        } else if streaming == 0 {
            Standby::NoneFollows
        } else {
            Standby::Follows(streaming)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[tokio::test]
    async fn acknowledged_work_on_one_machine_alone_is_not_called_safe() {
        for bench in Bench::on_each_engine(&[], &[]).await {
            let standby = bench.db.standby().await.unwrap();
            assert!(!standby.is_safe(), "{standby}");
        }
    }
}
