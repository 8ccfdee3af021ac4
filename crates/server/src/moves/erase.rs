//! What an org left is erased, and the cell signs what that was.

use access::{Caller, Region};
use anyhow::Context as _;
use audit::Carried;
use base::db::{Db, Run, Shape};
use base::time::At;
use regions::Step;
use serde::Serialize;
use serde_json::json;

use super::STAYS;
use super::mover::{ELSEWHERE, Mover};
use super::rows::{NOTES, TURNS, shapes_of};

/// The first line of what is signed: no checkpoint and no other statement begins so.
pub(crate) const RECEIPT_KIND: &str = "portico-move/v1";
/// The table in which the mark stands while what was left is erased.
const MARK: &str = "audit_left";

/// Rows that go in one transaction: far fewer than PostgreSQL deletes in the time that a statement
/// has, and nobody else waits long for the one writer of the embedded engine.
const PIECE: u32 = 1_000;

/// What was erased of an org in the region that it left, and what stays.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement {
    org: String,
    from: Region,
    to: Region,
    erased_at: At,
    /// Every table, with the rows that this run erased; none is left in any.
    tables: Vec<Erased>,
    /// Files of the published log and of the archive.
    files: Carried,
    /// What stays there, and why.
    stays: Vec<String>,
}

/// What was erased from one table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Erased {
    store: String,
    rows: u64,
    left: u64,
}

/// A signed statement. Whoever has the note and the key from elsewhere verifies it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Receipt {
    pub(crate) statement: Statement,
    /// A C2SP `signed-note`.
    pub(crate) note: String,
    /// What it is verified with.
    pub(crate) vkey: String,
}

impl Mover<'_> {
    /// Erases what was left, records it at the new home, and ends the move.
    pub(super) async fn erase(&self) -> anyhow::Result<Receipt> {
        let homes = self.house.databases.homes();
        homes.settle(&self.org, homes.born(&self.org, self.from), self.to);
        let eraser = self.take_turns(Step::Moved).await?;
        let (tables, files) = self.clean(self.from, &self.source, &eraser).await?;
        let stays = STAYS.iter().map(|(name, why)| format!("{name}: {why}"));
        let outside = [
            "backups, and what the database engine keeps of its own log, as long as they are kept",
            "the root key of the region: keyed hashes and seals of the organization are of it",
        ];
        let statement = Statement {
            org: self.org.to_string(),
            from: self.from,
            to: self.to,
            erased_at: self.house.clock.now(),
            tables,
            files,
            stays: stays.chain(outside.map(str::to_owned)).collect(),
        };
        let text = format!("{}\n", serde_json::to_string(&statement)?);
        let scope = Caller::operator(self.org.clone(), self.to, crate::commands::OPERATOR).itself();
        let note = self.house.log.sign_statement(&scope, RECEIPT_KIND, &text)?;
        let vkey = self.house.log.statement_key(&scope)?.to_string();
        let rows: u64 = statement.tables.iter().map(|table| table.rows).sum();
        let changes =
            json!({ "from": self.from, "rows": rows, "files": files.files, "receipt": note });
        self.note(self.to, "regions.move.erased", changes).await?;
        self.end_turns(&eraser).await?;
        self.house.directory.end_move(&self.org).await?;
        Ok(Receipt { statement, note, vkey })
    }

    /// From now on whoever still writes or erases in either region, behind a pause of its own, is
    /// refused; gives the name under which this one erases. The move must be at this step.
    pub(super) async fn take_turns(&self, step: Step) -> anyhow::Result<String> {
        let eraser = base::hex::encode(&base::seal::random::<6>()?);
        let turn = self.turn(&eraser);
        self.source.take_turn(&turn).await?;
        self.target.take_turn(&turn).await?;
        // Behind it: whoever comes later takes the turn before anything is written.
        let found = self.house.directory.move_of(&self.org).await?;
        if !found.is_some_and(|found| found.step == step && found.to == self.to) {
            self.source.end_turn(&turn).await?;
            self.target.end_turn(&turn).await?;
            anyhow::bail!(ELSEWHERE);
        }
        Ok(eraser)
    }

    fn turn<'a>(&'a self, eraser: &'a str) -> Run<'a> {
        Run { org: self.org.as_str(), name: eraser, turns: TURNS, notes: NOTES }
    }

    /// Nothing is noted of the org in either region, and it is nobody's turn there.
    pub(super) async fn end_turns(&self, eraser: &str) -> anyhow::Result<()> {
        let turn = self.turn(eraser);
        for owner in [&self.source, &self.target] {
            forget_notes(owner, &turn).await?;
        }
        for owner in [&self.source, &self.target] {
            owner.end_turn(&turn).await?;
        }
        Ok(())
    }

    /// Nothing of the org is left in a region, neither rows nor files, as long as it is this
    /// one's turn there.
    pub(super) async fn clean(
        &self,
        region: Region,
        owner: &Db,
        run: &str,
    ) -> anyhow::Result<(Vec<Erased>, Carried)> {
        let turn = self.turn(run);
        // Else each row that goes is noted. Whoever reads for long is in the way of that, and not
        // of the erasing: then they go behind it.
        let _behind_it = forget_notes(owner, &turn).await;
        let shapes = shapes_of(owner).await?;
        let all = owner.shapes().await?;
        let mark = all.iter().find(|shape| shape.name == MARK).context("no table of the mark")?;
        let gone = owner.let_go(&shapes, mark, PIECE, &turn).await?;
        // What left is no longer in the log of the embedded engine either.
        owner.settle().await?;
        owner.must_have_turn(&turn).await?;
        let files = self.house.log.erase_files(&self.org, region).await?;
        let mut erased = Vec::with_capacity(shapes.len());
        for (shape, gone) in shapes.iter().zip(gone) {
            let left = self.left(owner, shape).await?;
            anyhow::ensure!(left == 0, "{left} rows are left in `{}`: run it again", shape.name);
            erased.push(Erased { store: shape.name.clone(), rows: gone, left });
        }
        Ok((erased, files))
    }

    async fn left(&self, owner: &Db, shape: &Shape) -> anyhow::Result<u64> {
        let (rows, _) = owner.rows_of(shape, self.org.as_str(), None).await?;
        Ok(u64::try_from(rows.len()).unwrap_or_default())
    }
}

/// Nothing is noted of an org there any more, for any run: as long as it is the turn of this one.
pub(super) async fn forget_notes(owner: &Db, turn: &Run<'_>) -> anyhow::Result<()> {
    owner.note_none(turn).await?;
    let all = owner.shapes().await?;
    let shape = |name: &str| all.iter().find(|shape| shape.name == name).cloned();
    let mark = shape(MARK).context("no table of the mark")?;
    let notes = shape(NOTES).context("no table of notes")?;
    owner.let_go(&[notes], &mark, PIECE, turn).await?;
    Ok(())
}
