//! A restore that is tried, timed and thrown away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use access::Region;
use anyhow::Context as _;
use audit::RecordHead;
use base::seal::make_folder;
use base::time::{At, SharedClock};
use privacy::Replayed;
use serde::Serialize;

use super::manifest::{Cell, Log, Manifest};
use super::postgres::{self, Programs};
use super::restore::lay_out;
use super::strays::{Stray, strays};
use super::{Tell, secrets};
use crate::config::{Config, Database};
use crate::storage;
use crate::wire::House;

/// `portico backup drill`
#[derive(Debug)]
pub(crate) struct Drill {
    pub(crate) from: PathBuf,
    pub(crate) until: Option<At>,
    /// Where it makes its temporary folder.
    pub(crate) within: PathBuf,
}

/// What a drill found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Drilled {
    pub(crate) from: PathBuf,
    pub(crate) begun: At,
    pub(crate) rpo: Rpo,
    pub(crate) rto: Rto,
    /// What was published behind the restored database, and who was erased again.
    pub(crate) replayed: Vec<Replayed>,
    /// Events that were read again behind that, and how long it took.
    pub(crate) events: u64,
    pub(crate) reading_seconds: f64,
    /// What is wrong; nothing: it would have served.
    pub(crate) faults: Vec<String>,
}

/// What would be lost of what was acknowledged when the drill began.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rpo {
    /// From the newest event that was restored to the newest acknowledged one, in the record
    /// that loses most; none if only the published log could be asked, which tells no times.
    pub(crate) seconds: Option<f64>,
    pub(crate) events: u64,
    /// `database`, or `published` if that could not be asked.
    pub(crate) against: &'static str,
}

/// How long it took until it could serve.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rto {
    pub(crate) seconds: f64,
    pub(crate) verify: f64,
    pub(crate) copy: f64,
    pub(crate) recover: f64,
    pub(crate) replay: f64,
}

type Heads = BTreeMap<Region, Vec<RecordHead>>;

impl Drill {
    /// Runs it. The living cell is read, and nothing is written to it.
    pub(crate) async fn run(
        &self,
        config: &Config,
        clock: SharedClock,
        tell: Tell<'_>,
    ) -> anyhow::Result<Drilled> {
        let begun = clock.now();
        let living = Box::pin(living(config)).await;
        let timer = Instant::now();
        let place = Place::make(&self.within)?;
        let drilled = {
            let within = self.within(config, &clock, &place, (begun, living, timer), tell);
            Box::pin(within).await
        };
        tokio::task::spawn_blocking(move || drop(place)).await?;
        drilled
    }

    async fn within(
        &self,
        config: &Config,
        clock: &SharedClock,
        place: &Place,
        (begun, living, timer): (At, Option<Heads>, Instant),
        tell: Tell<'_>,
    ) -> anyhow::Result<Drilled> {
        tell("verifying the backup");
        let from = self.from.clone();
        let (_, cell) = tokio::task::spawn_blocking(move || Manifest::whole(&from)).await??;
        for (name, mark) in &secrets::marks(config)? {
            anyhow::ensure!(
                cell.keys.get(name) == Some(mark),
                "the backup is of a cell with other root keys (`{}`)",
                name.as_str()
            );
        }
        let mut rto = Rto { verify: timer.elapsed().as_secs_f64(), ..Rto::default() };
        tell("copying");
        let mut config = config.clone();
        let (of, from) = (cell.clone(), self.from.clone());
        let (data, until) = (place.0.join("data"), self.until);
        let into = data.clone();
        let as_configured = config.clone();
        let copied =
            tokio::task::spawn_blocking(move || lay_out(&as_configured, &of, &from, &into, until));
        let servers = copied.await??;
        rto.copy = timer.elapsed().as_secs_f64() - rto.verify;
        tell("recovering");
        let programs = Programs::of(&config);
        if !servers.is_empty() {
            programs.give_away(&place.0)?;
        }
        let mut running = Vec::new();
        for (number, server) in servers.iter().enumerate() {
            let sockets = place.0.join(format!("s{number}"));
            make_folder(&sockets)?;
            let (programs, data) = (programs.clone(), data.join(server));
            let started =
                tokio::task::spawn_blocking(move || (programs.start(&data, &sockets), sockets));
            let (started, sockets) = started.await?;
            running.push((server.clone(), started?, sockets));
        }
        rto.recover = timer.elapsed().as_secs_f64() - rto.verify - rto.copy;
        self.look_there(&mut config, &cell, &data, &running)?;
        tell("replaying what was published");
        let house = House::open(&config, clock.clone()).await.context("the restored cell")?;
        let drilled = self.look(&house, &cell, living.as_ref(), &timer, &mut rto, tell).await;
        house.close().await;
        let mut drilled = drilled?;
        (drilled.begun, drilled.rto) = (begun, rto);
        Ok(drilled)
    }

