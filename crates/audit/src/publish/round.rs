//! Publishing what is new.

use std::time::Instant;

use access::{OrgId, Region};
use base::args;
use base::db::Within;
use futures_util::{StreamExt as _, stream};
use tlog::Checkpoint;
use tlog::tile::TILE_WIDTH;

use super::checkpoint::Signers;
use super::edge::{Edge, File};
use super::fault::{Fault, FaultKind, LogError};
use super::org::{Head, Place};
use super::{Inner, Log};
use crate::grown::{Grown, Lately};
use crate::sql;

/// Entries of one org that one round publishes at most: some two megabytes of files.
const ROUND_MAX: u64 = 16_384;
/// Orgs that are published at once.
const ORGS_AT_ONCE: usize = 8;
/// Orgs that a page of the database names.
const PAGE: usize = 200;
/// Orgs whose edge is kept in memory; beyond that all are read again.
const WORKS_MAX: usize = 10_000;
/// Times that an org is looked at again at once because another node published it meanwhile.
const AGAIN_MAX: usize = 3;
/// Checkpoints whose partial files stay: the newest, and the one that somebody may be reading.
const PARTIAL_KEPT: usize = 2;

/// What is known of an org from the last round. What is lost of it is read again.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// How far files are written, and the checkpoint that this began behind.
    edge: Option<(Edge, u64)>,
    /// Of a record so long that it takes several rounds: the head that they lead to.
    long: Option<Long>,
    /// Somebody must look: nothing more of this org is published by this process.
    stopped: Option<Fault>,
}

/// First all entries are read and lead to the head's root; only then the first file is written.
#[derive(Debug)]
struct Long {
    head: Head,
    read: Edge,
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Entries that a checkpoint now covers and did not before.
    pub entries: u64,
    /// Checkpoints that were signed.
    pub checkpoints: u64,
    /// Orgs whose record was too long for one round.
    pub behind: u64,
}

impl Log {
    /// Publishes what is new in a region, of each org a bounded piece. An org that cannot be
    /// published keeps no other waiting; the first error that may pass is given at the end.
    pub async fn publish(&self, region: Region) -> Result<Published, LogError> {
        let mut round = Round::of(region, None);
        self.0.publish_all(&mut round).await?;
        self.0.ended(round)
    }

    /// The same, of what grew since the last time. An org that has more to publish, or could
    /// not be published, is looked at again.
    pub(super) async fn publish_grown(
        &self,
        region: Region,
        grown: &Grown,
    ) -> Result<Published, LogError> {
        let mut round = Round::of(region, Some(grown));
        // Of a database that is away nothing is taken: it would all have to be looked at again.
        self.0.record.databases().region(region)?.ping().await?;
        match grown.take() {
            Lately::These(orgs) => self.0.some(&mut round, &orgs).await,
            Lately::All => {
                let begun = Instant::now();
                self.0.publish_all(&mut round).await?;
                grown.looked(begun.elapsed());
            }
        }
        self.0.ended(round)
    }
}

/// A round of publishing.
#[derive(Debug)]
struct Round<'a> {
    region: Region,
    grown: Option<&'a Grown>,
    published: Published,
    failed: Option<LogError>,
}

impl<'a> Round<'a> {
    fn of(region: Region, grown: Option<&'a Grown>) -> Self {
        Self { region, grown, published: Published::default(), failed: None }
    }
}

impl Inner {
    async fn publish_all(&self, round: &mut Round<'_>) -> Result<(), LogError> {
        let db = self.record.databases().region(round.region)?;
        let mut after = String::new();
        loop {
            let rows = db.all(&Within::node(), sql::HEADS_BEHIND, args![after.as_str()]).await?;
            let (Some(last), full) = (rows.last(), rows.len() >= PAGE) else { return Ok(()) };
            after = last.text("org_id")?;
            let orgs = rows.iter().map(|row| row.parse("org_id"));
            self.some(round, &orgs.collect::<Result<Vec<OrgId>, _>>()?).await;
            if !full {
                return Ok(());
            }
        }
    }

    async fn some<'a>(&self, round: &mut Round<'_>, orgs: impl IntoIterator<Item = &'a OrgId>) {
        let orgs: Vec<_> = orgs.into_iter().collect();
        for piece in orgs.chunks(PAGE) {
            self.piece(round, piece).await;
        }
    }

    async fn piece(&self, round: &mut Round<'_>, orgs: &[&OrgId]) {
        let region = round.region;
        let orgs = orgs.iter().map(async |org| (*org, self.in_turn(region, org).await));
        let mut orgs = stream::iter(orgs.collect::<Vec<_>>()).buffer_unordered(ORGS_AT_ONCE);
        while let Some((org, one)) = orgs.next().await {
            let again = match one {
                Ok(one) => {
                    round.published = round.published.and(one);
                    one.behind > 0
                }
                // It was told when it was found, and its org is stopped.
                Err(LogError::Fault(_)) => false,
                Err(error) => {
                    round.failed.get_or_insert(error);
                    true
                }
            };
            if let Some(grown) = round.grown.filter(|_| again) {
                grown.again(org);
            }
        }
    }

    fn ended(&self, Round { published, failed, .. }: Round<'_>) -> Result<Published, LogError> {
        self.counts.published.inc_by(published.entries);
        failed.map_or(Ok(published), Err)
    }
}

