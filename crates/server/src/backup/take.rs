//! Taking a backup while the cell serves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use base::db::Db;
use base::seal::make_folder;
use base::time::{At, SharedClock};
use serde::Serialize;

use super::Tell;
use super::homes::Homes;
use super::manifest::{Cell, Kept, Log, Manifest, Of};
use super::postgres::Programs;
use super::secrets;
use super::tree::{self, Unfinished};
use crate::config::{Config, DatabaseName};
use crate::storage;
use crate::wire::House;

/// `portico backup`
#[derive(Debug)]
pub(crate) struct Take {
    /// The folder that it becomes.
    pub(crate) to: PathBuf,
    /// The folder that a copy of the keys becomes.
    pub(crate) secrets_to: Option<PathBuf>,
    /// Whether programs tell at the terminal how far they are.
    pub(crate) progress: bool,
}

/// What was taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Taken {
    pub(crate) to: PathBuf,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// Events of all records when it began: it has these at the least.
    pub(crate) events: u64,
    pub(crate) begun: At,
    pub(crate) ended: At,
    pub(crate) seconds: f64,
    /// After this nothing opens what is sealed in it.
    pub(crate) opens_until: At,
    /// By when the copy of the keys must be destroyed, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destroy_secrets_by: Option<At>,
}

impl Take {
    pub(crate) async fn run(
        &self,
        config: &Config,
        clock: SharedClock,
        tell: Tell<'_>,
    ) -> anyhow::Result<Taken> {
        let timer = Instant::now();
        let unfinished = Unfinished::begin(&self.to)?;
        let keys = self.secrets_to.as_deref().map(Unfinished::begin).transpose()?;
        let house = House::open(config, clock.clone()).await?;
        let begun = clock.now();
        let cell = self.cell(config, &house, unfinished.path(), begun, tell).await;
        house.close().await;
        let cell = cell?;
        let (opens_until, ended) = (cell.opens_until, cell.ended);
        let sizes = cell.heads.values().flatten().map(|head| head.size);
        let events = sizes.sum();
        let copied = keys.as_ref().map(|keys| secrets::copy(config, keys, clock.now()));
        let destroy_secrets_by = copied.transpose()?;
        tell("reading again what was written");
        let manifest = tokio::task::spawn_blocking(move || {
            let manifest = Manifest::write(unfinished.path(), Of::Cell(cell))?;
            unfinished.finish()?;
            anyhow::Ok(manifest)
        });
        let manifest = manifest.await??;
        // Behind the backup: of one that is not whole nobody needs the keys.
        keys.map(Unfinished::finish).transpose().with_context(|| {
            format!("{} is whole, and its keys were not copied", self.to.display())
        })?;
        Ok(Taken {
            to: self.to.clone(),
            files: manifest.files.len(),
            bytes: manifest.bytes(),
            events,
            begun,
            ended,
            seconds: timer.elapsed().as_secs_f64(),
            opens_until,
            destroy_secrets_by,
        })
    }

    /// Copies all of it. INVARIANT: the published log behind the databases, so that it is never
    /// behind them; and the directory behind the regions, so that it knows every org in them; and
    /// no org moves between two regions from the first copy to the last.
    async fn cell(
        &self,
        config: &Config,
        house: &House,
        to: &Path,
        begun: At,
        tell: Tell<'_>,
    ) -> anyhow::Result<Cell> {
        let keys = secrets::marks(config)?;
        let homes = Homes::read(house, &config.regions).await?;
        let mut heads = BTreeMap::new();
        for region in &config.regions {
            heads.insert(*region, house.log.record_heads(*region).await?);
        }
        let (mut databases, mut servers) = (BTreeMap::new(), BTreeMap::<String, String>::new());
        let mut names = storage::names(config);
        names.sort_by_key(|name| *name == DatabaseName::Directory);
        for name in names {
            let database = config.database(name);
            let label = name.as_str();
            let kept = if database.url.starts_with("sqlite:") {
                tell(&format!("the database `{label}`"));
                let path = format!("sqlite/{label}.db");
                make_folder(&to.join("sqlite"))?;
                let db = Db::open(&database.url).await.context(label)?;
                let copied = db.copy_into(&to.join(&path)).await.context(label);
                db.close().await;
                copied?;
                Kept::Sqlite(path)
            } else {
                let url = database.backup_url.with_context(|| {
                    format!("`database.{label}.backup_url` is missing: the role that may replicate")
                })?;
                let path = servers.get(&url).cloned();
                Kept::Postgres(if let Some(path) = path {
                    path
                } else {
                    tell(&format!("the PostgreSQL of `{label}`"));
                    let path = format!("postgres/{label}");
                    let (programs, progress) = (Programs::of(config), self.progress);
                    let (of, into) = (url.clone(), to.join(&path));
                    let copied = tokio::task::spawn_blocking(move || {
                        programs.base_backup(&of, &into, progress)
                    });
                    copied.await?.with_context(|| format!("the PostgreSQL of `{label}`"))?;
                    servers.insert(url, path.clone());
                    path
                })
            };
            databases.insert(name, kept);
        }
        let ended = house.clock.now();
        let mut published = BTreeMap::new();
        for region in &config.regions {
            let kept = if config.record.s3.contains_key(region) {
                Log::Bucket
            } else {
                tell(&format!("the published log of `{region}`"));
                let folder = to.join(format!("log-{region}"));
                make_folder(&folder)?;
                let mut put = |path: &str, bytes: &[u8]| tree::write(&folder.join(path), bytes);
                house.log.copy(*region, &mut put).await?;
                Log::Copied
            };
            published.insert(*region, kept);
        }
        homes.unchanged(house, &config.regions).await?;
        Ok(Cell {
            node: config.node.clone(),
            begun,
            ended,
            opens_until: secrets::opens_until(config, begun)?,
            regions: config.regions.clone(),
            databases,
            published,
            heads,
            keys,
        })
    }
}
