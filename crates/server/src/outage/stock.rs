//! Keeps on the disk of the node, while its databases are there, what it could start with when
//! they are away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use access::{Databases, OrgId, Region};
use anyhow::Context as _;
use base::metrics::{Family, Gauge};
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use identity::Identity;
use limits::Limits;
use nodes::Living;
use regions::{Directory, Step};

use super::snapshot::{About, Moved, Place};
use super::tables::Shapes;
use crate::config::Config;
use crate::wire::House;

/// How often it is asked which orgs there are, and of which version: a key that was revoked is
/// out of the snapshot this soon.
const EVERY: Duration = Duration::from_secs(1);
/// What grows no version (patterns, a key of the record that was wrapped anew) is read again
/// when it was read so long ago.
const AGAIN: Duration = Duration::from_secs(30);
/// A snapshot of which nothing changed is written again this often: its time is told anew.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);
/// What is said of one that is not written: why is said behind it.
const UNWRITTEN: &str = "it is too large, or the disk is full or broken";
/// What is said of a snapshot that can neither be replaced nor removed.
const OUTDATED: &str = "the snapshot lets in who was shut out since, and cannot be removed";
/// Bytes of one org at most: one that is larger is not kept, and keeps no other one out.
const PART_BYTES_MAX: usize = 32 << 20;

/// An org as it was read last.
#[derive(Debug)]
struct Part {
    version: u64,
    /// Which change of the limits it has at least.
    limits: Option<u64>,
    read: Instant,
    packed: Vec<u8>,
}

/// What is kept of a region.
#[derive(Debug)]
struct Kept {
    place: Place,
    shapes: Option<Shapes>,
    parts: BTreeMap<OrgId, Part>,
    written: Option<Instant>,
    /// As the file on the disk says.
    taken_at: Option<At>,
    /// Something changed that is not on the disk.
    changed: bool,
}

impl Kept {
    fn of(place: Place) -> Self {
        let (shapes, written, taken_at) = (None, None, None);
        Self { place, shapes, parts: BTreeMap::new(), written, taken_at, changed: false }
    }

    /// Whether what is on the disk is to be replaced.
    fn is_due(&self) -> bool {
        self.changed || self.written.is_none_or(|written| written.elapsed() >= WRITTEN_EVERY)
    }

    /// Replaces what is on the disk. Where that fails after something changed, what is there goes:
    /// it would let in whom an org has shut out since.
    fn write(&mut self, about: &About) -> anyhow::Result<()> {
        let tables: Vec<&[u8]> = self.parts.values().map(|part| part.packed.as_slice()).collect();
        if let Err(error) = self.place.write(about, &tables.concat()) {
            let error = anyhow::Error::new(error).context(UNWRITTEN);
            if self.changed {
                self.place.remove().with_context(|| format!("{OUTDATED}: {error:#}"))?;
                self.taken_at = None;
            }
            return Err(error);
        }
        (self.written, self.taken_at) = (Some(Instant::now()), Some(about.taken_at));
        self.changed = false;
        Ok(())
    }

    /// Nobody's calls go on.
    fn clear(&mut self) -> anyhow::Result<()> {
        self.parts.clear();
        self.changed = true;
        self.place.remove().context(OUTDATED)?;
        (self.taken_at, self.changed) = (None, false);
        Ok(())
    }
}

