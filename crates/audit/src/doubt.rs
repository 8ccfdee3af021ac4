//! Whether what was committed stands, when no answer came to the commit.
//!
//! Whoever appends holds the row of the org's head until the end of the transaction. So
//! whoever takes that row after it knows that it has ended, one way or the other: if the event
//! is not at its position then, it never will be. The looking commits too: on a server with a
//! synchronous standby that commit comes back only when what it saw is on the standby as well.

use std::time::Duration;

use base::args;
use base::db::{Db, DbError, Engine, Tries, Within};

use crate::append::Prepared;
use crate::sql;

/// How long the database may be away before nobody knows: longer than a failover takes.
const LOOKED_FOR: Duration = Duration::from_secs(30);

/// Whether the transaction was committed that gave this event this position.
pub(crate) async fn stands(db: &Db, entry: &Prepared, seq: i64) -> Result<bool, DbError> {
    let mut tries = Tries::lasting(LOOKED_FOR);
    loop {
        match look(db, entry, seq).await {
            Err(error) if error.is_passing() || error.is_unreachable() => {
                if !tries.wait().await {
                    return Err(error);
                }
            }
            looked => {
                if let Ok(stands) = looked {
                    tracing::warn!(org.id = %entry.org, stands, "a commit without an answer");
                }
                return looked;
            }
        }
    }
}

/// Waits until whatever this node's line was writing to the record of an org stands or does not.
/// On SQLite it does already: nothing is under way that nobody waits for.
#[expect(clippy::disallowed_methods, reason = "nothing is changed: it waits for others")]
pub(crate) async fn settle(db: &Db, org: &str) -> Result<(), DbError> {
    if db.engine() == Engine::Sqlite {
        return Ok(());
    }
    let mut tx = db.begin(&Within::org(org)).await?;
    tx.run(sql::HEAD_HOLD, args![org]).await?;
    tx.commit().await
}

#[expect(clippy::disallowed_methods, reason = "nothing is changed: it waits for others")]
async fn look(db: &Db, entry: &Prepared, seq: i64) -> Result<bool, DbError> {
    let org = entry.org.as_str();
    let mut tx = db.begin(&Within::org(org)).await?;
    tx.run(sql::HEAD_HOLD, args![org]).await?;
    let row = tx.maybe(sql::BODY_AT, args![org, seq]).await?;
    tx.commit().await?;
    row.map_or(Ok(false), |row| entry.is_stored_as(&row.bytes("body")?))
}

#[cfg(test)]
mod tests {
    use base::testing::Bench;

    use super::*;

    #[tokio::test]
    async fn on_sqlite_nobody_waits_for_the_turn_of_another() {
        let bench = Bench::sqlite(sql::MIGRATIONS).await;
        let other = bench.db.begin(&Within::org("org_a")).await.unwrap();
        settle(&bench.db, "org_b").await.unwrap();
        drop(other);
    }
}
