//! The last days of a record, for rooms that judge by what happened.
//!
//! The room that asks has checked who may, and records once that it looked back.

use access::Scope;
use base::args;
use base::db::DbError;
use base::time::At;
use serde_json::Value;

use crate::explore::sequence;
use crate::tiers::Positions;
use crate::{Filter, Record, sql};

/// Events of one piece at most.
const PIECE: u32 = 500;
/// Events that are read on with at most.
pub(crate) const READ_ON_MAX: usize = 1_000;

/// A piece of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct Back {
    /// The events, newest first.
    pub events: Vec<Value>,
    /// Where the next piece begins; none: there is nothing more.
    pub next: Option<i64>,
}

impl Record {
    /// Up to 1,000 events from a position on, oldest first: the node reading for itself, so
    /// it leaves no event. Whoever passes them on has checked who may.
    pub async fn read_on(&self, scope: &Scope, from: i64) -> Result<Vec<Value>, DbError> {
        let db = self.databases().of(scope)?;
        let positions = Positions::all(from, i64::MAX).at_most(READ_ON_MAX);
        let rows = self.rows((&db, scope), (sql::FROM, args![from]), positions).await?;
        self.shown(&db, scope, &rows).await
    }

    /// Up to 500 events since an instant, newest first, before a position if one is given.
    pub async fn look_back(
        &self,
        scope: &Scope,
        since: At,
        before: Option<i64>,
    ) -> Result<Back, DbError> {
        let db = self.databases().of(scope)?;
        let filter = Filter { from: Some(since), ..Filter::default() };
        let before = before.unwrap_or(i64::MAX);
        let found = self.page((&db, scope), &filter, before, PIECE).await?;
        let events = self.shown(&db, scope, &found.rows).await?;
        let full = events.len() >= usize::try_from(PIECE).unwrap_or(usize::MAX);
        let last = events.last().map(sequence).filter(|seq| full && *seq > 0);
        Ok(Back { next: last.or(found.floor), events })
    }
}
