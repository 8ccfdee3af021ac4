//! One org's record and one org's files, side by side.

use std::collections::BTreeMap;

use access::{Caller, OrgDb, OrgId, Region, Scope};
use base::args;
use base::db::{DbError, Row};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tlog::tile::{Bundle, Tile};
use tlog::{Checkpoint, Frontier};

use super::directory::{DIRECTORY, Kept};
use super::edge::File;
use super::fault::{Fault, FaultKind, LogError};
use super::store::{AT_ONCE, StoreError};
use super::{Cell, Inner};
use crate::entry::{Entry, Stored};
use crate::sql;
use crate::tiers::Positions;

/// Events that are read at once.
const BODIES_MAX: usize = 1_024;
/// The name of the file that changes.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// Where the record of an org and its log are.
pub(super) struct Place<'a> {
    pub(super) log: &'a Inner,
    pub(super) cell: &'a Cell,
    /// Where its org began: whose keys sign it, and whose directory lists its heads.
    pub(super) born: Region,
    pub(super) birth: &'a Cell,
    pub(super) scope: Scope,
}

/// The turn to publish a log.
pub(super) enum Turn<'a> {
    Org(#[expect(dead_code, reason = "held")] tokio::sync::MutexGuard<'a, ()>),
    Directory(#[expect(dead_code, reason = "held")] tokio::sync::MutexGuard<'a, Kept>),
}

/// A checkpoint as it lies in the store, and its bytes.
pub(super) type Outside = (Checkpoint, Vec<u8>);

/// What the head row of an org says.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) frontier: Frontier,
}

impl<'a> Place<'a> {
    /// For the node's own work.
    pub(super) fn new(log: &'a Inner, region: Region, org: &OrgId) -> Result<Self, DbError> {
        let home = log.record.databases().homes().home(org, region);
        let scope = Caller::node(org.clone(), home, &log.record.node).itself();
        Self::of(log, scope)
    }

    /// The same, for whoever asks.
    pub(super) fn of(log: &'a Inner, scope: Scope) -> Result<Self, DbError> {
        let homes = log.record.databases().homes();
        let cell = log.cell(homes.home(scope.org(), scope.region()))?;
        // The log keeps its name, its keys and the directory beside it wherever it lies.
        let born = homes.born(scope.org(), scope.region());
        Ok(Self { log, cell, born, birth: log.cell(born)?, scope })
    }

    pub(super) fn org(&self) -> &OrgId {
        self.scope.org()
    }

