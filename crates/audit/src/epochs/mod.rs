//! Epochs: within a window no copy of the database brings back what was erased.
//!
//! ```text
//!           begin 2          begin 3          begin 4
//!   epoch 1 ───┬── epoch 2 ─────┬── epoch 3 ─────┬── epoch 4
//!              └─ secret 1 opens┴─ destroyed     │
//!                               └─ secret 2 opens┴─ destroyed
//! ```
//! The key of an org is wrapped with the secret of an epoch, which is never in the database.
//! When an epoch begins, the keys of all orgs are wrapped in it. An org in which somebody was
//! erased since gets a new key instead, its holders' keys move under that, and the old one is
//! dropped: it stays in copies alone, wrapped with a secret that is destroyed one epoch later.
//! An epoch lasts a little less than half of the window, so that both fit into it. Where its
//! secret lies with this cell alone, it is made a day before it wraps anything, so that it is
//! backed up before somebody needs it.
//!
//! Whatever step a crash comes after, all that lives can be opened, and the next turn goes on
//! from there. A secret is destroyed only after it was seen that nothing in the database is
//! wrapped with it; what is about to be written was wrapped in an epoch that has a whole one
//! before it.

mod org;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::Region;
use base::db::DbError;
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::At;
use jiff::SignedDuration;

use crate::keys::{Cell, Epoch, KmsError};
use crate::telemetry::EpochCounts;
use crate::{LogConfig, Record};

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_mins(10);
const DAY_SECS: i64 = 86_400;
/// An epoch lasts so many hundredths of the window: two of them leave a tenth for a turn that
/// takes its time, or has to be tried again.
const EPOCH_HUNDREDTHS: i64 = 45;
/// How long before its epoch a secret that lies with this cell alone is made; in a short
/// window, a part of an epoch.
const AHEAD: SignedDuration = SignedDuration::from_secs(DAY_SECS);
const AHEAD_PARTS: i32 = 4;

/// What epochs lean on.
#[derive(Debug)]
pub struct EpochsNeeds<'a> {
    /// Whose keys they wrap.
    pub record: Record,
    /// How long the window is.
    pub config: &'a LogConfig,
    /// Where they count.
    pub metrics: &'a Metrics,
}

/// The epochs of the keys of the record. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Epochs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    record: Record,
    window: SignedDuration,
    lasts: SignedDuration,
    counts: EpochCounts,
    /// Of a region the epoch that all of its orgs were seen in.
    settled: Mutex<BTreeMap<Region, u64>>,
    overdue: Mutex<BTreeSet<Region>>,
    /// Of a region the instant by which its oldest secret must be gone, as far as is known.
    ends: Mutex<BTreeMap<Region, At>>,
    /// Orgs of a region whose key is still in an old epoch.
    waiting: Mutex<BTreeMap<Region, i64>>,
}

/// What a turn did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turned {
    /// The secret of an epoch was made.
    pub begun: u64,
    /// Orgs whose key was wrapped in it, or replaced.
    pub orgs: u64,
    /// Secrets of epochs were destroyed.
    pub destroyed: u64,
}

/// Why a turn did not come to its end, or a node must not start.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The KMS.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// The database.
    #[error("the database of the record failed")]
    Db(#[from] DbError),
    /// The secret that wraps a key in the database is not here.
    #[error(
        "the database `{region}` holds the key of `{org}` wrapped in epoch {epoch}, whose secret \
         is not here: the database is a copy older than `record.forget_days`, or the secrets of \
         epochs are those of another time"
    )]
    Forgotten {
        /// Where.
        region: Region,
        /// One of the orgs.
        org: String,
        /// When its key was wrapped.
        epoch: u64,
    },
    /// Somebody else wrapped it.
    #[error(
        "the database `{region}` holds the key of `{org}` wrapped by a KMS that is not \
         configured: see `[record.kms.{region}]`"
    )]
    Foreign {
        /// Where.
        region: Region,
        /// One of the orgs.
        org: String,
    },
}

impl Epochs {
    /// Begins nothing yet.
    pub fn open(needs: EpochsNeeds<'_>) -> Self {
        let EpochsNeeds { record, config, metrics } = needs;
        let window_secs = i64::from(config.forget_days) * DAY_SECS;
        Self(Arc::new(Inner {
            record,
            window: SignedDuration::from_secs(window_secs),
            lasts: SignedDuration::from_secs(window_secs * EPOCH_HUNDREDTHS / 100),
            counts: EpochCounts::register(metrics),
            settled: Mutex::default(),
            overdue: Mutex::default(),
            ends: Mutex::default(),
            waiting: Mutex::default(),
        }))
    }

    /// Turns epochs until shutdown begins. To be called once, after [`Epochs::check`] found
    /// nothing, on the one node that serves the regions; a second one does no harm.
    pub fn run(&self, tasks: &Tasks) {
        for (region, _) in self.0.record.databases().iter() {
            tasks.spawn(self.clone().watch(region, tasks.clone()));
        }
    }

