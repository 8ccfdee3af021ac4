//! Checkpoints and keys as the database remembers them.

use base::args;
use base::db::{DbError, Tx, Within};
use base::time::At;
use tlog::{Checkpoint, Hash};

use super::fault::{FaultKind, LogError};
use super::org::{Place, int};
use crate::sql;

const HOUR_SECS: i64 = 3_600;

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
    /// of the one before: those before that, of the same hour, are forgotten.
    #[expect(clippy::disallowed_methods, reason = "what was published is no change of an org")]
    pub(super) async fn remember(
        &self,
        checkpoint: &Checkpoint,
        note: &str,
        before: u64,
        now: At,
        signers: Signers,
    ) -> Result<(), LogError> {
        let hour = At::from_second(now.as_second() / HOUR_SECS * HOUR_SECS).unwrap_or(now);
        let db = self.log.record.databases().whole(&self.scope)?;
        let mut tx = db.begin(&Within::org(self.org().as_str())).await?;
        let root = checkpoint.root().0.to_vec();
        let args = args![int(checkpoint.size())?, root, now, note];
        tx.run(sql::CHECKPOINT_ADD, self.scope.args(args)).await?;
        let args = args![hour, int(before)?];
        tx.run(sql::CHECKPOINT_THIN, self.scope.args(args)).await?;
        match signers {
            Signers::AsBefore => {}
            Signers::PerhapsOthers => self.note_keys(&mut tx, checkpoint.origin(), now).await?,
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes which keys sign from now on.
    async fn note_keys(&self, tx: &mut Tx, origin: &str, now: At) -> Result<(), LogError> {
        let keys = self.birth.signing.verifiers(origin)?.map(|key| key.to_string());
        let [first, second] = &keys;
        let args = args![now, first.as_str(), second.as_str()];
        tx.run(sql::LOG_KEY_CLOSE, self.scope.args(args)).await?;
        for key in &keys {
            tx.run(sql::LOG_KEY_ADD, self.scope.args(args![key.as_str(), now])).await?;
        }
        Ok(())
    }
}
