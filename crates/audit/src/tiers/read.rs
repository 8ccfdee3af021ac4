//! Reading positions, wherever they lie.
//!
//! The database is asked first, and only then where it begins: rows leave it in the
//! transaction that moves its beginning, so whatever was missed has left and is in a chunk.

use std::sync::Arc;

use access::{Caller, OrgDb, Permission, Scope};
use base::args;
use base::db::{DbError, Row, Statement, Value};

use super::chunk::{Chunk, Kept};
use super::filed::Filed;
use crate::explore::Error;
use crate::heads::LATE_MAX_MICROS;
use crate::{Record, sql};

/// Chunks that one page of the database tells of.
pub(super) const PAGE: usize = 256;

/// A stretch of positions, and which of their rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions {
    pub(crate) from: i64,
    pub(crate) before: i64,
    /// Between these two instants, both included.
    pub(crate) at: (i64, i64),
    /// Rows at most.
    pub(crate) limit: usize,
}

/// Which rows of the archive a statement would have given.
pub(crate) type Wanted<'a> = &'a (dyn Fn(&Kept) -> bool + Send + Sync);

impl Positions {
    /// All rows of these positions.
    pub(crate) fn all(from: i64, before: i64) -> Self {
        Self { from, before, at: (i64::MIN, i64::MAX), limit: usize::MAX }
    }

    pub(crate) fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    fn take(&self, row: &Kept) -> bool {
        (self.from..self.before).contains(&row.seq) && (self.at.0..=self.at.1).contains(&row.at)
    }
}

impl Filed {
    /// Whether an event between these instants can be in it.
    pub(super) fn reaches(&self, at: (i64, i64)) -> bool {
        self.at.0 <= at.1 && self.at.1 >= at.0
    }
}

impl Record {
    /// Where the events begin that are in the database: what is before lies in the archive.
    pub(crate) async fn hot_from(&self, db: &OrgDb<'_>) -> Result<i64, DbError> {
        let row = db.maybe(sql::COLD_EDGE, args![]).await?;
        row.map_or(Ok(0), |row| row.int("next"))
    }

    /// The same, for a page that shows events.
    pub(crate) async fn archived_before(&self, caller: &Caller) -> Result<i64, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        Ok(self.hot_from(&self.databases().of(&scope)?).await?)
    }

    /// Every row of a stretch, the oldest first. The statement gives those that are in the
    /// database.
    pub(crate) async fn rows(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        (statement, args): (Statement, Vec<Value>),
        positions: Positions,
    ) -> Result<Vec<Row>, DbError> {
        let hot = db.all(statement, args).await?;
        // Positions have no gaps: if the first one is here, nothing of them has left.
        if hot.first().map(|row| row.int("seq")).transpose()? == Some(positions.from) {
            return Ok(hot);
        }
        let limit = i64::try_from(positions.limit).unwrap_or(i64::MAX);
        let before = positions.before.min(positions.from.saturating_add(limit));
        self.with_older((db, scope), hot, Positions { before, ..positions }, &|_| true).await
    }

    /// Those rows of a stretch that are wanted, the oldest first. The statement gives those
    /// that are in the database.
    pub(crate) async fn rows_that(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        (statement, args): (Statement, Vec<Value>),
        positions: Positions,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Row>, DbError> {
        let hot = db.all(statement, args).await?;
        self.with_older((db, scope), hot, positions, wanted).await
    }

    async fn with_older(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        hot: Vec<Row>,
        positions: Positions,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Row>, DbError> {
        let edge = self.hot_from(db).await?;
        if edge <= positions.from {
            return Ok(hot);
        }
        let before = positions.before.min(edge);
        let older = Positions { before, ..positions };
        let mut rows = Vec::new();
        let mut next = positions.from;
        while next < before && rows.len() < positions.limit {
            let page = db.all(sql::COLD_UP, args![next, before]).await?;
            let Some(last) = page.last() else { break };
            next = last.int("next")?.max(next + 1);
            for filed in &page {
                let filed = Filed::of(filed)?;
                if rows.len() >= positions.limit || !filed.reaches(positions.at) {
                    continue;
                }
                let chunk = self.chunk(db, scope, &filed).await?;
                let taken = chunk.rows().iter().filter(|row| older.take(row) && wanted(row));
                rows.extend(taken.take(positions.limit - rows.len()).map(Kept::row));
            }
        }
        for row in hot {
            if rows.len() < positions.limit && row.int("seq")? >= edge {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// The row at a position. The statement gives it if it is in the database.
    pub(crate) async fn row_at(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        statement: Statement,
        seq: i64,
    ) -> Result<Option<Row>, DbError> {
        if let Some(row) = db.maybe(statement, args![seq]).await? {
            return Ok(Some(row));
        }
        let chunk = self.chunk_with(db, scope, seq).await?;
        Ok(chunk.and_then(|chunk| chunk.row(seq).map(Kept::row)))
    }

    /// The chunk that a position is in.
    pub(super) async fn chunk_with(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        seq: i64,
    ) -> Result<Option<Arc<Chunk>>, DbError> {
        let found = db.maybe(sql::COLD_UP, args![seq, seq.saturating_add(1)]).await?;
        let filed = found.as_ref().map(Filed::of).transpose()?;
        match filed.filter(|filed| (filed.first..filed.next).contains(&seq)) {
            Some(filed) => Ok(Some(self.chunk(db, scope, &filed).await?)),
            None => Ok(None),
        }
    }

    /// The first position of an event at or behind an instant; none: all are older.
    pub(crate) async fn first_since(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        at: i64,
    ) -> Result<Option<i64>, DbError> {
        // Positions are in the order of time but for a few seconds.
        let near = place(db, sql::PLACE, at.saturating_sub(LATE_MAX_MICROS)).await?;
        let asked = (sql::PERIOD_FIRST, args![near, at]);
        let positions = Positions { at: (at, i64::MAX), ..Positions::all(near, i64::MAX) };
        let rows = self.rows_that((db, scope), asked, positions.at_most(1), &|_| true).await?;
        rows.first().map(|row| row.int("seq")).transpose()
    }

    /// The last position of an event before an instant; none: none is older.
    pub(crate) async fn last_before(
        &self,
        (db, scope): (&OrgDb<'_>, &Scope),
        at: i64,
    ) -> Result<Option<i64>, DbError> {
        let near = place(db, sql::PLACE_BEHIND, at.saturating_add(LATE_MAX_MICROS)).await?;
        if let Some(row) = db.maybe(sql::PERIOD_LAST, args![near, at]).await? {
            return row.int("seq").map(Some);
        }
        let mut before = near.min(self.hot_from(db).await?);
        loop {
            let page = db.all(sql::COLD_DOWN, args![0, before]).await?;
            let Some(last) = page.last() else { return Ok(None) };
            for row in &page {
                let filed = Filed::of(row)?;
                if !filed.reaches((i64::MIN, at - 1)) {
                    continue;
                }
                let chunk = self.chunk(db, scope, &filed).await?;
                let mut rows = chunk.rows().iter().rev();
                if let Some(found) = rows.find(|row| row.seq < before && row.at < at) {
                    return Ok(Some(found.seq));
                }
            }
            before = last.int("first")?;
        }
    }
}

/// A position beside an instant.
pub(crate) async fn place(db: &OrgDb<'_>, statement: Statement, at: i64) -> Result<i64, DbError> {
    let row = db.maybe(statement, args![at]).await?;
    row.map(|row| row.int("seq")).transpose().map(Option::unwrap_or_default)
}
