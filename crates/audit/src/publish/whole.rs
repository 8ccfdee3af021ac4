//! A record and its log as a whole: what a backup notes and copies, and what a drill reads
//! again.

use access::{OrgId, Region};
use base::args;
use base::db::Within;
use base::time::At;
use serde::{Deserialize, Serialize};
use tlog::Frontier;
use tlog::Hash;
use tlog::tile::{bundles, tiles};

use super::Log;
use super::directory::DIRECTORY;
use super::fault::{FaultKind, LogError};
use super::org::{CHECKPOINT, Place};
use super::store::StoreError;
use crate::sql;

/// Orgs that a page of the database names.
const PAGE: usize = 500;
/// Entries that are read at once.
const PIECE: u64 = 16_384;
/// How often a log is copied anew that was published meanwhile, so that its partial files went.
const TRIES_MAX: u32 = 20;
/// What lies beside logs, org by org: old months, and notes of erasures.
pub(super) const BESIDE: [&str; 2] = ["archive", "erased"];

/// How large a record is, and the root of its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHead {
    /// Whose.
    pub org: OrgId,
    /// How many events it has.
    pub size: u64,
    /// The root of their tree, in hexadecimal digits.
    pub root: String,
    /// When its newest event was recorded.
    pub newest: At,
}

impl Log {
    /// Every head of a region, as the database has it.
    pub async fn record_heads(&self, region: Region) -> Result<Vec<RecordHead>, LogError> {
        let db = self.0.record.databases().region(region)?;
        let (mut heads, mut after) = (Vec::new(), String::new());
        loop {
            let rows = db.all(&Within::node(), sql::HEADS_WHOLE, args![after.as_str()]).await?;
            for row in &rows {
                let org: OrgId = row.parse("org_id")?;
                if !self.0.record.is_home(&org, region) {
                    continue;
                }
                let head = Place::new(&self.0, region, &org)?.head(row)?;
                let root = base::hex::encode(&head.frontier.root().0);
                heads.push(RecordHead { org, size: head.size, root, newest: row.at("newest")? });
            }
            match rows.last() {
                Some(last) if rows.len() >= PAGE => after = last.text("org_id")?,
                _ => return Ok(heads),
            }
        }
    }

    /// Reads every entry of a record: they must lead to its head. Gives the root at so many
    /// events, in hexadecimal digits; none if there are fewer.
    pub async fn read_again(
        &self,
        region: Region,
        org: &OrgId,
        at: u64,
    ) -> Result<Option<String>, LogError> {
        let place = Place::new(&self.0, region, org)?;
        let Some(row) = place.db()?.maybe(sql::EDGE_OF, args![]).await? else { return Ok(None) };
        let head = place.head(&row)?;
        let (mut frontier, mut root) = (Frontier::new(), None);
        loop {
            let size = frontier.size();
            if size == at {
                root = Some(base::hex::encode(&frontier.root().0));
            }
            if size >= head.size {
                break;
            }
            let stop = if size < at { at } else { head.size };
            let to = head.size.min(stop).min(size + PIECE);
            for entry in place.entries(size, to).await? {
                let added = frontier.append(Hash::of_leaf(&entry), |_, _| {});
                added.map_err(|_| place.fault(FaultKind::HeadRoot(head.size)))?;
            }
        }
        if frontier == head.frontier {
            Ok(root)
        } else {
            Err(place.fault(FaultKind::HeadRoot(head.size)))
        }
    }

    /// Gives every file of a region's store to `put`, by its path: of each log what its
    /// checkpoint covers, the checkpoint last, and what lies beside the logs. Says how many.
    ///
    /// INVARIANT: what lies beside behind every log, whatever the store names first: so no
    /// checkpoint of the copy covers an erasure whose note was not copied.
    pub async fn copy(
        &self,
        region: Region,
        put: &mut (dyn FnMut(&str, &[u8]) -> std::io::Result<()> + Send),
    ) -> Result<u64, LogError> {
        let (store, mut copied) = (&self.0.cell(region)?.store, 0);
        for name in store.list("").await? {
            if name == DIRECTORY {
                copied += self.0.directory_of(region)?.copy(put).await?;
            } else if let Ok(org) = name.parse::<OrgId>() {
                if !self.0.record.is_home(&org, region) {
                    continue;
                }
                copied += Place::new(&self.0, region, &org)?.copy(put).await?;
            }
        }
        for name in BESIDE {
            for org in store.list(name).await? {
                for file in store.list(&format!("{name}/{org}")).await? {
                    let path = format!("{name}/{org}/{file}");
                    let Some(bytes) = store.get(&path).await? else { continue };
                    put(&path, &bytes).map_err(|why| StoreError::failed(&path, why))?;
                    copied += 1;
                }
            }
        }
        Ok(copied)
    }
}

impl Place<'_> {
    async fn copy(
        &self,
        put: &mut (dyn FnMut(&str, &[u8]) -> std::io::Result<()> + Send),
    ) -> Result<u64, LogError> {
        for _ in 0..TRIES_MAX {
            let Some((published, note)) = self.outside().await? else { return Ok(0) };
            let size = published.size();
            let mut paths: Vec<String> = tiles(0, size).map(|tile| tile.path()).collect();
            paths.extend(bundles(0, size).map(|bundle| bundle.path()));
            // Partial ones first: they go when the log is published again.
            paths.sort_by_key(|path| !path.contains(".p/"));
            if let Some(copied) = self.copy_files(&paths, put).await? {
                let path = self.path(CHECKPOINT);
                put(&path, &note).map_err(|why| StoreError::failed(&path, why))?;
                return Ok(copied + 1);
            }
        }
        Err(LogError::Moved)
    }

    /// None if one of them is not there.
    async fn copy_files(
        &self,
        files: &[String],
        put: &mut (dyn FnMut(&str, &[u8]) -> std::io::Result<()> + Send),
    ) -> Result<Option<u64>, LogError> {
        let mut copied = 0;
        for file in files {
            let path = self.path(file);
            let Some(bytes) = self.cell.store.get(&path).await? else { return Ok(None) };
            put(&path, &bytes).map_err(|why| StoreError::failed(&path, why))?;
            copied += 1;
        }
        Ok(Some(copied))
    }
}
