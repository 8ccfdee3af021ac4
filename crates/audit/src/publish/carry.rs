//! The files of an org (its log, its archive, the notes of erasures) go from the store of one region to that of
//! another, as they are: what was published of it there is what was published here.

use access::{OrgId, Region};
use serde::Serialize;

use super::Log;
use super::fault::{Fault, FaultKind, LogError};
use super::org::CHECKPOINT;
use super::store::{Store, StoreError};
use super::whole::BESIDE;

/// What was carried, or erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Files that lie there now, or that were erased.
    pub files: u64,
    /// Those of them that were not there before.
    pub fresh: u64,
    /// Bytes of those.
    pub bytes: u64,
}

impl Log {
    /// Carries the files of an org. To be called again and again while the org is published,
    /// and once behind a closed gate: then both stores hold the same.
    pub async fn carry(
        &self,
        org: &OrgId,
        (from, to): (Region, Region),
    ) -> Result<Carried, LogError> {
        let (from, to) = (self.store(from)?, self.store(to)?);
        let (here, there) = (files(from, org).await?, files(to, org).await?);
        let mut carried = Carried::default();
        // The checkpoint last: whatever it covers lies there before it.
        let checkpoint = checkpoint_of(org);
        for file in here.iter().filter(|file| **file != checkpoint) {
            carried.files += 1;
            if there.binary_search(file).is_ok() {
                continue;
            }
            // One that was let go of meanwhile is contained in a longer one.
            let Some(bytes) = from.get(file).await? else { continue };
            to.put(file, &bytes).await?;
            carried.fresh += 1;
            carried.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        }
        let before = to.get(&checkpoint).await?;
        if let Some(note) = from.get(&checkpoint).await? {
            to.replace(&checkpoint, before.as_deref(), &note).await?;
            carried.files += 1;
        }
        for file in there.iter().filter(|file| here.binary_search(file).is_err()) {
            to.remove(file).await?;
        }
        Ok(carried)
    }

    /// Whether what was carried has the bytes that it has here; what was let go of meanwhile is
    /// passed over. While the org is published.
    pub async fn compare(
        &self,
        org: &OrgId,
        (from, to): (Region, Region),
    ) -> Result<bool, LogError> {
        let (from, to) = (self.store(from)?, self.store(to)?);
        let checkpoint = checkpoint_of(org);
        for file in files(to, org).await?.iter().filter(|file| **file != checkpoint) {
            let Some(here) = from.get(file).await? else { continue };
            if to.get(file).await?.is_some_and(|there| there != here) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether both stores have the same files of an org, and the same checkpoint. Behind a
    /// closed gate: what a name stands for never changes, and was compared before.
    pub async fn is_carried(
        &self,
        org: &OrgId,
        (from, to): (Region, Region),
    ) -> Result<bool, LogError> {
        let (from, to) = (self.store(from)?, self.store(to)?);
        let checkpoint = checkpoint_of(org);
        Ok(files(from, org).await? == files(to, org).await?
            && from.get(&checkpoint).await? == to.get(&checkpoint).await?)
    }

    /// Erases the files of an org from the store of a region. A bucket with object lock keeps
    /// them as long as it was told to.
    pub async fn erase_files(&self, org: &OrgId, region: Region) -> Result<Carried, LogError> {
        let store = self.store(region)?;
        let mut erased = Carried::default();
        for file in files(store, org).await? {
            if let Some(bytes) = store.get(&file).await? {
                erased.bytes += u64::try_from(bytes.len()).unwrap_or_default();
            }
            store.remove(&file).await?;
            erased.files += 1;
        }
        for folder in folders(org) {
            store.remove_folder(&folder).await?;
        }
        Ok(erased)
    }

    /// Takes the files of an org back to where a restored directory looks for them: they are
    /// erased where they lay once they are there. Another log that lies there is a fault, and
    /// stays. Cut off, it is called again.
    pub async fn take_back(
        &self,
        org: &OrgId,
        (from, to): (Region, Region),
    ) -> Result<Carried, LogError> {
        let checkpoint = checkpoint_of(org);
        if self.store(to)?.get(&checkpoint).await?.is_none() {
            self.carry(org, (from, to)).await?;
        }
        if !self.is_carried(org, (from, to)).await? {
            let kind = FaultKind::OtherFile(checkpoint);
            return Err(Fault { org: org.to_string(), seq: None, kind }.into());
        }
        self.erase_files(org, from).await
    }

    fn store(&self, region: Region) -> Result<&dyn Store, LogError> {
        Ok(self.0.cell(region)?.store.as_ref())
    }
}

/// The one file that changes.
fn checkpoint_of(org: &OrgId) -> String {
    format!("{org}/{CHECKPOINT}")
}

/// Where the files of an org lie.
fn folders(org: &OrgId) -> impl Iterator<Item = String> {
    BESIDE.iter().map(move |beside| format!("{beside}/{org}")).chain([org.to_string()])
}

/// Their names, in their order.
async fn files(store: &dyn Store, org: &OrgId) -> Result<Vec<String>, StoreError> {
    let mut files = Vec::new();
    for folder in folders(org) {
        files.extend(store.files(&folder).await?);
    }
    files.sort_unstable();
    Ok(files)
}
