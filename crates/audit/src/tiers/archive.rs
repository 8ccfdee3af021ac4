//! Where chunks lie, and the few that were read last.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use access::{OrgDb, OrgId, Region, Scope};
use aws_lc_rs::digest::{SHA256, digest};
use base::db::DbError;

use super::chunk::Chunk;
use super::filed::Filed;
use crate::Record;
use crate::keys::{Found, Key, Source, Tag};
use crate::publish::{Fault, FaultKind, Store, StoreError};

/// Chunks that a node remembers at most, each of one megabyte at most.
const REMEMBERED_MAX: usize = 32;

/// The archives of the regions that this node serves.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    stores: RwLock<BTreeMap<Region, Arc<dyn Store>>>,
    /// By their paths, which no other rows have; the last one last.
    remembered: Mutex<VecDeque<(String, Arc<Chunk>)>>,
}

/// Why a chunk was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRead {
    /// Trying again may succeed.
    #[error("the store of the archive cannot be read")]
    Away(#[source] StoreError),
    /// This process has none: it only writes.
    #[error("no archive of this region is open here")]
    NotHere,
    /// Somebody must look.
    #[error(transparent)]
    Faulty(Fault),
}

impl From<NotRead> for DbError {
    fn from(cause: NotRead) -> Self {
        Self::archive(cause)
    }
}

impl Archive {
    /// Says where the archive of a region lies: in the store of its log.
    pub(crate) fn lies_in(&self, region: Region, store: Arc<dyn Store>) {
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        stores.insert(region, store);
    }

    /// The path of a file of an org. It is below no org's own folder, where a log is.
    pub(crate) fn path(org: &OrgId, file: &str) -> String {
        format!("archive/{org}/{file}")
    }

    fn store(&self, region: Region) -> Result<Arc<dyn Store>, NotRead> {
        let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
        stores.get(&region).cloned().ok_or(NotRead::NotHere)
    }

    fn remembered(&self, path: &str) -> Option<Arc<Chunk>> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let at = remembered.iter().position(|(known, _)| known == path)?;
        let found = remembered.remove(at)?;
        remembered.push_back(found.clone());
        Some(found.1)
    }

    fn remember(&self, path: String, chunk: &Arc<Chunk>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.pop_front();
        }
        remembered.push_back((path, Arc::clone(chunk)));
    }
}

impl Record {
    /// A chunk of the archive, if it is still the one that was put there. What is wrong with it
    /// is told to the operator, whoever asked.
    pub(crate) async fn chunk(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        filed: &Filed,
    ) -> Result<Arc<Chunk>, DbError> {
        let path = Archive::path(scope.org(), &filed.file);
        if let Some(chunk) = self.archive.remembered(&path) {
            return Ok(chunk);
        }
        let chunk = self.chunk_anew(db, scope, filed).await.inspect_err(|error| {
            if let Some(NotRead::Faulty(fault)) = error.of_archive() {
                fault.tell();
            }
        });
        let chunk = Arc::new(chunk?);
        self.archive.remember(path, &chunk);
        Ok(chunk)
    }

    /// The same, whatever is remembered.
    pub(crate) async fn chunk_anew(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        filed: &Filed,
    ) -> Result<Chunk, DbError> {
        let (org, path) = (scope.org(), Archive::path(scope.org(), &filed.file));
        let faulty = || {
            let seq = u64::try_from(filed.first).unwrap_or_default();
            let fault = Fault::at(org, seq, FaultKind::NoChunk(path.clone()));
            NotRead::Faulty(fault)
        };
        let store = self.archive.store(self.databases.homes().home(scope.org(), scope.region()))?;
        let bytes = match store.get(&path).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) | Err(StoreError::Conflict(_) | StoreError::TooLarge(_)) => {
                return Err(faulty().into());
            }
            Err(away @ (StoreError::Failed(..) | StoreError::Moved(_))) => {
                return Err(NotRead::Away(away).into());
            }
        };
        if digest(&SHA256, &bytes).as_ref() != filed.sha256 {
            return Err(faulty().into());
        }
        let key = self.chunk_key(db, scope).await?;
        let chunk = Chunk::open(&key, org, filed.first, &bytes).map_err(|_| faulty())?;
        if chunk.next() == filed.next { Ok(chunk) } else { Err(faulty().into()) }
    }

    /// What chunks of an org are sealed under: the org's own key, which is never destroyed.
    pub(crate) async fn chunk_key(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
    ) -> Result<Arc<Key>, DbError> {
        let source = Source::Beside(db, scope.org());
        let found = self.keys.found(source, scope.region(), &Tag::new()).await?;
        let gone = "the key of the org is not there".to_owned();
        found.and_then(Found::key).ok_or_else(|| DbError::says("open the archive", gone))
    }
}
