//! An org goes from one region to another: what the directory says of it, step by step.
//!
//! ```text
//! ordered ──► copying ◄──► fenced ──► moved ──► done
//!   its owner    rows are     nobody     it is    the source
//!   said so      copied       writes     there    is erased
//!                  │
//!                  └──► abandoning ──► no row
//!                         the target is erased
//! ```
//! Each step is one conditional write: whoever comes second, changes nothing. Until `moved` the
//! org is served where it was and nowhere else, from then on where it went and nowhere else; who
//! reads the row knows which. A fence that lasts too long is lifted by the node that keeps it,
//! and then the switch finds another step and does not happen: no write is lost either way.

use access::{OrgId, Region};
use base::args;
use base::db::{DbError, Row, Statement, Value, Within};
use base::time::At;
use serde::Serialize;

use crate::directory::{Directory, Error, Home};
use crate::sql;

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The org's owner has ordered it; the operator has not begun.
    Ordered,
    /// It is given up, and what was copied is erased; the org is served where it was.
    Abandoning,
    /// Rows are copied while the org is served.
    Copying,
    /// The org's writes wait.
    Fenced,
    /// It is at home where it was to go; what it left is not erased yet.
    Moved,
    /// What it left is erased.
    Done,
}

/// The text names no step.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no step of a move")]
pub struct UnknownStep(String);

impl std::str::FromStr for Step {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, UnknownStep> {
        match text {
            "ordered" => Ok(Self::Ordered),
            "abandoning" => Ok(Self::Abandoning),
            "copying" => Ok(Self::Copying),
            "fenced" => Ok(Self::Fenced),
            "moved" => Ok(Self::Moved),
            "done" => Ok(Self::Done),
            _ => Err(UnknownStep(text.to_owned())),
        }
    }
}

/// One move of one org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The org.
    pub org: OrgId,
    /// Where it was at home.
    pub from: Region,
    /// Where it goes.
    pub to: Region,
    /// How far it is.
    pub step: Step,
    /// The closing of the gate that counts.
    pub fence: i64,
    /// When this step began.
    pub at: At,
}

impl Move {
    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            org: row.parse("org_id")?,
            from: row.parse("from_region")?,
            to: row.parse("to_region")?,
            step: row.parse("step")?,
            fence: row.int("fence")?,
            at: row.at("at")?,
        })
    }
}

/// An org that is not where it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The org.
    pub org: OrgId,
    /// In which region it began.
    pub born: Region,
    /// Where it is at home.
    pub home: Region,
}

impl Directory {
    /// The last move of an org.
    pub async fn move_of(&self, org: &OrgId) -> Result<Option<Move>, Error> {
        let row = self.db.maybe(&Within::node(), sql::MOVE_OF, args![org.as_str()]).await?;
        Ok(row.as_ref().map(Move::read).transpose()?)
    }

    /// Moves that are under way: between the order and the end.
    pub async fn moves(&self) -> Result<Vec<Move>, Error> {
        let rows = self.db.all(&Within::node(), sql::MOVES, args![]).await?;
        Ok(rows.iter().map(Move::read).collect::<Result<_, _>>()?)
    }

