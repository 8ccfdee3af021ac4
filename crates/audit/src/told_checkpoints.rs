//! The record in order with its checkpoints, for what it flows to.
//!
//! The node reads for itself, so it leaves no event. Whoever passes it on has checked who may.

use access::Scope;
use base::args;
use base::db::DbError;
use base::time::At;
use serde_json::Value;

use crate::tiers::Positions;
use crate::{Record, sql};

/// Events of one stretch at most.
pub const STRETCH_MAX: i64 = 500;

/// A signed checkpoint of an org's tree, as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCheckpoint {
    /// How many events it covers: those before this position.
    pub size: i64,
    /// The root of the tree of that size.
    pub root: Vec<u8>,
    /// When it was signed.
    pub at: At,
    /// The signed note.
    pub note: String,
}

impl Record {
    /// The events from a position on, the oldest first; at most `limit`, and never more than
    /// [`STRETCH_MAX`].
    pub async fn stretch(
        &self,
        scope: &Scope,
        from: i64,
        limit: i64,
    ) -> Result<Vec<Value>, DbError> {
        let db = self.databases().of(scope)?;
        let limit = limit.clamp(0, STRETCH_MAX);
        let positions = Positions::all(from, i64::MAX);
        let positions = positions.at_most(usize::try_from(limit).unwrap_or_default());
        let asked = (sql::STRETCH, args![from, limit]);
        let rows = self.rows((&db, scope), asked, positions).await?;
        self.shown(&db, scope, &rows).await
    }

    /// How many events the record has.
    pub async fn size(&self, scope: &Scope) -> Result<i64, DbError> {
        let row = self.databases().of(scope)?.maybe(sql::SIZE, args![]).await?;
        row.map_or(Ok(0), |row| row.int("size"))
    }

    /// When the event at a position was recorded, which is below [`Record::size`]. Of one in the
    /// archive, which is not asked: when the first was of those that lie in the same file.
    pub async fn recorded_about(&self, scope: &Scope, seq: i64) -> Result<Option<At>, DbError> {
        let db = self.databases().of(scope)?;
        let row = db.maybe(sql::ABOUT, args![seq]).await?;
        Ok(row.map(|row| row.opt_at("at")).transpose()?.flatten())
    }

    /// Published checkpoints of more events than `size`, the smallest first: at most a hundred.
    /// Of a past hour the last two are remembered.
    pub async fn checkpoints_beyond(
        &self,
        scope: &Scope,
        size: i64,
    ) -> Result<Vec<ToldCheckpoint>, DbError> {
        let db = self.databases().of(scope)?;
        let rows = db.all(sql::CHECKPOINTS_BEYOND, args![size]).await?;
        let told = rows.iter().map(|row| {
            let (size, root) = (row.int("size")?, row.bytes("root")?);
            Ok(ToldCheckpoint { size, root, at: row.at("at")?, note: row.text("note")? })
        });
        told.collect()
    }
}
