//! Checkpoints as the database remembers them.

use base::args;
use base::db::DbError;
use base::time::At;
use tlog::{Checkpoint, Hash};

use super::fault::{FaultKind, LogError};
use super::org::Place;
use super::remember::Remembered;
use crate::sql;

/// The newest checkpoint of an org.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) note: String,
}

/// Which keys signed a checkpoint.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signers {
    /// Those of the one before, which are noted.
    AsBefore,
    /// Perhaps others: they are noted.
    PerhapsOthers,
}

impl Place<'_> {
    /// The newest checkpoint that the database remembers.
    pub(super) async fn newest(&self) -> Result<Option<Newest>, LogError> {
        let Some(row) = self.db()?.maybe(sql::CHECKPOINT_NEWEST, args![]).await? else {
            return Ok(None);
        };
        let (size, note) = (row.count("size")?, row.text("note")?);
        let root: Option<[u8; 32]> = row.bytes("root")?.try_into().ok();
        let Some(root) = root.map(Hash) else {
            return Err(self.fault(FaultKind::OtherRoot(size)));
        };
        Ok(Some(Newest { size, root, note }))
    }

    /// The same, if what it says is what both keys signed.
    pub(super) async fn signed(&self) -> Result<Option<Newest>, LogError> {
        let Some(newest) = self.newest().await? else { return Ok(None) };
        let opened = self.birth.signing.open(self.name(), newest.note.as_bytes());
        let same = |it: &Checkpoint| it.size() == newest.size && *it.root() == newest.root;
        if opened.is_some_and(|checkpoint| same(&checkpoint)) {
            Ok(Some(newest))
        } else {
            Err(self.fault(FaultKind::NotOurs))
        }
    }

    /// Sizes of the last checkpoints, the newest first.
    pub(super) async fn last_sizes(&self) -> Result<Vec<u64>, DbError> {
        let rows = self.db()?.all(sql::CHECKPOINT_SIZES, args![]).await?;
        rows.iter().map(|row| row.count("size")).collect()
    }

    /// Remembers a checkpoint that was published, and which keys signed it. `before` is the size
    /// of the one before.
    pub(super) async fn remember(
        &self,
        checkpoint: Checkpoint,
        note: String,
        before: u64,
        at: At,
        signers: Signers,
    ) -> Result<(), LogError> {
        let keys = match signers {
            Signers::AsBefore => None,
            Signers::PerhapsOthers => {
                let keys = self.birth.signing.verifiers(checkpoint.origin())?;
                Some(keys.map(|key| key.to_string()))
            }
        };
        let db = self.log.record.databases().whole(&self.scope)?;
        let scope = self.scope.clone();
        let one = Remembered { scope, checkpoint, note, before, at, keys };
        self.cell.remembering.remember(db, one).await
    }
}
