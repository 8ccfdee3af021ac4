//! The proof that the directory lists a checkpoint.

use base::args;
use base::db::Within;
use base::time::At;
use serde::Serialize;
use tlog::proof::{Tree, tiles_of_inclusion, verify_inclusion};
use tlog::{Hash, Note, Proof};

use super::{Kept, head_of, slots};
use crate::publish::checkpoint::Newest;
use crate::publish::edge::fetched;
use crate::publish::fault::{FaultKind, LogError};
use crate::publish::opening::hex;
use crate::publish::org::Place;
use crate::sql;

/// That the directory of the cell lists a checkpoint as the one head of its org.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Listed {
    /// The name of the directory's log.
    pub origin: String,
    /// The epoch: an entry of that log.
    pub epoch: u64,
    /// When it was closed.
    #[schema(value_type = String)]
    pub at: At,
    /// What the commitment to the checkpoint is made with, in hexadecimal digits.
    #[serde(serialize_with = "hex")]
    #[schema(value_type = String)]
    pub salt: [u8; 32],
    /// From the org's slot to the root of the epoch: 64 hashes in base64.
    pub path: Vec<String>,
    /// C2SP `tlog-proof` of the epoch's entry, with all signatures of the directory.
    pub proof: String,
}

struct Slot {
    epoch: u64,
    size: u64,
    head: [u8; 32],
}

impl Place<'_> {
    /// Proves that the directory lists this checkpoint, for whoever has the org's turn. Closes
    /// an epoch now if it does not yet.
    pub(in crate::publish) async fn listed(&self, newest: &Newest) -> Result<Listed, LogError> {
        let mut kept = self.birth.directory.kept.lock().await;
        let listed = |slot: &Option<Slot>| slot.as_ref().is_some_and(|it| it.size == newest.size);
        let mut slot = self.slot().await?;
        if !listed(&slot) || !matches!(*kept, Kept::Known(_)) {
            let first = (!listed(&slot)).then(|| self.org());
            self.log.close_epoch(self.born, &mut kept, first).await?;
            slot = self.slot().await?;
        }
        let slot = slot.filter(|slot| slot.size == newest.size).ok_or(LogError::Moved)?;
        let Kept::Known(state) = &mut *kept else { return Err(LogError::Moved) };
        let other = || self.fault(FaultKind::OtherHeads(slot.epoch));
        let salt = self.salt(slot.epoch).await?.ok_or(LogError::Moved)?;
        let note = Note::parse(newest.note.as_bytes()).map_err(|_| LogError::Unsigned)?;
        if slots::head(&salt, note.text()) != slot.head {
            return Err(other());
        }
        let path = state.slots.path(slots::slot(self.org()));
        let directory = self.log.directory_of(self.born)?;
        let signed = directory.signed().await?.filter(|it| it.size == state.edge.size());
        let signed = signed.ok_or_else(|| directory.fault(FaultKind::NoEpoch))?;
        let (Some(last), Some(at)) = (&state.last, state.at()) else { return Err(other()) };
        let epoch = signed.size.saturating_sub(1);
        let proof = directory.inclusion(epoch, last.as_ref(), &signed).await?;
        let note = Note::parse(signed.note.as_bytes()).map_err(|_| LogError::Unsigned)?;
        let origin = note.text().lines().next().unwrap_or_default().to_owned();
        let proof = Proof::new(epoch, proof, note).map_err(|_| LogError::Unsigned)?.to_string();
        let path = path.iter().map(Hash::to_string).collect();
        Ok(Listed { origin, epoch, at, salt, path, proof })
    }

    async fn slot(&self) -> Result<Option<Slot>, LogError> {
        let (db, within) = (self.log.record.databases().region(self.born)?, self.org().as_str());
        let row = db.maybe(&Within::org(within), sql::SLOT_OF, args![within]).await?;
        let Some(row) = row else { return Ok(None) };
        let head = head_of(&row)?;
        Ok(Some(Slot { epoch: row.count("epoch")?, size: row.count("size")?, head }))
    }

    /// The path of an entry in the tree of a checkpoint, for whoever keeps its files there.
    pub(in crate::publish) async fn inclusion(
        &self,
        index: u64,
        entry: &[u8],
        newest: &Newest,
    ) -> Result<Vec<Hash>, LogError> {
        let tiles = self.tiles(tiles_of_inclusion(index, newest.size)).await?;
        let path =
            Tree::new(newest.size, fetched(&tiles)).and_then(|mut tree| tree.inclusion(index));
        let path = path.map_err(|_| self.fault(FaultKind::OtherRoot(newest.size)))?;
        let leaf = Hash::of_leaf(entry);
        let proven = verify_inclusion(&leaf, index, newest.size, &path, &newest.root);
        proven.map_err(|_| self.fault_at(index, FaultKind::OtherEntry))?;
        Ok(path)
    }
}