impl Published {
    fn and(self, other: Self) -> Self {
        Self {
            entries: self.entries + other.entries,
            checkpoints: self.checkpoints + other.checkpoints,
            behind: self.behind + other.behind,
        }
    }
}

impl Inner {
    async fn in_turn(&self, region: Region, org: &OrgId) -> Result<Published, LogError> {
        let _turn = self.turn(org).await;
        // What is moving is published when it has arrived.
        let Some(_pass) = self.at_home(region, org) else { return Ok(Published::default()) };
        self.one(region, org).await
    }

    /// Publishes a bounded piece of what is new of an org, for whoever has its turn. A fault
    /// stops it, and is the answer from then on.
    pub(super) async fn one(&self, region: Region, org: &OrgId) -> Result<Published, LogError> {
        let mut work = self.works().remove(org).unwrap_or_default();
        let mut done = self.go_on_with(region, org, &mut work).await;
        for _ in 0..AGAIN_MAX {
            if !matches!(done, Err(LogError::Moved)) {
                break;
            }
            work = Work::default();
            done = self.go_on_with(region, org, &mut work).await;
        }
        let done = match done {
            Err(LogError::Fault(fault)) => {
                if work.stopped.is_none() {
                    self.stop(&fault);
                    work = Work { stopped: Some(fault.clone()), ..Work::default() };
                }
                Err(fault.into())
            }
            Ok(done) => Ok(done),
            // What was done is not certain: it is read again.
            Err(error) => return Err(error),
        };
        let mut works = self.works();
        if works.len() >= WORKS_MAX {
            works.retain(|_, work| work.stopped.is_some());
        }
        works.insert(org.clone(), work);
        done
    }

    async fn go_on_with(
        &self,
        region: Region,
        org: &OrgId,
        work: &mut Work,
    ) -> Result<Published, LogError> {
        if let Some(fault) = &work.stopped {
            return Err(fault.clone().into());
        }
        let place = Place::new(self, region, org)?;
        let since = place.mark().await?;
        let done = place.publish(work).await;
        place.unless_moved(since, done).await
    }

    fn stop(&self, fault: &Fault) {
        self.counts.stopped.inc();
        fault.tell();
        tracing::error!(org.id = fault.org, "nothing more of this record is published");
    }

