//! What a backup holds, file by file, and what it was taken of.

use std::collections::BTreeMap;
use std::path::Path;

use access::Region;
use anyhow::Context as _;
use audit::RecordHead;
use base::time::At;
use serde::{Deserialize, Serialize};

use super::tree::{self, Noted};
use crate::config::DatabaseName;

/// The name of the file.
const FILE: &str = "manifest.json";
/// Its SHA-256, as `sha256sum --check` reads it.
const DIGEST: &str = "manifest.sha256";
/// The version of this format.
const VERSION: u32 = 1;

/// What lies in a folder that was written whole.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Manifest {
    version: u32,
    /// The version of Portico that wrote it.
    portico: String,
    pub(crate) of: Of,
    /// Folders, also empty ones; PostgreSQL does not start without some.
    pub(crate) folders: Vec<String>,
    pub(crate) files: Vec<Noted>,
}

/// What it was made of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Of {
    /// A whole cell, without its keys.
    Cell(Cell),
    /// The keys of a cell.
    #[serde(rename_all = "camelCase")]
    Secrets {
        made: At,
        /// By when it must be destroyed, or it brings back who was erased.
        destroy_by: At,
    },
}

/// A cell, as it was backed up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cell {
    pub(crate) node: String,
    pub(crate) begun: At,
    /// What was acknowledged before `begun` is in it; PostgreSQL recovers to `ended` at the least.
    pub(crate) ended: At,
    /// After this no secret opens what is sealed in it.
    pub(crate) opens_until: At,
    pub(crate) regions: Vec<Region>,
    pub(crate) databases: BTreeMap<DatabaseName, Kept>,
    /// Where the published log is.
    pub(crate) published: BTreeMap<Region, Log>,
    /// Heads of the records when it began: it holds these at the least.
    pub(crate) heads: BTreeMap<Region, Vec<RecordHead>>,
    /// By which the root keys are known again.
    pub(crate) keys: BTreeMap<DatabaseName, String>,
}

/// How a database is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kept {
    /// A file of SQLite.
    Sqlite(String),
    /// The data folder of a server, which may have several databases.
    Postgres(String),
}

impl Kept {
    /// Whether it is a database of this server.
    pub(super) fn is_on(&self, server: &str) -> bool {
        matches!(self, Self::Postgres(path) if path == server)
    }
}

/// Where the published log of a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Log {
    /// In the backup.
    Copied,
    /// In its bucket, which keeps versions of its own.
    Bucket,
}

impl Manifest {
    /// Notes everything that lies in a folder, and writes the manifest; all of it is on disk then.
    pub(super) fn write(folder: &Path, of: Of) -> anyhow::Result<Self> {
        let (folders, files) = tree::note(folder)?;
        let portico = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = Self { version: VERSION, portico, of, folders, files };
        let text = serde_json::to_vec_pretty(&manifest)?;
        let digest = format!("{}  {FILE}\n", tree::digest(&text));
        for (name, bytes) in [(FILE, text.as_slice()), (DIGEST, digest.as_bytes())] {
            tree::write(&folder.join(name), bytes)?;
            tree::sync(&folder.join(name))?;
        }
        Ok(manifest)
    }

    /// Reads the manifest of a folder, if it is as it was written.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let place = folder.display();
        let read = |name: &str| {
            let unfinished = || {
                format!("{place} has no `{name}`: it is no backup, or one that was never finished")
            };
            std::fs::read(folder.join(name)).with_context(unfinished)
        };
        let (text, digest) = (read(FILE)?, read(DIGEST)?);
        anyhow::ensure!(
            digest == format!("{}  {FILE}\n", tree::digest(&text)).as_bytes(),
            "{place}: `{FILE}` or `{DIGEST}` was altered"
        );
        let manifest: Self =
            serde_json::from_slice(&text).with_context(|| format!("{place}: `{FILE}`"))?;
        anyhow::ensure!(
            manifest.version == VERSION,
            "{place}: a backup of version {}, which this Portico does not read",
            manifest.version
        );
        Ok(manifest)
    }

    /// What differs in the folder from what was written: each file by its name. None: nothing.
    pub(crate) fn differs(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        tree::differs(folder, &self.folders, &self.files, &[FILE, DIGEST])
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The manifest of a backup of a cell that is whole.
    pub(super) fn whole(folder: &Path) -> anyhow::Result<(Self, Cell)> {
        let manifest = Self::read(folder)?;
        let Of::Cell(cell) = &manifest.of else {
            anyhow::bail!("{} holds keys and no databases", folder.display());
        };
        let cell = cell.clone();
        let differs = manifest.differs(folder)?;
        anyhow::ensure!(
            differs.is_empty(),
            "the backup {} is not what was written: {}",
            folder.display(),
            differs.join("; ")
        );
        Ok((manifest, cell))
    }
}
