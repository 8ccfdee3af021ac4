//! Asking.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use access::{OrgId, Region};
use async_trait::async_trait;
use base::args;
use base::db::Within;
use base::time::At;
use futures_util::future::join_all;
use jiff::SignedDuration;
use tlog::proof::Tree;
use tlog::tile::LEVEL_MAX;
use tlog::{Hash, Note, Tile};

use super::said::Said;
use super::{Growth, Known, NotCosigned, Quiet};
use crate::publish::checkpoint::Newest;
use crate::publish::fault::LogError;
use crate::publish::org::Place;
use crate::publish::{Inner, Log};
use crate::sql;
use crate::telemetry::OfWitness;

/// How long a witness that does not answer is left alone: doubled each time, up to this.
const QUIET_MAX_SECS: i64 = 600;
const QUIET_MIN_SECS: i64 = 5;
/// How often a witness that contradicts a log is asked of it again.
const CONTRADICTED_SECS: i64 = 600;

/// What asking came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Checkpoints that a witness cosigned now.
    pub cosigned: u64,
    /// Times that a witness did not, for now.
    pub failed: u64,
    /// Times that a witness had seen another log.
    pub contradicted: u64,
}

/// What one witness said of one log now.
pub(super) enum Answered {
    Nothing,
    Cosigned,
    Unreached,
    Failed,
    Contradicted,
}

impl Log {
    /// Asks the witnesses of a region for what they have not cosigned yet. One that does not
    /// answer keeps no other waiting.
    pub async fn ask_witnesses(&self, region: Region) -> Result<Asked, LogError> {
        let known = self.0.witnesses.known.iter().filter(|known| known.watches(region));
        let asked = join_all(known.map(|known| self.0.ask_one(region, known))).await;
        let mut all = Asked::default();
        for one in asked {
            let one = one?;
            all.cosigned += one.cosigned;
            all.failed += one.failed;
            all.contradicted += one.contradicted;
        }
        self.0.count_witnessed(region).await?;
        Ok(all)
    }

    /// Whether there is anybody to ask.
    pub(in crate::publish) fn has_witnesses(&self, region: Region) -> bool {
        self.0.witnesses.known.iter().any(|known| known.watches(region))
    }
}

impl Inner {
    async fn ask_one(&self, region: Region, known: &Known) -> Result<Asked, LogError> {
        let (now, mut asked) = (self.record.clock.now(), Asked::default());
        let witness: Quiet = (known.name.clone(), region, None);
        if !self.witnesses.may_be_asked(&witness, now) {
            return Ok(asked);
        }
        let directory = known.directory.then(|| self.directory.clone());
        for log in known.orgs.iter().cloned().chain(directory) {
            let of_log: Quiet = (known.name.clone(), region, Some(log.clone()));
            if !self.witnesses.may_be_asked(&of_log, now) {
                continue;
            }
            match self.ask_of(region, &log, known).await? {
                Answered::Nothing => {}
                Answered::Cosigned => {
                    asked.cosigned += 1;
                    self.witnesses.answered(&[witness.clone(), of_log]);
                }
                Answered::Contradicted => asked.contradicted += 1,
                // What it has against one log is nothing against the others.
                Answered::Failed => {
                    asked.failed += 1;
                    self.witnesses.failed(of_log, now);
                }
                Answered::Unreached => {
                    asked.failed += 1;
                    self.witnesses.failed(witness, now);
                    break;
                }
            }
        }
        Ok(asked)
    }

