//! The events of a person in the archive.

use access::{OrgDb, Scope};
use base::args;
use base::db::{DbError, Row};

use super::chunk::Kept;
use crate::{Record, sql};

impl Record {
    /// Events by or about a person before a position, the newest first: those that are in the
    /// archive, `limit` at most.
    pub(crate) async fn archived_of(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        person: &str,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Row>, DbError> {
        let (mut rows, mut behind) = (Vec::new(), before);
        while rows.len() < limit {
            let page = db.all(sql::COLD_OF, args![person, behind]).await?;
            let Some(last) = page.last() else { break };
            behind = last.int("first")?;
            for first in &page {
                if rows.len() >= limit {
                    break;
                }
                let Some(chunk) = self.chunk_with(db, scope, first.int("first")?).await? else {
                    continue;
                };
                let theirs = |row: &&Kept| {
                    row.seq < before && (row.user_id == person || row.resource_id == person)
                };
                let theirs = chunk.rows().iter().rev().filter(theirs);
                rows.extend(theirs.take(limit - rows.len()).map(Kept::row));
            }
        }
        Ok(rows)
    }
}
