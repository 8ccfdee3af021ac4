//! Every second, beside the beat: counters that may differ from the ledger are compared with it,
//! and what is over is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use base::db::STATEMENT_MAX;
use base::money::NanoCents;
use base::seal;
use base::tasks::Tasks;
use base::time::At;
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::beat::{AT_ONCE, Beats, EVERY};
use super::counters::{FROM_START, Said, SpentOf, pieces};
use super::org::SharedOrg;
use crate::org::{Org, Spent};
use crate::{Error, Limits, Room};

/// Beats between two comparisons with the ledger while calls are under way: at first, and at
/// most where there is no quiet moment for long.
const COMPARE_EVERY: u32 = 4;
const COMPARE_EVERY_MAX: u32 = 60;
/// One node compares at a time; the others leave it to it for so long after its last sign of life.
const COMPARING: Duration = Duration::from_secs(3);
/// As long as a slow ledger may take. One that has not answered by then is asked later, and later.
const READ_MAX: Duration = STATEMENT_MAX.saturating_add(Duration::from_secs(1));
/// Ledgers of one region that a node reads at once.
pub(super) const READS_MAX: usize = 4;
/// Steps of one comparison that give back what is in doubt: each two look at a hundred calls.
/// What is left then waits for the next one.
const DOUBT_STEPS_MAX: u32 = 1_000;
/// Beats between two rounds of forgetting.
const TIDY_EVERY: u32 = 600;

/// A reading of the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Where the counters stood, if nothing was under way.
    pub(crate) seq: Option<u64>,
    /// No other one has it.
    pub(crate) token: [u8; 8],
}

/// How a comparison went.
#[derive(Debug)]
pub(crate) struct Corrected {
    pub(crate) exactly: bool,
    /// Less is in doubt than before: there may be more to look at.
    pub(crate) fewer: bool,
    /// What the ledger has of these decides what is in doubt.
    pub(crate) wanted: Vec<Arc<str>>,
}

/// Compares until the room is gone or shutdown begins.
pub(crate) async fn compare(room: Weak<Room>, tasks: Tasks) {
    let mut beats = Beats::of(room, tasks.clone());
    let mut count = 0_u32;
    while let Some(limits) = beats.next().await {
        count = (count + 1) % TIDY_EVERY;
        tokio::select! {
            () = round(&limits, &tasks, count == 0) => {}
            () = tasks.stopping() => return,
        }
    }
}

async fn round(limits: &Limits, tasks: &Tasks, tidy: bool) {
    for orgs in limits.0.orgs().chunks(AT_ONCE) {
        join_all(orgs.iter().map(|(_, org)| once(limits, org, tasks, tidy))).await;
    }
}

async fn once(limits: &Limits, org: &Arc<Org>, tasks: &Tasks, tidy: bool) {
    let Some(shared) = &org.shared else { return };
    let compared = async {
        if tidy {
            limits.tidy(shared).await?;
        }
        if !shared.is_dirty() {
            return Ok(());
        }
        // One that is being compared is only looked at.
        let turn = Arc::clone(&shared.comparing).try_lock_owned().ok();
        let due = limits.is_due(shared, turn.is_some()).await?;
        let (Some(turn), Some(quiet)) = (turn, due) else { return Ok(()) };
        let (room, org) = (Arc::downgrade(&limits.0), Arc::clone(org));
        let stopping = tasks.clone();
        // Beside the others: a ledger that is slow holds up no other one.
        tasks.spawn(async move {
            let _turn = turn;
            let Some(limits) = room.upgrade().map(Limits) else { return };
            let Some(shared) = &org.shared else { return };
            let compared = tokio::select! {
                compared = limits.compare(shared, quiet) => compared,
                () = stopping.stopping() => Ok(()),
            };
            compared.unwrap_or_else(|error| not_compared(&error));
        });
        Ok(())
    };
    let compared: Result<(), Error> = compared.await;
    compared.unwrap_or_else(|error| not_compared(&error));
}

fn not_compared(error: &Error) {
    tracing::debug!(%error, "an org was not compared with its ledger");
}

impl Limits {
    /// Whether the counters are to be compared now; then where they stand, if nothing was under
    /// way for as long as a beat.
    async fn is_due(&self, shared: &SharedOrg, free: bool) -> Result<Option<Option<u64>>, Error> {
        let nobody: [&str; 0] = [];
        let said = shared.counters.tallies(self.0.clock.now(), &nobody).await?;
        let Said::Done(given, _) = said else { return Ok(None) };
        shared.hears(&given, &self.0.counts);
        let mut heard = shared.heard();
        let still = heard.still.filter(|(seq, _)| *seq == given.seq);
        let still = still.unwrap_or_else(|| (given.seq, Instant::now()));
        heard.still = Some(still);
        heard.beats += 1;
        let quiet = given.open == 0 && still.1.elapsed() >= EVERY;
        let due = quiet || heard.beats >= heard.every.max(COMPARE_EVERY);
        if !free || !due || heard.beats < heard.unread {
            return Ok(None);
        }
        heard.beats = 0;
        heard.every = (heard.every.max(COMPARE_EVERY) * 2).min(COMPARE_EVERY_MAX);
        Ok(Some(quiet.then_some(given.seq)))
    }

