//! The record is folded into rows that add up. Rows and the position change together, so
//! that every call counts once, whoever folds and however often.

use access::{Caller, OrgId, Region, Scope};
use base::args;
use base::db::DbError;
use base::time::At;

use crate::ahead::Stretch;
use crate::rollup::{Rollup, Sums, sums};
use crate::span::{DAY_US, begin};
use crate::{Usage, sql};

/// Positions of the record that one transaction folds. On SQLite the record itself waits
/// while one writes: some tens of milliseconds at most.
const STEP: i64 = 500;
/// Steps that somebody who reads waits for. Whoever is behind further is told until when
/// the numbers hold.
const STEPS_OF_A_READING: usize = 4;
/// How often in a row one step may meet another writer.
const MEETINGS_MAX: u32 = 5;
/// Days whose hours are kept. A series by hours may begin 32 days ago, and is compared with
/// up to seven days before.
const HOURS_KEPT_US: i64 = 40 * DAY_US;

/// How far an org is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folded {
    /// The next position.
    pub(crate) seq: i64,
    /// The instant until which the numbers hold; none if they hold now.
    pub(crate) until: Option<At>,
}

/// A stretch of the record that is folded in one transaction.
struct Piece {
    /// The position behind it.
    next: i64,
    /// When its last call ended; 0: it has none.
    at: i64,
    sums: Sums,
    /// Whether nothing stood behind it when it was read.
    is_last: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cursor {
    seq: i64,
    at: i64,
    swept: i64,
}

impl Usage {
    /// Folds the rest of the org's record. For who reads next to who writes, a few steps
    /// are made by each reading; this makes all.
    pub async fn fold(&self, caller: &Caller) -> Result<(), DbError> {
        self.fold_of(&caller.org, caller.region, usize::MAX).await.map(drop)
    }

    /// As far as somebody who reads waits for.
    pub(crate) async fn fold_to_read(&self, scope: &Scope) -> Result<Folded, DbError> {
        self.fold_of(scope.org(), scope.region(), STEPS_OF_A_READING).await
    }

    pub(crate) async fn fold_of(
        &self,
        org: &OrgId,
        region: Region,
        steps_max: usize,
    ) -> Result<Folded, DbError> {
        // This node's own work: the numbers are of the whole org, whoever will see them.
        let scope = Caller::node(org.clone(), region, "usage").itself();
        let (mut steps, mut meetings) = (0, 0);
        loop {
            let cursor = self.cursor(&scope).await?;
            if steps == steps_max {
                let rest = self.record.told_calls(&scope, cursor.seq, 1).await?;
                let until = At::from_microsecond(cursor.at).ok();
                let until = until.filter(|_| rest.next > cursor.seq);
                return Ok(Folded { seq: cursor.seq, until });
            }
            let Some(stretch) = self.stretch(&scope, cursor).await? else {
                return Ok(Folded { seq: cursor.seq, until: None });
            };
            steps += 1;
            let hours_from = begin(self.clock.now().as_microsecond() - HOURS_KEPT_US, DAY_US);
            let next = Cursor {
                seq: stretch.next,
                at: stretch.at.max(cursor.at),
                swept: hours_from.max(cursor.swept),
            };
            let rollup = Rollup::of(&stretch.sums, next.swept);
            match self.write(&scope, cursor, next, &rollup).await {
                Ok(true) if stretch.is_last => return Ok(Folded { seq: next.seq, until: None }),
                Ok(_) => meetings = 0,
                // Somebody else was at it: what they wrote is read again.
                Err(error) if error.is_passing() && meetings < MEETINGS_MAX => meetings += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// What comes next: as this node knows it, or as the record says. None: nothing does.
    async fn stretch(&self, scope: &Scope, cursor: Cursor) -> Result<Option<Piece>, DbError> {
        if let Some(Stretch { next, at, sums, .. }) = self.ahead.take(scope.org(), cursor.seq)
            && next > cursor.seq
        {
            return Ok(Some(Piece { next, at, sums, is_last: false }));
        }
        let known = self.ahead.from(scope.org()).map_or(STEP, |from| from - cursor.seq);
        let positions = STEP.min(known.max(1));
        let told = self.record.told_calls(scope, cursor.seq, positions).await?;
        let last = told.calls.iter().map(|call| call.at.as_microsecond()).max();
        let (at, sums) = (last.unwrap_or_default(), sums(&told.calls));
        let is_last = told.next - cursor.seq < positions;
        Ok((told.next > cursor.seq).then_some(Piece { next: told.next, at, sums, is_last }))
    }

    async fn cursor(&self, scope: &Scope) -> Result<Cursor, DbError> {
        let row = self.databases.of(scope)?.maybe(sql::CURSOR, args![]).await?;
        let Some(row) = row else { return Ok(Cursor { seq: 0, at: 0, swept: 0 }) };
        Ok(Cursor { seq: row.int("seq")?, at: row.int("at")?, swept: row.int("swept")? })
    }

    /// Moves the position and adds the rows, or neither: if somebody has moved it since it
    /// was read, nothing is written. Gives which.
    #[expect(
        clippy::disallowed_methods,
        reason = "what is folded is derived from the record: it is no change of an org"
    )]
    async fn write(
        &self,
        scope: &Scope,
        from: Cursor,
        next: Cursor,
        rollup: &Rollup,
    ) -> Result<bool, DbError> {
        let org = scope.org().as_str();
        let mut tx = self.databases.of(scope)?.begin().await?;
        tx.run(sql::START, scope.args(args![])).await?;
        let moved = args![from.seq, next.seq, next.at, next.swept];
        if tx.run(sql::ADVANCE, scope.args(moved)).await? == 0 {
            return Ok(false);
        }
        tx.many(&sql::ADD_SUMS, rollup.sums(org)).await?;
        tx.many(&sql::ADD_CELLS, rollup.cells(org)).await?;
        if next.swept > from.swept {
            tx.run(sql::SWEEP_SUMS, scope.args(args![next.swept])).await?;
            tx.run(sql::SWEEP_CELLS, scope.args(args![next.swept])).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