    fn works(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<OrgId, Work>> {
        self.works.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Place<'_> {
    async fn publish(&self, work: &mut Work) -> Result<Published, LogError> {
        let Some(row) = self.db()?.maybe(sql::HEAD_BEHIND, args![]).await? else {
            return Ok(Published::default());
        };
        let published = row.count("published")?;
        let kept = work.edge.take().filter(|(_, behind)| *behind == published);
        let mut edge = if let Some((edge, _)) = kept {
            edge
        } else {
            work.long = None;
            self.edge(published).await?
        };
        let head = match &work.long {
            Some(long) => long.head.clone(),
            None => self.head(&row)?,
        };
        if head.size - edge.size() > ROUND_MAX {
            self.go_on(&mut edge, head, &mut work.long).await?;
            work.edge = Some((edge, published));
            return Ok(Published { behind: 1, ..Published::default() });
        }
        work.long = None;
        let mut files = Vec::new();
        let fresh = self.log.record.heads.take_fresh(self.org(), edge.size(), head.size);
        let otherwise = match &fresh {
            // What was remembered is not what stands there: that is read.
            Some(_) => LogError::Moved,
            None => self.fault(FaultKind::HeadRoot(head.size)),
        };
        let entries = match fresh {
            Some(entries) => entries,
            None => self.entries(edge.size(), head.size).await?,
        };
        for entry in entries {
            edge.append(entry, &mut files);
        }
        // What is published is what the head row commits to, or nothing is.
        if edge.frontier() != &head.frontier {
            return Err(otherwise);
        }
        files.extend(edge.partial(published));
        self.put(files).await?;
        self.note_erasures(published, head.size).await?;
        self.sign(&head, published).await?;
        work.edge = Some((edge, head.size));
        Ok(Published { entries: head.size - published, checkpoints: 1, behind: 0 })
    }

    /// A piece of a record that takes several rounds.
    async fn go_on(
        &self,
        edge: &mut Edge,
        head: Head,
        long: &mut Option<Long>,
    ) -> Result<(), LogError> {
        let long = long.get_or_insert_with(|| Long { head, read: edge.clone() });
        let (read, size) = (long.read.size(), long.head.size);
        if read < size {
            self.advance(&mut long.read, size.min(read + ROUND_MAX)).await?;
            if long.read.size() == size && long.read.frontier() != &long.head.frontier {
                return Err(self.fault(FaultKind::HeadRoot(size)));
            }
            Ok(())
        } else {
            let files = self.advance(edge, edge.size() + ROUND_MAX).await?;
            self.put(files).await
        }
    }

    /// Appends what the record has up to `to`, and gives the files that became full.
    async fn advance(&self, edge: &mut Edge, to: u64) -> Result<Vec<File>, LogError> {
        let mut full = Vec::new();
        for entry in self.entries(edge.size(), to).await? {
            edge.append(entry, &mut full);
        }
        Ok(full)
    }

    /// The edge behind a published checkpoint: from the store, and the same in the record.
    pub(super) async fn edge(&self, published: u64) -> Result<Edge, LogError> {
        let tiles = self.tiles(Edge::tiles(published)).await?;
        let first = published - published % u64::from(TILE_WIDTH);
        let entries = self.entries(first, published).await?;
        let other = || self.fault(FaultKind::OtherRoot(published));
        if let Some((tile, bytes)) = tiles.iter().find(|(tile, _)| tile.level() == 0) {
            let leaves = tile.decode(bytes).map_err(|_| other())?;
            let same = leaves.iter().zip(&entries);
            let mut same = same.map(|(leaf, entry)| *leaf == tlog::Hash::of_leaf(entry));
            if let Some(at) = same.position(|same| !same) {
                let at = first + u64::try_from(at).unwrap_or_default();
                return Err(self.fault_at(at, FaultKind::OtherEntry));
            }
        }
        let edge = Edge::read(published, &tiles, entries).map_err(|_| other())?;
        let newest = self.newest().await?.filter(|newest| newest.size == published);
        let root = newest.map(|newest| newest.root);
        if published > 0 && root != Some(edge.frontier().root()) {
            return Err(other());
        }
        Ok(edge)
    }

    /// Signs and publishes a checkpoint: first outside, then in the database, so that what
    /// the database knows of is always outside too. What lies outside is read first and replaced
    /// only as it was read: of several nodes that publish at once, none puts an older checkpoint
    /// in the place of a newer one.
    pub(super) async fn sign(&self, head: &Head, before: u64) -> Result<(), LogError> {
        let root = head.frontier.root();
        let origin = self.birth.signing.origin(self.name());
        let checkpoint = Checkpoint::new(&origin, head.size, root);
        let checkpoint = checkpoint.map_err(|_| LogError::Unsigned)?;
        let now = self.log.record.clock.now();
        let outside = self.outside().await?;
        // What the database remembers of the one before was written with its keys.
        let signers = match &outside {
            Some((there, _)) if (there.size(), there.origin()) == (before, checkpoint.origin()) => {
                Signers::AsBefore
            }
            _ => Signers::PerhapsOthers,
        };
        let note = match outside {
            Some((there, _)) if there.size() > head.size => {
                // What another node published may be of events that came since the head was read.
                let (published, found) = (there.size(), self.size().await?);
                return Err(if published > found {
                    self.fault(FaultKind::RolledBack { published, found })
                } else {
                    LogError::Moved
                });
            }
            // Published by a process that has not remembered it yet, or never will.
            Some((there, bytes)) if there == checkpoint => {
                String::from_utf8(bytes).map_err(|_| LogError::Unsigned)?
            }
            Some((there, _)) if there.size() == head.size => {
                return Err(self.fault(FaultKind::OtherRoot(head.size)));
            }
            older => {
                let note = self.birth.signing.sign(&checkpoint, now)?.to_string();
                self.replace(older.as_ref(), note.as_bytes()).await?;
                note
            }
        };
        let sizes = self.last_sizes().await?;
        self.remember(&checkpoint, &note, before, now, signers).await?;
        self.log.counts.checkpoints.inc();
        if self.org() != &self.log.directory {
            self.birth.directory.changed(self.org());
        }
        // Who reads at the newest checkpoint or at the one before finds its partial files;
        // whatever else there was is contained in them.
        let mut sizes = std::iter::once(head.size).chain(sizes);
        let kept = sizes.by_ref().take(PARTIAL_KEPT).flat_map(Edge::partial_paths);
        let kept: Vec<String> = kept.collect();
        let mut gone: Vec<String> = sizes.flat_map(Edge::partial_paths).collect();
        gone.retain(|path| !kept.contains(path));
        gone.dedup();
        self.remove(&gone).await
    }
}