    async fn ask_of(
        &self,
        region: Region,
        org: &OrgId,
        known: &Known,
    ) -> Result<Answered, LogError> {
        // The directory of a region is nobody's, and stays.
        let of_region = *org == self.directory;
        let pass = self.at_home(region, org);
        if pass.is_none() && !of_region {
            return Ok(Answered::Nothing);
        }
        let place = Place::new(self, region, org)?;
        let newest = match place.signed().await {
            Ok(Some(newest)) => newest,
            // Nothing is published, or it is not ours; that is told by whoever publishes.
            Ok(None) | Err(LogError::Fault(_)) => return Ok(Answered::Nothing),
            Err(error) => return Err(error),
        };
        let now = self.record.clock.now();
        let before = place.said(&known.name).await?;
        let mut said = before.unwrap_or_else(|| Said::nothing(&known.name, now));
        if said.size == newest.size && said.behind_since.is_none() {
            return Ok(Answered::Nothing);
        }
        let patient = now - SignedDuration::from_secs(CONTRADICTED_SECS);
        let soon = said.refused.is_some() && said.asked_at > patient;
        if soon {
            return Ok(Answered::Nothing);
        }
        said.behind_since = said.behind_since.or(Some(now));
        said.asked_at = now;
        let note = Note::parse(newest.note.as_bytes()).map_err(|_| LogError::Unsigned)?;
        let growth = Growing { place: &place, newest: &newest };
        match known.ask.cosign(&note, said.size, &growth).await {
            Ok(signatures) => place.cosigned(known, &newest, signatures, said).await,
            Err(NotCosigned::Contradicted(why)) => place.contradicted(&newest, why, said).await,
            Err(NotCosigned::Unreached(why)) => {
                place.not_cosigned(why, said).await?;
                Ok(Answered::Unreached)
            }
            Err(NotCosigned::Failed(why)) => {
                place.not_cosigned(why, said).await?;
                Ok(Answered::Failed)
            }
        }
    }

    /// What operators are warned by.
    async fn count_witnessed(&self, region: Region) -> Result<(), LogError> {
        let db = self.record.databases().region(region)?;
        let now = self.record.clock.now();
        for row in db.all(&Within::node(), sql::WITNESSED, args![""]).await? {
            let witness = row.text("witness")?;
            if !self.witnesses.known.iter().any(|known| known.name == witness) {
                continue;
            }
            let of = OfWitness { witness, region: region.to_string() };
            let since = row.opt_at("since")?;
            let lag = since.map_or(0, |since| now.duration_since(since).as_secs());
            let counts = &self.counts.witnesses;
            counts.contradictions.get_or_create(&of).set(row.int("contradictions")?);
            counts.behind.get_or_create(&of).set(row.int("behind")?);
            counts.lag_secs.get_or_create(&of).set(lag);
        }
        Ok(())
    }
}

impl super::Witnesses {
    fn quiet(&self) -> MutexGuard<'_, BTreeMap<Quiet, (u32, At)>> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_be_asked(&self, of: &Quiet, now: At) -> bool {
        self.quiet().get(of).is_none_or(|(_, until)| now >= *until)
    }

    fn answered(&self, of: &[Quiet; 2]) {
        let mut quiet = self.quiet();
        for one in of {
            quiet.remove(one);
        }
    }

    fn failed(&self, of: Quiet, now: At) {
        let mut quiet = self.quiet();
        let (failures, until) = quiet.entry(of).or_insert((0, now));
        let secs = QUIET_MIN_SECS.checked_shl(*failures).unwrap_or(QUIET_MAX_SECS);
        *failures = failures.saturating_add(1).min(16);
        *until = now + SignedDuration::from_secs(secs.min(QUIET_MAX_SECS));
    }
}

/// The growth of a log up to a checkpoint.
struct Growing<'a> {
    place: &'a Place<'a>,
    newest: &'a Newest,
}

#[async_trait]
impl Growth for Growing<'_> {
    async fn since(&self, old: u64) -> Result<Vec<Hash>, LogError> {
        let Self { place, newest } = self;
        let unprovable = || LogError::Moved;
        // Whoever publishes removes partial files: they are read while nobody does.
        let (mut tiles, mut path) = (Vec::new(), None);
        let _turn = place.turn().await;
        if place.newest().await?.is_none_or(|now| now.size != newest.size) {
            return Err(unprovable());
        }
        // Which tiles a proof needs shows when it is made.
        while tiles.len() <= usize::from(LEVEL_MAX) * 4 {
            let read = place.tiles(tiles.iter().copied()).await?;
            let mut wanted = None;
            let read = |tile: Tile| {
                let found = read.get(&tile).cloned();
                if found.is_none() {
                    wanted = Some(tile);
                }
                found.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
            };
            match Tree::new(newest.size, read).and_then(|mut tree| tree.consistency(old)) {
                Ok(found) => {
                    path = Some(found);
                    break;
                }
                Err(_) => tiles.push(wanted.ok_or_else(unprovable)?),
            }
        }
        path.ok_or_else(unprovable)
    }
}