    /// The configuration of the cell as it was restored: it looks at the living log and the
    /// living keys, and counts and asks nowhere.
    fn look_there(
        &self,
        config: &mut Config,
        cell: &Cell,
        data: &Path,
        running: &[(String, postgres::Server, PathBuf)],
    ) -> anyhow::Result<()> {
        for name in storage::names(config) {
            let Some(kept) = cell.databases.get(&name) else {
                anyhow::bail!("the backup has no database `{}`", name.as_str());
            };
            let there = config.database(name);
            let url = match running.iter().find(|(server, ..)| kept.is_on(server)) {
                Some((_, _, sockets)) => postgres::within(&there.url, sockets)?,
                None => {
                    format!("sqlite://{}", data.join(format!("{}.db", name.as_str())).display())
                }
            };
            config.database.insert(name, Database::at(url));
        }
        // Where the living cell has no log any more, that of the backup has to do.
        let lost = |region: &&Region| {
            cell.published.get(region) == Some(&Log::Copied)
                && !config.data.join(format!("log-{region}")).is_dir()
        };
        let lost = config.regions.iter().filter(lost);
        config.drill = Some(lost.map(|region| (*region, self.from.clone())).collect());
        config.node.push_str("-drill");
        config.cell = nodes::Config::default();
        config.limits = limits::Config::default();
        config.record.witness.clear();
        config.otlp.endpoint = None;
        Ok(())
    }

    async fn look(
        &self,
        house: &House,
        cell: &Cell,
        living: Option<&Heads>,
        timer: &Instant,
        rto: &mut Rto,
        tell: Tell<'_>,
    ) -> anyhow::Result<Drilled> {
        let (mut rpo, mut replayed, mut faults) = (Rpo::default(), Vec::new(), Vec::new());
        if let Some(Stray { org, from, to }) = strays(house, &cell.regions).await?.first() {
            anyhow::bail!(
                "the backup is older than the move of {org} from `{to}` to `{from}`, which a restore \
                 would undo: take another"
            );
        }
        let restored = heads(house, &cell.regions).await?;
        for region in &cell.regions {
            replayed.extend(house.privacy.replay(*region).await?);
        }
        if let Err(error) = house.log.check().await {
            faults.push(error.to_string());
        }
        rto.seconds = timer.elapsed().as_secs_f64();
        rto.replay = rto.seconds - rto.verify - rto.copy - rto.recover;
        if let Some(living) = living {
            rpo.against_the_living(living, &restored, cell.begun);
        } else {
            rpo.against = "published";
            rpo.events = replayed.iter().map(|it| it.published - it.found).sum();
        }
        tell("reading every event again");
        let (mut events, reading) = (0, Instant::now());
        for (region, heads) in &cell.heads {
            for RecordHead { org, size, root, .. } in heads {
                match house.log.read_again(*region, org, *size).await {
                    Ok(Some(found)) if found == *root => events += size,
                    Ok(Some(_)) => faults.push(format!("the record of `{org}` is another one")),
                    Ok(None) => {
                        faults.push(format!("the record of `{org}` has fewer than {size} events"));
                    }
                    Err(error) => faults.push(error.to_string()),
                }
            }
        }
        Ok(Drilled {
            from: self.from.clone(),
            begun: cell.begun,
            rpo,
            rto: Rto::default(),
            replayed,
            events,
            reading_seconds: reading.elapsed().as_secs_f64(),
            faults,
        })
    }
}

impl Rpo {
    /// An org that is not there at all was made behind `begun`.
    fn against_the_living(&mut self, living: &Heads, restored: &Heads, begun: At) {
        let (mut events, mut lost) = (0, 0);
        for (region, heads) in living {
            for head in heads {
                let there = restored.get(region).into_iter().flatten();
                let there = there.into_iter().find(|it| it.org == head.org);
                let (size, newest) = there.map_or((0, begun), |it| (it.size, it.newest));
                if size < head.size {
                    events += head.size - size;
                    lost = lost.max(head.newest.as_microsecond() - newest.as_microsecond());
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a span of time, to be read by people")]
        let seconds = lost as f64 / 1e6;
        (self.events, self.seconds, self.against) = (events, Some(seconds), "database");
    }
}

/// The heads of the living cell, if its databases answer.
async fn living(config: &Config) -> Option<Heads> {
    let mut config = config.clone();
    config.node.push_str("-drill");
    config.cell = nodes::Config::default();
    config.limits = limits::Config::default();
    config.drill = Some(BTreeMap::new());
    let clock: SharedClock = std::sync::Arc::new(base::time::SystemClock);
    let house = House::open(&config, clock).await.ok()?;
    let heads = heads(&house, &config.regions).await.ok();
    house.close().await;
    heads
}

async fn heads(house: &House, regions: &[Region]) -> anyhow::Result<Heads> {
    let mut heads = Heads::new();
    for region in regions {
        heads.insert(*region, house.log.record_heads(*region).await?);
    }
    Ok(heads)
}

/// The temporary folder of a drill. Dropped, it is gone.
struct Place(PathBuf);

impl Place {
    fn make(within: &Path) -> anyhow::Result<Self> {
        let random = base::hex::encode(&base::seal::random::<6>()?);
        let place = within.join(format!("portico-drill-{random}"));
        make_folder(&place).with_context(|| format!("{}", place.display()))?;
        Ok(Self(place))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::error!(%error, place = %self.0.display(), "a drill left something behind");
        }
    }
}
