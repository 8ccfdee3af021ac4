//! What an operator says of their cells: where each is, and where all its bytes lie.

use std::path::{Path, PathBuf};

use access::Region;
use base::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Cells of a plan at most.
const CELLS_MAX: usize = 64;
/// Stores of a cell at most.
const STORES_MAX: usize = 256;

/// A deployment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Who states it: the name of the key, in front of `/residency`.
    pub name: String,
    /// The key that signs, 32 bytes; made if there is none.
    pub key_file: PathBuf,
    /// How long after the last canary stores are read: what is written behind an answer is
    /// then on its disk.
    #[serde(default = "default_settle")]
    pub settle_secs: u64,
    /// The cells.
    #[serde(rename = "cell")]
    pub cells: Vec<Cell>,
    /// Where the directory lies, which belongs to no region.
    #[serde(default, rename = "directory")]
    pub directories: Vec<Store>,
}

fn default_settle() -> u64 {
    10
}

/// One cell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// Where callers reach it.
    pub url: String,
    /// A file with the key of an owner of an organization that was made for this.
    pub key_file: PathBuf,
    /// Roots (PEM) that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// The files of its root keys: no two cells have the same.
    #[serde(default)]
    pub root_keys: Vec<PathBuf>,
    /// Where its bytes lie.
    #[serde(default, rename = "store")]
    pub stores: Vec<Store>,
    /// The buckets of its objects, which say in which region they are.
    #[serde(default, rename = "bucket")]
    pub buckets: Vec<Bucket>,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Rows: read as tables, or as the files of the engine.
    Database,
    /// What the engine writes ahead, archived or not.
    Wal,
    /// Redis or Valkey.
    Counters,
    /// What processes say.
    Log,
    /// What a collector was sent.
    Traces,
    /// What Prometheus reads.
    Metrics,
    /// Temporary files.
    Temp,
    /// Copies.
    Backup,
    /// The published log, the archive.
    Objects,
    /// The directory.
    Directory,
}

impl Holds {
    /// What each cell has, and what an attestation says it has not looked at.
    pub const OF_A_CELL: [Self; 9] = [
        Self::Database,
        Self::Wal,
        Self::Counters,
        Self::Log,
        Self::Traces,
        Self::Metrics,
        Self::Temp,
        Self::Backup,
        Self::Objects,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Wal => "wal",
            Self::Counters => "counters",
            Self::Log => "log",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Temp => "temp",
            Self::Backup => "backup",
            Self::Objects => "objects",
            Self::Directory => "directory",
        }
    }
}

/// One place with bytes: exactly one of the addresses is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// What it holds.
    pub holds: Holds,
    /// A database of PostgreSQL: a role that may read all of it.
    pub postgres: Option<String>,
    /// A file of SQLite; what lies beside it is read as well.
    pub sqlite: Option<PathBuf>,
    /// A Redis or Valkey.
    pub redis: Option<String>,
    /// A file, or a folder with all that is in it.
    pub files: Option<PathBuf>,
    /// What is answered at an address.
    pub page: Option<String>,
}

/// A bucket.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its address: `https://NAME.s3.eu-central-1.amazonaws.com`.
    pub url: String,
    /// The region that it must say it is in.
    pub region: String,
}

/// Where the bytes of a store are.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// Tables of PostgreSQL.
    Postgres(&'a str),
    /// Tables of SQLite, and its files.
    Sqlite(&'a Path),
    /// Keys and values.
    Redis(&'a str),
    /// Files.
    Files(&'a Path),
    /// An answer.
    Page(&'a str),
}

impl Store {
    /// The one address that it has.
    pub fn place(&self) -> Option<Place<'_>> {
        let all = [
            self.postgres.as_deref().map(Place::Postgres),
            self.sqlite.as_deref().map(Place::Sqlite),
            self.redis.as_deref().map(Place::Redis),
            self.files.as_deref().map(Place::Files),
            self.page.as_deref().map(Place::Page),
        ];
        let mut given = all.into_iter().flatten();
        given.next().filter(|_| given.next().is_none())
    }
}

impl Place<'_> {
    /// Its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Sqlite(_) => "sqlite",
            Self::Redis(_) => "redis",
            Self::Files(_) => "files",
            Self::Page(_) => "page",
        }
    }

    /// Its address as it may be shown: without a password, and without what comes before names
    /// of files.
    pub fn shown(&self) -> String {
        match self {
            Self::Postgres(url) | Self::Redis(url) | Self::Page(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
                let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                let rest = rest.split('?').next().unwrap_or(rest);
                format!("{scheme}://{rest}")
            }
            Self::Sqlite(file) | Self::Files(file) => {
                file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
            }
        }
    }
}