    async fn watch(self, region: Region, tasks: Tasks) {
        loop {
            // Cut off is as good as crashed: the next turn goes on.
            let turned = tokio::select! {
                () = tasks.stopping() => return,
                turned = self.turn(region) => turned,
            };
            if let Err(error) = turned {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%region, error, "keys were not wrapped anew; it is tried again");
            }
            if tokio::time::timeout(LOOK_EVERY, tasks.stopping()).await.is_ok() {
                return;
            }
        }
    }

    /// Does what is due in a region: begins an epoch, wraps keys in it, destroys secrets.
    pub async fn turn(&self, region: Region) -> Result<Turned, EpochError> {
        let turned = self.0.turn(region).await;
        if turned.is_err() {
            self.0.counts.failed.inc();
        }
        // Whatever failed: who has to look must hear of it.
        self.0.tell_overdue(region);
        turned
    }
}

impl Inner {
    async fn turn(&self, region: Region) -> Result<Turned, EpochError> {
        let cell = self.record.keys.cell(region)?;
        let mut turned = Turned::default();
        let now = self.record.clock.now();
        let (mut epochs, former) = self.living(region, cell).await?;
        let Some(last) = epochs.last().copied() else { return Ok(turned) };
        let ahead = if cell.kms.is_alone() {
            AHEAD.min(self.lasts / AHEAD_PARTS)
        } else {
            SignedDuration::ZERO
        };
        let soon = now.saturating_add(ahead).unwrap_or(now);
        if self.is_over(last.since, soon) {
            cell.kms.begin(last.number, soon).await?;
            self.counts.begun.inc();
            turned.begun = 1;
            epochs = cell.kms.epochs().await?;
        }
        let begun = epochs.iter().rev().find(|epoch| epoch.since <= now);
        let newest = begun.or_else(|| epochs.first()).map_or(last.number, |epoch| epoch.number);
        let (spent, former_spent) = (self.spent(&epochs, now), self.former_spent(&former, now));
        if self.settled().get(&region) != Some(&newest) {
            turned.orgs = self.orgs(region, cell, newest).await?;
            self.settled().insert(region, newest);
        }
        if spent.is_none() && former_spent.is_none() {
            return Ok(turned);
        }
        // What is destroyed is gone for ever, so it is looked once more at all that there is.
        if self.oldest_in_use(region, cell).await? < newest {
            self.settled().remove(&region);
            return Ok(turned);
        }
        if let Some(before) = spent {
            cell.kms.destroy_before(before).await?;
            turned.destroyed += 1;
            tracing::info!(%region, before, "secrets of epochs were destroyed");
        }
        if let (Some(before), Some(former)) = (former_spent, &cell.former) {
            former.destroy_before(before).await?;
            turned.destroyed += 1;
            tracing::info!(%region, before, "secrets of epochs before the KMS were destroyed");
        }
        self.living(region, cell).await?;
        Ok(turned)
    }

    fn is_over(&self, since: At, now: At) -> bool {
        since.saturating_add(self.lasts).is_ok_and(|over| over <= now)
    }

    /// Secrets before this epoch have had the time of a whole one after their own.
    fn spent(&self, epochs: &[Epoch], now: At) -> Option<u64> {
        let after = epochs.iter().skip(1);
        after.filter(|next| self.is_over(next.since, now)).map(|next| next.number).max()
    }

    /// Of what wrapped before there was a KMS, all goes when it would have gone without one.
    fn former_spent(&self, former: &[Epoch], now: At) -> Option<u64> {
        let twice = self.lasts.saturating_mul(2);
        let spent = |since: At| since.saturating_add(twice).is_ok_and(|over| over <= now);
        former.iter().filter(|epoch| spent(epoch.since)).map(|epoch| epoch.number + 1).max()
    }

    /// The epochs of the KMS, and those of what wrapped before it.
    async fn living(
        &self,
        region: Region,
        cell: &Cell,
    ) -> Result<(Vec<Epoch>, Vec<Epoch>), KmsError> {
        let former = match &cell.former {
            Some(former) => former.epochs().await?,
            None => Vec::new(),
        };
        let epochs = cell.kms.epochs().await?;
        let ends = |epoch: &Epoch| epoch.since.saturating_add(self.window).ok();
        let oldest = epochs.iter().chain(&former).filter_map(ends).min();
        let mut known = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        match oldest {
            Some(ends) => known.insert(region, ends),
            None => known.remove(&region),
        };
        drop(known);
        Ok((epochs, former))
    }

    /// An epoch whose secret should have been destroyed: whoever was erased in it could still
    /// come back with a copy.
    fn tell_overdue(&self, region: Region) {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(&region).copied();
        let late = ends.is_some_and(|ends| ends < self.record.clock.now());
        let mut overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = if late { overdue.insert(region) } else { overdue.remove(&region) };
        self.counts.overdue.set(i64::try_from(overdue.len()).unwrap_or(i64::MAX));
        if late && changed {
            tracing::error!(
                %region,
                "what was erased could still come back with a copy of the database, and the time \
                 of `record.forget_days` is over: see why epochs do not turn"
            );
        }
    }

    fn tell_waiting(&self, region: Region, orgs: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(region, i64::try_from(orgs).unwrap_or(i64::MAX));
        self.counts.waiting.set(waiting.values().sum());
    }

    fn settled(&self) -> std::sync::MutexGuard<'_, BTreeMap<Region, u64>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In which epoch of the KMS a key stands; 0: it was wrapped by what was there before.
fn epoch_of(cell: &Cell, wrapped: &[u8]) -> u64 {
    cell.kms.epoch_of(wrapped).unwrap_or(0)
}
