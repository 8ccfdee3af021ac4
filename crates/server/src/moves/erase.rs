//! What an org left is erased, and the cell signs what that was.

use access::{Caller, OrgId, Region};
use anyhow::Context as _;
use audit::Carried;
use base::db::{Db, Shape};
use base::time::At;
use serde::Serialize;
use serde_json::json;

use super::STAYS;
use super::mover::Mover;
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
        forget_notes(&self.target, &self.org).await?;
        let (tables, files) = self.clean(self.from, &self.source).await?;
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
        self.house.directory.end_move(&self.org).await?;
        Ok(Receipt { statement, note, vkey })
    }

    /// Nothing of the org is left in a region: neither rows nor files.
    pub(super) async fn clean(
        &self,
        region: Region,
        owner: &Db,
    ) -> anyhow::Result<(Vec<Erased>, Carried)> {
        // Who still writes there, behind a pause of its own, is refused from here on.
        forget_notes(owner, &self.org).await?;
        let shapes = shapes_of(owner).await?;
        let all = owner.shapes().await?;
        let mark = all.iter().find(|shape| shape.name == MARK).context("no table of the mark")?;
        let gone = owner.let_go(&shapes, self.org.as_str(), mark, PIECE).await?;
        // What left is no longer in the log of the embedded engine either.
        owner.settle().await?;
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

/// No run has the turn of an org there any more, and nothing is noted of it.
pub(super) async fn forget_notes(owner: &Db, org: &OrgId) -> anyhow::Result<()> {
    owner.note_no_more(org.as_str(), None).await?;
    let all = owner.shapes().await?;
    let shape = |name: &str| all.iter().find(|shape| shape.name == name).cloned();
    let mark = shape(MARK).context("no table of the mark")?;
    let notes: Vec<Shape> = [TURNS, NOTES].into_iter().filter_map(shape).collect();
    owner.let_go(&notes, org.as_str(), &mark, PIECE).await?;
    Ok(())
}