/// By region.
type ByRegion = Family<[(&'static str, String); 1], Gauge>;

/// What a node keeps in stock, region by region.
#[derive(Debug)]
pub(crate) struct Stock {
    databases: Databases,
    directory: Directory,
    identity: Identity,
    limits: Limits,
    living: Living,
    clock: SharedClock,
    moved: Vec<Moved>,
    /// Orgs that move: who writes in them is decided elsewhere.
    moving: BTreeSet<OrgId>,
    regions: BTreeMap<Region, Kept>,
    age: ByRegion,
    unwritten: ByRegion,
}

impl Stock {
    /// None: nothing is to be kept, and nothing is.
    pub(crate) fn of(config: &Config, house: &House) -> anyhow::Result<Option<Self>> {
        let mut regions = BTreeMap::new();
        for (region, root) in house.roots.iter() {
            let place = Place::of(&config.data, &config.node, *region, root)?;
            regions.insert(*region, Kept::of(place));
        }
        if !super::is_wanted(config) {
            for kept in regions.values() {
                kept.place.remove()?;
            }
            return Ok(None);
        }
        Ok(Some(Self {
            databases: house.databases.clone(),
            directory: house.directory.clone(),
            identity: house.identity.clone(),
            limits: house.limits.clone(),
            living: house.nodes.living(),
            clock: house.clock.clone(),
            moved: Vec::new(),
            moving: BTreeSet::new(),
            regions,
            age: house.metrics.register(
                "snapshot_age_seconds",
                "Age of what this node could start with if its databases were away",
                Family::default(),
            ),
            unwritten: house.metrics.register(
                "snapshot_unwritten",
                "1 while a change of who may what is in no snapshot: somebody must look",
                Family::default(),
            ),
        }))
    }

    /// Keeps them until the house closes.
    pub(crate) async fn keep(mut self, tasks: Tasks) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = tick.tick() => {}
            }
            self.round().await;
        }
    }

    async fn round(&mut self) {
        if let Err(error) = self.look_at_moves().await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "which orgs moved is not known anew");
        }
        let all: Vec<Region> = self.regions.keys().copied().collect();
        for region in all {
            // While the database is away, what is on the disk stays and grows old.
            if let Err(error) = self.renew(region).await {
                tracing::warn!(%region, error = format!("{error:#}"), "no new snapshot is kept");
            }
            let Some(kept) = self.regions.get(&region) else { continue };
            let age = kept.taken_at.map(|at| self.clock.now().as_second() - at.as_second());
            let of = [("region", region.to_string())];
            self.age.get_or_create(&of).set(age.unwrap_or(-1));
            self.unwritten.get_or_create(&of).set(kept.changed.into());
        }
    }

    async fn look_at_moves(&mut self) -> Result<(), regions::Error> {
        let all = self.directory.moves().await?;
        let under_way = all.into_iter().filter(|one| one.step != Step::Done);
        self.moving = under_way.map(|one| one.org).collect();
        let moved = self.directory.moved().await?.into_iter();
        let moved = moved.map(|one| Moved { org: one.org, born: one.born, home: one.home });
        self.moved = moved.collect();
        Ok(())
    }

    async fn renew(&mut self, region: Region) -> anyhow::Result<()> {
        let Some(kept) = self.regions.get_mut(&region) else { return Ok(()) };
        // What is read from here on is of this time, or later.
        let taken_at = self.clock.now();
        let listed = self.identity.journalling(region).await?;
        let mut versions = BTreeMap::new();
        for (scope, version) in listed {
            if !self.moving.contains(scope.org()) {
                // From before its first snapshot on, what it spends is noted.
                let limits = self.limits.note(&scope).await.ok();
                versions.insert(scope.org().clone(), (version, limits));
            }
        }
        let listed = versions;
        if listed.is_empty() {
            return kept.clear();
        }
        let db = self.databases.region(region)?;
        if kept.shapes.is_none() {
            kept.shapes = Some(Shapes::of(db).await?);
        }
        let shapes = kept.shapes.as_ref().context("the tables")?;
        let before = kept.parts.len();
        kept.parts.retain(|org, _| listed.contains_key(org));
        kept.changed |= kept.parts.len() != before;
        for (org, (version, limits)) in listed {
            let part = kept.parts.get(&org);
            let fresh = |part: &Part| {
                part.version >= version && part.limits == limits && part.read.elapsed() < AGAIN
            };
            if part.is_some_and(fresh) {
                continue;
            }
            let read = Instant::now();
            match shapes.read(db, &org).await? {
                Some((version, mut packed)) => {
                    if packed.len() > PART_BYTES_MAX {
                        tracing::warn!(org.id = %org, bytes = packed.len(), "too large for a snapshot");
                        packed = Vec::new();
                    }
                    kept.changed |= part.is_none_or(|part| part.packed != packed);
                    kept.parts.insert(org, Part { version, limits, read, packed });
                }
                None => kept.changed |= kept.parts.remove(&org).is_some(),
            }
        }
        if !kept.is_due() {
            return Ok(());
        }
        let moved = self.moved.iter().filter(|one| kept.parts.contains_key(&one.org));
        let about =
            About { taken_at, nodes: self.living.of(region), moved: moved.cloned().collect() };
        // A few megabytes at most, and one write in seconds.
        tokio::task::block_in_place(|| kept.write(&about))
    }
}

#[cfg(test)]
mod tests {
    use base::seal::RootKey;

    use super::*;

    fn about(taken_at: &str) -> About {
        About { taken_at: taken_at.parse().unwrap(), nodes: 1, moved: Vec::new() }
    }

    #[test]
    fn what_changed_and_cannot_be_written_leaves_no_snapshot_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = RootKey::fresh().unwrap();
        let mut kept = Kept::of(Place::of(folder.path(), "n1", Region::Eu, &root).unwrap());
        let there = |kept: &Kept| kept.place.path().exists();
        kept.changed = true;
        kept.write(&about("2026-01-01T00:00:00Z")).unwrap();
        assert!(there(&kept) && !kept.is_due());

        // There is no room for it. Of which nothing changed is as good as it was, and grows old.
        kept.place.holds(0);
        let said = format!("{:#}", kept.write(&about("2026-01-01T00:00:10Z")).unwrap_err());
        assert!(
            said.contains("too large, or the disk") && said.contains("0 are allowed"),
            "{said}"
        );
        assert!(there(&kept));
        assert_eq!(kept.taken_at, Some(about("2026-01-01T00:00:00Z").taken_at));

        // A key was revoked.
        kept.changed = true;
        assert!(kept.write(&about("2026-01-01T00:00:11Z")).is_err());
        assert!(!there(&kept), "the key would be good again");
        assert_eq!((kept.taken_at, kept.is_due()), (None, true), "it is tried again at once");

        kept.place.holds(1 << 20);
        kept.write(&about("2026-01-01T00:00:12Z")).unwrap();
        assert!(there(&kept) && !kept.is_due());
    }
}
