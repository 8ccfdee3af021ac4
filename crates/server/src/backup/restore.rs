//! Restoring a backup into an empty place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base::time::At;
use serde::Serialize;

use super::manifest::{Cell, Kept, Log, Manifest};
use super::postgres::{self, Programs};
use super::secrets;
use super::tree::{self, Unfinished};
use crate::config::{Config, DatabaseName};

/// `portico restore`
#[derive(Debug)]
pub(crate) struct Restore {
    pub(crate) from: PathBuf,
    /// The data folder that it becomes.
    pub(crate) to: PathBuf,
    /// The instant to which PostgreSQL recovers; the end of the archived log if not given.
    pub(crate) until: Option<At>,
    /// A folder whose published log outlived the loss: its `log-<region>`.
    pub(crate) published: Option<PathBuf>,
    /// A copy of the keys.
    pub(crate) secrets: Option<PathBuf>,
}

/// What was restored, and what an operator does next.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Restored {
    pub(crate) to: PathBuf,
    /// Data folders of PostgreSQL that recover when they are started.
    pub(crate) servers: Vec<PathBuf>,
    pub(crate) opens_until: At,
    pub(crate) next: Vec<String>,
}

impl Restore {
    /// Verifies the backup, and lays it out: whole, or not at all.
    pub(crate) fn run(&self, config: &Config, now: At) -> anyhow::Result<Restored> {
        let unfinished = Unfinished::begin(&self.to)?;
        let (_, cell) = Manifest::whole(&self.from)?;
        let servers = lay_out(config, &cell, &self.from, unfinished.path(), self.until)?;
        for (region, log) in &cell.published {
            let name = format!("log-{region}");
            let copied = self.from.join(&name);
            let from = match (&self.published, log) {
                (Some(outlived), _) => {
                    let outlived = outlived.join(&name);
                    // Where nothing was ever published there is none.
                    anyhow::ensure!(
                        outlived.is_dir() || tree::is_empty(&copied),
                        "--published: there is no {}",
                        outlived.display()
                    );
                    if outlived.is_dir() { outlived } else { continue }
                }
                (None, Log::Copied) => copied,
                (None, Log::Bucket) => continue,
            };
            tree::copy(&from, &unfinished.path().join(&name))?;
        }
        if let Some(secrets) = &self.secrets {
            secrets::put_back(secrets, unfinished.path(), &cell.keys)?;
        }
        unfinished.finish()?;
        let folders: Vec<PathBuf> = servers.iter().map(|folder| self.to.join(folder)).collect();
        let next = self.next(config, &cell, &folders, now);
        Ok(Restored { to: self.to.clone(), servers: folders, opens_until: cell.opens_until, next })
    }

    fn next(&self, config: &Config, cell: &Cell, servers: &[PathBuf], now: At) -> Vec<String> {
        let (mut next, programs) = (Vec::new(), Programs::of(config));
        if now > cell.opens_until {
            next.push(format!(
                "This backup opened until {}: the record in it verifies, and nobody can read it",
                cell.opens_until
            ));
        }
        for folder in servers {
            let folder = folder.display();
            let owner = programs.user().map(|user| format!("chown -R {user}: {folder} && "));
            next.push(format!(
                "{}{} start -D {folder}   # as the user of PostgreSQL; it recovers",
                owner.unwrap_or_default(),
                programs.find("pg_ctl", None).display()
            ));
        }
        if !servers.is_empty() {
            next.push("Let `url` and `owner_url` of the configuration lead there".to_owned());
        }
        if self.secrets.is_none() {
            next.push(format!(
                "Put `keys` and `epochs` into {}, from where you keep them",
                self.to.display()
            ));
        }
        next.push(format!("Let `data` of the configuration be {}", self.to.display()));
        next.push(
            "portico restore replay   # before anybody serves: erasures, and what was published"
                .to_owned(),
        );
        next.push("portico serve".to_owned());
        next
    }
}

/// Puts the databases of a backup into a folder. Gives the servers of PostgreSQL, by their path
/// below it.
pub(super) fn lay_out(
    config: &Config,
    cell: &Cell,
    from: &Path,
    to: &Path,
    until: Option<At>,
) -> anyhow::Result<BTreeSet<String>> {
    let mut servers = BTreeSet::new();
    for (name, kept) in &cell.databases {
        match kept {
            Kept::Sqlite(path) => {
                anyhow::ensure!(
                    until.is_none(),
                    "`{}` is SQLite, which is restored to when the backup was taken: no `--until`",
                    name.as_str()
                );
                let file = to.join(format!("{}.db", name.as_str()));
                tree::copy_file(&from.join(path), &file).context(name.as_str())?;
            }
            Kept::Postgres(path) if servers.contains(path) => {}
            Kept::Postgres(path) => {
                let wal = wal_of(config, cell, path);
                if let Some(until) = until {
                    anyhow::ensure!(
                        until >= cell.ended,
                        "the backup ended at {}: PostgreSQL recovers to no earlier moment. Take an \
                         older backup",
                        cell.ended
                    );
                    anyhow::ensure!(
                        wal.is_some(),
                        "`database.{}.wal_archive` is missing: a moment behind the backup is in \
                         the archived log",
                        name.as_str()
                    );
                }
                tree::copy(&from.join(path), &to.join(path)).context(name.as_str())?;
                postgres::recover(&to.join(path), wal.as_deref(), until)?;
                servers.insert(path.clone());
            }
        }
    }
    Ok(servers)
}

/// The archived log of a server, by any of its databases.
fn wal_of(config: &Config, cell: &Cell, server: &str) -> Option<PathBuf> {
    let of = |name: &DatabaseName| config.database(*name).wal_archive;
    let mut names = cell.databases.iter();
    names.find_map(|(name, kept)| match kept {
        Kept::Postgres(path) if path == server => of(name),
        Kept::Postgres(_) | Kept::Sqlite(_) => None,
    })
}
