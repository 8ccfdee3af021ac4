//! The event that a receipt proves, of a call that is in the archive.
//!
//! The id of a call says when it began, so only chunks of that time are asked for it.

use access::{OrgDb, Scope};
use base::args;
use base::db::{DbError, Row};

use super::chunk::Kept;
use super::filed::Filed;
use super::names::Column;
use super::read::{PAGE, place};
use crate::{Record, sql};

/// How long before its own first event a call can have got its id: clocks of nodes differ.
const BEFORE_MICROS: i64 = 60_000_000;
/// How long after it a call can have its end: one that a crash cut off gets it when its node
/// starts again. Later ends are found by a search.
const BEHIND_MICROS: i64 = 7 * 24 * 3_600_000_000;
/// Chunks that are asked for a call at most, of a million events, and those that are opened:
/// of a hundred that are asked one seems to have a call that it has not.
const ASKED_MAX: usize = 4 * PAGE;
const OPENED_MAX: usize = 24;
/// What a call is told by.
const OF_CALLS: [&str; 3] = ["gateway.call.started", "gateway.call.ended", "gateway.call.refused"];
const ENDED: &str = "gateway.call.ended";

impl Record {
    /// What a receipt proves: the end of a call, or whatever else there is of it.
    pub(crate) async fn call_row(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        id: &str,
    ) -> Result<Option<Row>, DbError> {
        // If its end is in the archive, nothing of it is in the database.
        if let Some(row) = db.maybe(sql::CALL, args![id]).await? {
            return Ok(Some(row));
        }
        let edge = self.hot_from(db).await?;
        let Some(made) = base::id::made_at(id).filter(|_| edge > 0) else { return Ok(None) };
        let made = made.as_microsecond();
        let mut next = place(db, sql::PLACE, made.saturating_sub(BEFORE_MICROS)).await?;
        let (mut found, mut asked, mut opened): (Option<Kept>, usize, usize) = (None, 0, 0);
        while next < edge && asked < ASKED_MAX {
            let page = db.all(sql::COLD_UP, args![next, edge]).await?;
            for filed in &page {
                let filed = Filed::of(filed)?;
                next = filed.next.max(next + 1);
                let behind = filed.at.0 > made.saturating_add(BEHIND_MICROS);
                if behind || opened >= OPENED_MAX {
                    return Ok(found.as_ref().map(Kept::row));
                }
                if !filed.names.may_have(Column::Resource, id) {
                    continue;
                }
                opened += 1;
                let chunk = self.chunk(db, scope, &filed).await?;
                for row in chunk.rows().iter().filter(|row| row.is_of_call(id)) {
                    if row.action == ENDED {
                        return Ok(Some(row.row()));
                    }
                    found = Some(row.clone());
                }
            }
            if page.is_empty() {
                break;
            }
            asked += PAGE;
        }
        Ok(found.as_ref().map(Kept::row))
    }
}

impl Kept {
    fn is_of_call(&self, id: &str) -> bool {
        self.resource_id == id
            && self.resource_type == "call"
            && OF_CALLS.contains(&self.action.as_str())
    }
}