    /// Compares the counters with the ledger. Exactly, if nothing was since `quiet`; else so
    /// that no less counts as used than the ledger has.
    async fn compare(&self, shared: &SharedOrg, quiet: Option<u64>) -> Result<(), Error> {
        let (Some(scope), Some(together)) = (shared.scope(), &self.0.together) else {
            return Ok(());
        };
        let reads = together.reads(scope.region()).await;
        let link = shared.counters.link();
        let lock = format!("portico:{{{}}}:comparing", scope.org().as_str());
        if !link.first(&lock, COMPARING).await? {
            return Ok(());
        }
        let alone = async {
            loop {
                sleep(EVERY).await;
                // A store that is away is seen by the comparison itself.
                let _kept = link.keep(&lock, COMPARING).await;
            }
        };
        let suspect = shared.suspect.swap(false, Ordering::AcqRel);
        let compared = async {
            let now = self.0.clock.now();
            let token = seal::random().map_err(|_| Error::Unavailable)?;
            let reading = Reading { seq: quiet, token };
            if self.step(shared, now, reading, 1, &[]).await?.is_none() {
                return Ok(false);
            }
            let spent = timeout(READ_MAX, self.spent(&scope, now)).await;
            drop(reads);
            let spent = spent
                .map_err(|_| Error::Unavailable)
                .and_then(|spent| spent.map_err(Error::Unloadable));
            self.was_read(shared, spent.as_ref().err());
            self.correct(shared, now, reading, &spent?).await
        };
        let compared: Result<bool, Error> = tokio::select! {
            compared = compared => compared,
            never = alone => { let never: Infallible = never; match never {} }
        };
        if suspect && !matches!(compared, Ok(true)) {
            shared.suspect.store(true, Ordering::Release);
        }
        compared.map(drop)
    }

    /// A ledger that cannot be read is left alone for longer each time.
    fn was_read(&self, shared: &SharedOrg, error: Option<&Error>) {
        let mut heard = shared.heard();
        let Some(error) = error else {
            heard.unread = 0;
            return;
        };
        heard.unread = (heard.unread * 2).clamp(COMPARE_EVERY, COMPARE_EVERY_MAX);
        self.0.counts.uncompared.inc();
        tracing::warn!(%error, beats = heard.unread, "the ledger of an org could not be read: its counters are compared later");
    }

    /// Corrects the counters by what the ledger says, piece by piece; with a `seq`, exactly, as
    /// long as that is where they stand and nobody else reads. Whether the store took all of it.
    async fn correct(
        &self,
        shared: &SharedOrg,
        now: At,
        reading: Reading,
        spent: &[Spent],
    ) -> Result<bool, Error> {
        let ledger: BTreeMap<&str, (NanoCents, NanoCents)> =
            spent.iter().map(|one| (one.subject.as_str(), (one.day, one.month))).collect();
        let step = async |part, names: &[&str]| -> Result<Option<Corrected>, Error> {
            let piece: Vec<SpentOf<'_>> = names
                .iter()
                .map(|name| {
                    let spent = ledger.get(name).copied();
                    let (day, month) = spent.unwrap_or((NanoCents::ZERO, NanoCents::ZERO));
                    (*name, day, month)
                })
                .collect();
            self.step(shared, now, reading, part, &piece).await
        };
        // What is in doubt: the step that gives it back says what was spent of it. A step that
        // leaves as much in doubt, and asks for nothing new, is the last one.
        let mut wanted: BTreeSet<Arc<str>> = BTreeSet::new();
        for _ in 0..DOUBT_STEPS_MAX {
            let names: Vec<&str> = wanted.iter().map(|name| &**name).collect();
            let told = names.len();
            let Some(corrected) = step(0, &names).await? else { return Ok(false) };
            if corrected.fewer {
                wanted.clear();
            }
            wanted.extend(corrected.wanted);
            if !corrected.fewer && wanted.len() == told {
                break;
            }
        }
        // Exactly: what the ledger does not have is nothing.
        let counted = if reading.seq.is_some() { self.tidy(shared).await? } else { None };
        let mut exactly = counted.is_some();
        let counted = counted.unwrap_or_default();
        let names: BTreeSet<&str> =
            ledger.keys().copied().chain(counted.iter().map(|name| &**name)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let pieces = pieces(&names);
        for (place, piece) in pieces.iter().enumerate() {
            let last = exactly && place + 1 == pieces.len();
            let Some(corrected) = step(2 * u8::from(last), piece).await? else { return Ok(false) };
            exactly &= corrected.exactly;
        }
        Ok(true)
    }

    async fn step(
        &self,
        shared: &SharedOrg,
        now: At,
        reading: Reading,
        part: u8,
        piece: &[SpentOf<'_>],
    ) -> Result<Option<Corrected>, Error> {
        let said = shared.counters.correct(now, reading, part, piece).await?;
        let Said::Done(given, corrected) = said else { return Ok(None) };
        shared.hears(&given, &self.0.counts);
        Ok(Some(corrected))
    }

    /// Forgets what no longer matters, and says the names of what does; nothing where the store
    /// does not know the org.
    pub(crate) async fn tidy(
        &self,
        shared: &SharedOrg,
    ) -> Result<Option<BTreeSet<Arc<str>>>, Error> {
        let (mut names, mut from) = (BTreeSet::new(), Some(FROM_START.to_owned()));
        while let Some(place) = from {
            let said = shared.counters.tidy(self.0.clock.now(), &place).await?;
            let Said::Done(given, counted) = said else { return Ok(None) };
            shared.hears(&given, &self.0.counts);
            names.extend(counted.names);
            from = counted.next;
        }
        Ok(Some(names))
    }
}
