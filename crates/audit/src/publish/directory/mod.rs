//! The directory of a region: one signed head over the heads of all its orgs.
//!
//! ```text
//! checkpoint of each org ─► commitment, salted by the org's key ─► its slot in a tree
//! every few seconds, if a head changed:  root of the slots and the time = an epoch
//!                                        epochs = entries of a log, signed like any other
//! ```
//! An epoch is first written down, then published, then remembered: whatever is cut off is
//! done again with the same bytes. Only slots that changed are hashed again.

mod epoch;
mod proof;
mod regained;
mod round;
mod slots;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::{OrgId, Region, Scope};
use base::args;
use base::db::{DbError, Row, Within};
use base::seal::RootKey;
use base::time::At;
use tlog::{Checkpoint, Hash};

use self::epoch::Epoch;
pub use self::proof::Listed;
use self::slots::Slots;
use super::edge::Edge;
use super::fault::{Fault, FaultKind, LogError};
use super::org::Place;
use super::{Inner, Log};
use crate::sql;

/// What the directory's log is called: behind the name of the region's log, and in its store.
pub(super) const DIRECTORY: &str = "directory";
/// The id under which its rows stand: no org has it, for ids begin with the time.
pub(super) const DIRECTORY_ULID: &str = "00000000000000000000000000";
/// Heads that one page of the database has.
const SLOTS_PAGE: usize = 1_000;
/// Orgs that one page names.
const UNLISTED_PAGE: usize = 500;

/// The directory of a region, as its node keeps it.
#[derive(Debug)]
pub(super) struct Directory {
    blind: [u8; 32],
    changed: Mutex<BTreeSet<OrgId>>,
    pub(super) kept: tokio::sync::Mutex<Kept>,
}

/// What is known from the last round. What is lost of it is read again.
#[derive(Debug, Default)]
pub(super) enum Kept {
    #[default]
    Nothing,
    Known(Box<State>),
    /// Somebody must look: nothing more is listed by this process.
    Stopped(Fault),
}

#[derive(Debug)]
pub(super) struct State {
    slots: Slots,
    /// Of the epochs that are published.
    edge: Edge<Epoch>,
    last: Option<Epoch>,
    /// An epoch that was written down and not published.
    pending: Option<Epoch>,
}

impl Directory {
    pub(super) fn new(root: &RootKey) -> Self {
        Self {
            blind: root.mac("audit/directory").tag(b"empty"),
            changed: Mutex::default(),
            kept: tokio::sync::Mutex::default(),
        }
    }

    /// Notes that an org has another head.
    pub(super) fn changed(&self, org: &OrgId) {
        self.waiting().insert(org.clone());
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<OrgId>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Closes an epoch of a region's directory if a head changed since the last one; gives
    /// its number.
    pub async fn close_epoch(&self, region: Region) -> Result<Option<u64>, LogError> {
        let cell = self.0.cell(region)?;
        let mut kept = cell.directory.kept.lock().await;
        self.0.close_epoch(region, &mut kept, None).await
    }
}

impl Inner {
    pub(super) fn directory_of(&self, region: Region) -> Result<Place<'_>, DbError> {
        Place::new(self, region, &self.directory)
    }

    /// The directory that lists the heads of an org: that of the region where it began.
    pub(super) fn directory_beside(&self, scope: &Scope) -> Result<Place<'_>, DbError> {
        let homes = self.record.databases().homes();
        self.directory_of(homes.born(scope.org(), scope.region()))
    }

    /// At start: that the directory is the one that was published.
    pub(super) async fn check_directory(&self, region: Region) -> Result<(), LogError> {
        let place = self.directory_of(region)?;
        let mut kept = place.cell.directory.kept.lock().await;
        let state = place.at_rest(async || place.read_directory().await).await?;
        *kept = Kept::Known(Box::new(state));
        Ok(())
    }

    /// Closes an epoch, for whoever holds the directory. `first` is listed before all others.
    pub(super) async fn close_epoch(
        &self,
        region: Region,
        kept: &mut Kept,
        first: Option<&OrgId>,
    ) -> Result<Option<u64>, LogError> {
        let place = self.directory_of(region)?;
        let since = place.mark().await?;
        let state = match std::mem::take(kept) {
            Kept::Known(state) => Ok(state),
            Kept::Nothing => place.read_directory().await.map(Box::new),
            Kept::Stopped(fault) => {
                *kept = Kept::Stopped(fault.clone());
                return Err(fault.into());
            }
        };
        let done = match state {
            Ok(state) => place.epoch(state, first).await,
            Err(error) => Err(error),
        };
        match place.unless_moved(since, done).await {
            Ok((state, closed)) => {
                *kept = Kept::Known(state);
                Ok(closed)
            }
            Err(LogError::Fault(fault)) => {
                self.counts.faults.inc();
                fault.tell();
                *kept = Kept::Stopped(fault.clone());
                Err(fault.into())
            }
            // What was done is not certain: it is read again.
            Err(error) => Err(error),
        }
    }
}