impl Plan {
    /// Reads a plan; what it says of files is relative to it.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(file).map_err(|error| Error::File(file.to_owned(), error))?;
        let fault = |why: String| Error::Plan(file.display().to_string(), why);
        let mut plan: Self = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
        plan.resolve(file.parent().unwrap_or(Path::new(".")));
        plan.check().map_err(fault)?;
        Ok(plan)
    }

    fn resolve(&mut self, folder: &Path) {
        let within = |path: &mut PathBuf| *path = folder.join(&*path);
        within(&mut self.key_file);
        let stores = self.cells.iter_mut().flat_map(|cell| cell.stores.iter_mut());
        for store in stores.chain(&mut self.directories) {
            store.sqlite.iter_mut().chain(&mut store.files).for_each(within);
        }
        for cell in &mut self.cells {
            within(&mut cell.key_file);
            cell.ca_file.iter_mut().chain(&mut cell.root_keys).for_each(within);
        }
    }

    fn check(&self) -> Result<(), String> {
        if !(2..=CELLS_MAX).contains(&self.cells.len()) {
            return Err(format!("cell: 2 to {CELLS_MAX} cells are compared"));
        }
        for (at, cell) in self.cells.iter().enumerate() {
            let name = &cell.name;
            if self.cells.iter().take(at).any(|other| other.name == *name) {
                return Err(format!("cell.name: `{name}` is there twice"));
            }
            if cell.stores.len() > STORES_MAX {
                return Err(format!("cell `{name}`: at most {STORES_MAX} stores"));
            }
            if !cell.stores.iter().any(|store| store.holds == Holds::Database) {
                return Err(format!("cell `{name}`: no store holds its database"));
            }
        }
        let stores = self.cells.iter().flat_map(|cell| &cell.stores);
        for store in stores.chain(&self.directories) {
            if store.place().is_none() {
                return Err(format!(
                    "store `{}`: give one of postgres, sqlite, redis, files, page",
                    store.holds.name()
                ));
            }
        }
        Ok(())
    }
}

impl Cell {
    /// The key of its owner.
    pub fn key(&self) -> Result<Secret, Error> {
        let text = std::fs::read_to_string(&self.key_file)
            .map_err(|error| Error::File(self.key_file.clone(), error))?;
        Ok(Secret::new(text.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.toml");
        std::fs::write(&file, text).unwrap();
        Plan::read(&file)
    }

    fn cell(name: &str, store: &str) -> String {
        format!(
            "[[cell]]\nname = \"{name}\"\nregion = \"eu\"\nurl = \"https://x\"\nkey_file = \"k\"\n\
             [[cell.store]]\n{store}\n"
        )
    }

    #[test]
    fn a_plan_names_two_cells_and_the_database_of_each() {
        let head = "name = \"acme.example\"\nkey_file = \"attest.key\"\n";
        let sound = "holds = \"database\"\nsqlite = \"a.db\"";
        let two = format!("{head}{}{}", cell("a", sound), cell("b", sound));
        let plan = read(&two).unwrap();
        assert_eq!((plan.cells.len(), plan.settle_secs), (2, 10));
        assert!(plan.key_file.is_absolute() && plan.cells[0].stores[0].place().is_some());
        for (text, why) in [
            (format!("{head}{}", cell("a", sound)), "2 to 64 cells"),
            (format!("{head}{}{}", cell("a", sound), cell("a", sound)), "is there twice"),
            (two.replace("holds = \"database\"", "holds = \"log\""), "no store holds its database"),
            (two.replace("sqlite = \"a.db\"", ""), "give one of"),
            (two.replace("sqlite = \"a.db\"", "sqlite = \"a\"\nfiles = \"b\""), "give one of"),
            (two.replace("url", "uri"), "unknown field"),
        ] {
            let told = read(&text).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_store_is_shown_without_its_password() {
        let place = Place::Postgres("postgres://me:secret@db.eu.internal/portico?x=1");
        assert_eq!(place.shown(), "postgres://db.eu.internal/portico");
        assert_eq!(Place::Files(Path::new("/var/lib/secret/log")).shown(), "log");
    }
}
