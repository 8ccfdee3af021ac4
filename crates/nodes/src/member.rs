//! Nodes that serve a region, as the region's database says.

use base::args;
use base::db::{Db, DbError, Row, Statement, Value, Within};
use base::time::At;
use serde::Serialize;

use crate::sql;

/// A node that serves a region, or died and is not buried yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its name.
    pub node: String,
    /// This life of it.
    pub instance: String,
    /// The version of the program.
    pub version: String,
    /// Since when, by its own clock.
    pub started_at: At,
    /// Since when it takes nothing new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draining_at: Option<At>,
    /// Since when others take it for dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_at: Option<At>,
    /// How old the news were that it had at its last beat.
    pub news_age_ms: i64,
    /// Grows while it lives.
    pub beats: i64,
}

impl Member {
    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            node: row.text("node")?,
            instance: row.text("instance")?,
            version: row.text("version")?,
            started_at: row.at("started_at")?,
            draining_at: row.opt_at("draining_at")?,
            dead_at: row.opt_at("dead_at")?,
            news_age_ms: row.int("behind_ms")?,
            beats: row.int("beats")?,
        })
    }
}

/// Every node that serves a region: at most a thousand.
pub async fn members(db: &Db) -> Result<Vec<Member>, DbError> {
    let rows = db.all(&Within::node(), sql::MEMBERS, args![]).await?;
    rows.iter().map(Member::read).collect()
}

#[expect(clippy::disallowed_methods, reason = "who serves a region is no change of an org")]
pub(crate) async fn write(
    db: &Db,
    writes: impl IntoIterator<Item = (Statement, Vec<Value>)>,
) -> Result<u64, DbError> {
    let mut tx = db.begin(&Within::node()).await?;
    let mut changed = 0;
    for (statement, args) in writes {
        changed = tx.run(statement, args).await?;
        if changed == 0 {
            // Dropped: all of it, or nothing.
            return Ok(0);
        }
    }
    tx.commit().await?;
    Ok(changed)
}
