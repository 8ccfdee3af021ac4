//! Searching the archive, the newest first.
//!
//! A search reads what the database tells of chunks and opens those alone in which the filter
//! may match. It ends like one in the database does: after so much, saying how far back it
//! looked.

use access::{OrgDb, Scope};
use base::args;
use base::db::{DbError, Row};
use base::time::At;

use super::chunk::Kept;
use super::filed::Filed;
use super::names::Column;
use super::read::PAGE;
use crate::event::Outcome;
use crate::{Filter, Record, sql};

/// Chunks that one search asks the database for at most: a megabyte of filters, of a million
/// events.
const ASKED_MAX: usize = 4 * PAGE;
/// Chunks that it opens at most: as many events as a search in the database looks at.
const OPENED_MAX: usize = 8;

/// What a search in the archive found.
pub(crate) struct Older {
    /// The newest first.
    pub(crate) rows: Vec<Row>,
    /// The position before which nothing was looked at, if the search ended before the
    /// stretch did.
    pub(crate) floor: Option<i64>,
}

impl Record {
    /// Up to `limit` events from a position to before another, the newest first. The filter is
    /// one as the columns hold it.
    pub(crate) async fn older(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        filter: &Filter,
        (from, before): (i64, i64),
        limit: usize,
        now: At,
    ) -> Result<Older, DbError> {
        let wanted = Wanted::of(filter, now);
        let (mut rows, mut reached) = (Vec::new(), before);
        let (mut asked, mut opened) = (0, 0);
        while reached > from {
            let page = db.all(sql::COLD_DOWN, args![from, reached]).await?;
            let full = page.len() >= PAGE;
            for filed in &page {
                let filed = Filed::of(filed)?;
                if wanted.may_be_in(&filed) {
                    if opened >= OPENED_MAX {
                        return Ok(Older { rows, floor: Some(reached) });
                    }
                    opened += 1;
                    let chunk = self.chunk(db, scope, &filed).await?;
                    let found = chunk
                        .rows()
                        .iter()
                        .rev()
                        .filter(|row| (from..before).contains(&row.seq) && wanted.matches(row));
                    rows.extend(found.take(limit - rows.len()).map(Kept::row));
                    if rows.len() >= limit {
                        return Ok(Older { rows, floor: None });
                    }
                }
                reached = filed.first;
            }
            asked += page.len();
            if !full {
                break;
            }
            if asked >= ASKED_MAX && reached > from {
                return Ok(Older { rows, floor: Some(reached) });
            }
        }
        Ok(Older { rows, floor: None })
    }
}

/// A filter, as rows of the archive are held against it.
pub(crate) struct Wanted<'a> {
    filter: &'a Filter,
    outcome: &'static str,
    /// From this instant to before that one.
    at: (i64, i64),
}

impl<'a> Wanted<'a> {
    fn of(filter: &'a Filter, now: At) -> Self {
        let begins = filter.begins(now).map_or(i64::MIN, At::as_microsecond);
        let ends = filter.to.map_or(i64::MAX, At::as_microsecond);
        Self { filter, outcome: filter.outcome.map_or("", Outcome::as_str), at: (begins, ends) }
    }

    /// Whatever times it names.
    pub(crate) fn at_any_time(filter: &'a Filter) -> Self {
        let outcome = filter.outcome.map_or("", Outcome::as_str);
        Self { filter, outcome, at: (i64::MIN, i64::MAX) }
    }

    /// What a column must be, if it must be something.
    fn exact(&self) -> [(Column, &str); 5] {
        let filter = self.filter;
        [
            (Column::Action, filter.exact_action()),
            (Column::User, &filter.user),
            (Column::ResourceType, &filter.resource_type),
            (Column::Resource, &filter.resource),
            (Column::Outcome, self.outcome),
        ]
    }

    fn may_be_in(&self, filed: &Filed) -> bool {
        let named = |(column, value): &(Column, &str)| {
            value.is_empty() || filed.names.may_have(*column, value)
        };
        filed.reaches((self.at.0, self.at.1.saturating_sub(1))) && self.exact().iter().all(named)
    }

    /// As the statements of a page narrow.
    pub(crate) fn matches(&self, row: &Kept) -> bool {
        let same = |(column, value): &(Column, &str)| {
            let is = match column {
                Column::Action => &row.action,
                Column::User => &row.user_id,
                Column::ResourceType => &row.resource_type,
                Column::Resource => &row.resource_id,
                Column::Outcome => &row.outcome,
            };
            value.is_empty() || value == is
        };
        (self.at.0..self.at.1).contains(&row.at)
            && row.action.starts_with(self.filter.action_prefix())
            && self.exact().iter().all(same)
    }
}