impl Place<'_> {
    /// The directory as database and store have it, each agreed with the other.
    async fn read_directory(&self) -> Result<State, LogError> {
        let newest = self.signed().await?;
        let published = newest.as_ref().map_or(0, |newest| newest.size);
        let mut epochs = self.epochs(published).await?;
        let known = published + u64::from(epochs.pending.is_some());
        let found = self.outside().await?;
        let outside = found.as_ref().map(|(checkpoint, _)| checkpoint);
        if let Some(outside) = outside.map(Checkpoint::size).filter(|it| *it > known) {
            let (published, found) = (outside, known);
            return Err(self.fault(FaultKind::RolledBack { published, found }));
        }
        let other = || self.fault(FaultKind::OtherRoot(published));
        if let Some(newest) = &newest {
            match outside {
                Some(outside) if outside.size() > newest.size => {}
                Some(outside) if outside.size() == newest.size => {
                    if *outside.root() != newest.root {
                        return Err(other());
                    }
                }
                // A store that was itself set back gets what the database remembers.
                _ => self.replace(found.as_ref(), newest.note.as_bytes()).await?,
            }
        }
        let tiles = self.tiles(Edge::tiles(published)).await?;
        let behind = epochs
            .behind
            .split_off(epochs.behind.len() - usize::try_from(published % 256).unwrap_or_default());
        let last =
            epochs.pending.clone().or_else(|| behind.last().or(epochs.behind.last()).cloned());
        let edge = Edge::read(published, &tiles, behind).map_err(|_| other())?;
        if newest.is_some_and(|newest| newest.root != edge.frontier().root()) {
            return Err(other());
        }
        let (slots, root) = self.read_slots().await?;
        let agrees = match (&last, root) {
            (Some(last), Some(root)) => last.is_of(&root),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !agrees {
            return Err(self.fault(FaultKind::OtherHeads(known.saturating_sub(1))));
        }
        self.find_unlisted().await?;
        Ok(State { slots, edge, last, pending: epochs.pending })
    }

    /// The last epochs: of the bundle that is not whole and the one before it, and what was
    /// written down and not published.
    async fn epochs(&self, published: u64) -> Result<Epochs, LogError> {
        let rows = self.db()?.all(sql::EPOCHS, args![]).await?;
        let broken = || self.fault(FaultKind::NoEpoch);
        let mut epochs = Epochs::default();
        let mut next = None;
        for row in rows {
            let index = row.count("epoch")?;
            let epoch = Epoch::read(&row.bytes("entry")?).ok_or_else(broken)?;
            let follows = next.is_none_or(|next| index == next);
            if !follows || index > published {
                return Err(broken());
            }
            next = Some(index + 1);
            if index == published {
                epochs.pending = Some(epoch);
            } else {
                epochs.behind.push(epoch);
            }
        }
        let kept = u64::try_from(epochs.behind.len()).unwrap_or_default();
        let whole = published == 0 || kept >= 1 && kept >= published % 256;
        let up_to_date = next.is_none_or(|next| next >= published);
        if whole && up_to_date { Ok(epochs) } else { Err(broken()) }
    }

    /// All heads, and the root above them.
    async fn read_slots(&self) -> Result<(Slots, Option<Hash>), LogError> {
        let db = self.log.record.databases().region(self.scope.region())?;
        let (mut heads, mut after) = (Vec::new(), String::new());
        loop {
            let rows = db.all(&Within::node(), sql::SLOTS, args![after.as_str()]).await?;
            let (Some(last), full) = (rows.last(), rows.len() >= SLOTS_PAGE) else { break };
            after = last.text("org_id")?;
            for row in &rows {
                heads.push((slots::slot(&row.parse("org_id")?), head_of(row)?));
            }
            if !full {
                break;
            }
        }
        let (mut slots, some) = (Slots::new(self.cell.directory.blind), !heads.is_empty());
        let hashed = move || {
            let root = slots.set(heads);
            (slots, root)
        };
        let (slots, root) = round::aside(hashed).await?;
        Ok((slots, some.then_some(root)))
    }

    /// Finds what was published and never listed.
    async fn find_unlisted(&self) -> Result<(), LogError> {
        // Those that moved are published elsewhere, and listed here.
        for org in self.log.record.databases().homes().away(self.scope.region()) {
            self.cell.directory.changed(&org);
        }
        let db = self.log.record.databases().region(self.scope.region())?;
        let mut after = String::new();
        loop {
            let rows = db.all(&Within::node(), sql::UNLISTED, args![after.as_str()]).await?;
            for row in &rows {
                self.cell.directory.changed(&row.parse("org_id")?);
            }
            match rows.last() {
                Some(last) if rows.len() >= UNLISTED_PAGE => after = last.text("org_id")?,
                _ => return Ok(()),
            }
        }
    }
}

#[derive(Debug, Default)]
struct Epochs {
    behind: Vec<Epoch>,
    pending: Option<Epoch>,
}

impl State {
    /// When the last epoch was closed.
    fn at(&self) -> Option<At> {
        self.last.as_ref().and_then(Epoch::at)
    }
}

fn head_of(row: &Row) -> Result<[u8; 32], DbError> {
    let head = row.bytes("head")?;
    head.try_into().map_err(|_| DbError::unreadable("head", std::io::Error::other("not 32 bytes")))
}