    pub(super) fn db(&self) -> Result<OrgDb<'_>, DbError> {
        self.log.record.databases().of(&self.scope)
    }

    /// What the log is called in the store and behind the name of the cell's log.
    pub(super) fn name(&self) -> &str {
        if self.scope.org() == &self.log.directory { DIRECTORY } else { self.org().as_str() }
    }

    pub(super) fn fault(&self, kind: FaultKind) -> LogError {
        Fault { org: self.name().to_owned(), seq: None, kind }.into()
    }

    pub(super) fn fault_at(&self, seq: u64, kind: FaultKind) -> LogError {
        Fault { org: self.name().to_owned(), seq: Some(seq), kind }.into()
    }

    /// What the head row says, if its tree is as large as it says.
    pub(super) fn head(&self, row: &Row) -> Result<Head, LogError> {
        let size = row.count("size")?;
        let frontier = row.opt_bytes("frontier")?;
        let frontier = frontier.map_or_else(|| Ok(Frontier::new()), |it| Frontier::from_bytes(&it));
        let tree = frontier.as_ref().map(Frontier::size).unwrap_or_default();
        match frontier {
            Ok(frontier) if tree == size => Ok(Head { size, frontier }),
            _ => Err(self.fault(FaultKind::HeadSize { found: size, tree })),
        }
    }

    pub(super) fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.name())
    }

    /// A conflict is a finding; anything else may pass.
    pub(super) fn of_store(&self, error: StoreError) -> LogError {
        match error {
            StoreError::Conflict(path) | StoreError::TooLarge(path) => {
                self.fault(FaultKind::OtherFile(path))
            }
            StoreError::Moved(_) => LogError::Moved,
            failed @ StoreError::Failed(..) => failed.into(),
        }
    }

    async fn file(&self, file: &str) -> Result<Vec<u8>, LogError> {
        let path = self.path(file);
        let found = self.cell.store.get(&path).await.map_err(|error| self.of_store(error))?;
        found.ok_or_else(|| self.fault(FaultKind::NoFile(path)))
    }

    /// These published tiles.
    pub(super) async fn tiles(
        &self,
        tiles: impl IntoIterator<Item = Tile>,
    ) -> Result<BTreeMap<Tile, Vec<u8>>, LogError> {
        let tiles: Vec<Tile> = tiles.into_iter().collect();
        let read = tiles.into_iter().map(async |tile| {
            let bytes = self.file(&tile.path()).await?;
            match tile.decode(&bytes) {
                Ok(_) => Ok((tile, bytes)),
                Err(_) => Err(self.fault(FaultKind::NoFile(self.path(&tile.path())))),
            }
        });
        stream::iter(read).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The entries of a published bundle.
    pub(super) async fn bundle(&self, bundle: Bundle) -> Result<Vec<u8>, LogError> {
        let bytes = self.file(&bundle.path()).await?;
        match bundle.decode(&bytes) {
            Ok(_) => Ok(bytes),
            Err(_) => Err(self.fault(FaultKind::NoFile(self.path(&bundle.path())))),
        }
    }

    /// Puts files that never change.
    pub(super) async fn put(&self, files: Vec<File>) -> Result<(), LogError> {
        let files = files.into_iter().map(|(file, bytes)| (self.path(&file), bytes)).collect();
        self.cell.store.put_all(files).await.map_err(|error| self.of_store(error))
    }

    /// Lets go of partial files.
    pub(super) async fn remove(&self, files: &[String]) -> Result<(), LogError> {
        let paths = files.iter().map(|file| self.path(file)).collect();
        self.cell.store.remove_all(paths).await.map_err(|error| self.of_store(error))
    }

    /// The checkpoint that lies in the store, with its bytes, if it is one of ours.
    pub(super) async fn outside(&self) -> Result<Option<Outside>, LogError> {
        let found = self.cell.store.get(&self.path(CHECKPOINT)).await;
        let Some(bytes) = found.map_err(|error| self.of_store(error))? else { return Ok(None) };
        match self.birth.signing.open(self.name(), &bytes) {
            Some(checkpoint) => Ok(Some((checkpoint, bytes))),
            None => Err(self.fault(FaultKind::NotOurs)),
        }
    }

    /// Puts a checkpoint in the place of the one that was found outside.
    pub(super) async fn replace(
        &self,
        found: Option<&Outside>,
        note: &[u8],
    ) -> Result<(), LogError> {
        let before = found.map(|(_, bytes)| bytes.as_slice());
        let replaced = self.cell.store.replace(&self.path(CHECKPOINT), before, note).await;
        replaced.map_err(|error| self.of_store(error))
    }

    /// The events from one position to before another, 1,024 at most, wherever they lie.
    pub(super) async fn bodies(&self, from: u64, to: u64) -> Result<Vec<Row>, LogError> {
        let (from, to) = (int(from)?, int(to)?);
        let positions = Positions::all(from, to).at_most(BODIES_MAX);
        let asked = (sql::BODIES, args![from, to]);
        let record = &self.log.record;
        Ok(record.rows((&self.db()?, &self.scope), asked, positions).await?)
    }

    /// The entries from one position to before another, read from the record.
    pub(super) async fn entries(&self, from: u64, to: u64) -> Result<Vec<Entry>, LogError> {
        let mut entries = Vec::new();
        let mut next = from;
        while next < to {
            let rows = self.bodies(next, to).await?;
            if rows.is_empty() {
                return Err(self.fault_at(next, FaultKind::Missing));
            }
            for row in &rows {
                if row.count("seq")? != next {
                    return Err(self.fault_at(next, FaultKind::Missing));
                }
                let stored = Stored::of(row);
                let stored = stored.map_err(|_| self.fault_at(next, FaultKind::NotWhole))?;
                entries.push(stored.sealed.entry);
                next += 1;
            }
        }
        Ok(entries)
    }
}

/// A position as the database counts.
pub(super) fn int(position: u64) -> Result<i64, DbError> {
    position.try_into().map_err(|cause| DbError::unreadable("size", cause))
}