    /// Orgs that are not where they began.
    pub async fn moved(&self) -> Result<Vec<Moved>, Error> {
        let rows = self.db.all(&Within::node(), sql::MOVED, args![]).await?;
        let read = |row: &Row| {
            Ok(Moved {
                org: row.parse("org_id")?,
                born: row.parse("born")?,
                home: row.parse("region")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, DbError>>()?)
    }

    /// Orders a move, for the org's owner. False: another one is under way.
    pub async fn order_move(&self, home: &Home, to: Region) -> Result<bool, Error> {
        let (from, now) = (home.region.as_str(), self.clock.now());
        let args = args![home.org.as_str(), from, to.as_str(), now];
        self.step(sql::MOVE_ORDER, args).await
    }

    /// Takes an order back, while nothing was begun.
    pub async fn withdraw_move(&self, org: &OrgId) -> Result<bool, Error> {
        self.step(sql::MOVE_WITHDRAW, args![org.as_str()]).await
    }

    /// Begins what was ordered. False: nothing was, or more was done already.
    pub async fn begin_move(&self, org: &OrgId, to: Region) -> Result<bool, Error> {
        self.step(sql::MOVE_BEGIN, args![org.as_str(), to.as_str(), self.clock.now()]).await
    }

    /// Asks every process that serves the org to let nobody write. Gives the number of this
    /// closing; none: the move is at another step.
    pub async fn fence(&self, org: &OrgId) -> Result<Option<i64>, Error> {
        if !self.step(sql::MOVE_FENCE, args![org.as_str(), self.clock.now()]).await? {
            return Ok(None);
        }
        Ok(self.move_of(org).await?.map(|found| found.fence))
    }

    /// Lifts a fence. False: somebody did, or the org has moved.
    pub async fn lift_fence(&self, org: &OrgId, fence: i64) -> Result<bool, Error> {
        self.step(sql::MOVE_LIFT, args![org.as_str(), fence, self.clock.now()]).await
    }

    /// Says that a process has closed its gate: nothing more of the org is written by it.
    pub async fn fenced(&self, org: &OrgId, instance: &str, fence: i64) -> Result<(), Error> {
        self.step(sql::FENCED, args![org.as_str(), instance, fence]).await.map(drop)
    }

    /// Which processes have closed their gates at this closing.
    pub async fn who_is_fenced(&self, org: &OrgId, fence: i64) -> Result<Vec<String>, Error> {
        let args = args![org.as_str(), fence];
        let rows = self.db.all(&Within::node(), sql::WHO_IS_FENCED, args).await?;
        Ok(rows.iter().map(|row| row.text("instance")).collect::<Result<_, _>>()?)
    }

    /// The switch: from here on the org is at home where it went. False: the fence was lifted,
    /// and nothing is changed.
    #[expect(clippy::disallowed_methods, reason = "the directory has no record: it holds no data")]
    pub async fn switch(&self, org: &OrgId, fence: i64) -> Result<bool, Error> {
        let mut tx = self.db.begin(&Within::node()).await?;
        let now = self.clock.now();
        let moved = tx.run(sql::MOVE_SWITCH, args![org.as_str(), fence, now]).await?;
        let home = tx.run(sql::HOME_SWITCH, args![org.as_str()]).await?;
        if (moved, home) != (1, 1) {
            return Ok(false);
        }
        tx.commit().await?;
        self.forget(org);
        Ok(true)
    }

    /// What the org left is erased.
    pub async fn end_move(&self, org: &OrgId) -> Result<bool, Error> {
        self.step(sql::MOVE_END, args![org.as_str(), self.clock.now()]).await
    }

    /// Begins to give a move up: from here on nobody fences the org, so nobody switches it, and
    /// what was copied may be erased. False: it is at another step.
    pub async fn give_up_move(&self, org: &OrgId) -> Result<bool, Error> {
        self.step(sql::MOVE_GIVE_UP, args![org.as_str(), self.clock.now()]).await
    }

    /// Ends the giving up of a move, once nothing is left of what was copied.
    pub async fn abandon_move(&self, org: &OrgId) -> Result<bool, Error> {
        self.step(sql::MOVE_ABANDON, args![org.as_str()]).await
    }

    /// Which life of which process holds a region; several that share it hold it together.
    pub async fn holder_of(&self, region: Region) -> Result<Option<String>, Error> {
        let row = self.db.maybe(&Within::node(), sql::HOLDER, args![region.as_str()]).await?;
        Ok(row.map(|row| row.text("instance")).transpose()?)
    }

    #[expect(clippy::disallowed_methods, reason = "the directory has no record: it holds no data")]
    async fn step(&self, statement: Statement, args: Vec<Value>) -> Result<bool, Error> {
        let mut tx = self.db.begin(&Within::node()).await?;
        let changed = tx.run(statement, args).await?;
        tx.commit().await?;
        Ok(changed > 0)
    }
}
