//! Publishing what is new of one org.

use access::{OrgId, Region};
use base::args;
use tlog::Checkpoint;
use tlog::tile::TILE_WIDTH;

use super::Inner;
use super::checkpoint::Signers;
use super::edge::{Edge, File};
use super::fault::{Fault, FaultKind, LogError};
use super::org::{Head, Place};
use super::rounds::Published;
use crate::sql;

/// Entries of one org that one round publishes at most: some two megabytes of files.
const ROUND_MAX: u64 = 16_384;
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

impl Inner {
    pub(super) async fn in_turn(&self, region: Region, org: &OrgId) -> Result<Published, LogError> {
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
        self.remember(checkpoint, note, before, now, signers).await?;
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
