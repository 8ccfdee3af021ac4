//! Every second, beside the beat: counters that may differ from the ledger are compared with it,
//! and what is over is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use base::money::NanoCents;
use base::tasks::Tasks;
use base::time::At;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::beat::{AT_ONCE, Beats, EVERY};
use super::counters::{Corrected, FROM_START, Said, SpentOf, pieces};
use super::org::SharedOrg;
use crate::org::{Org, Spent};
use crate::{Error, Limits, Room};

/// Beats between two comparisons with the ledger while calls are under way: at first, and at
/// most where there is no quiet moment for long.
const COMPARE_EVERY: u32 = 4;
const COMPARE_EVERY_MAX: u32 = 60;
/// One node compares at a time; the others leave it to it for so long.
const COMPARING: Duration = Duration::from_secs(2);
/// A ledger that has not answered by then is asked again with a later comparison: others wait.
const READ_MAX: Duration = Duration::from_secs(2);
/// Steps of one comparison that give back what is in doubt: each two look at a hundred calls.
/// What is left then waits for the next one.
const DOUBT_STEPS_MAX: u32 = 1_000;
/// Beats between two rounds of forgetting.
const TIDY_EVERY: u32 = 600;

/// Compares until the room is gone or shutdown begins.
pub(crate) async fn compare(room: Weak<Room>, tasks: Tasks) {
    let mut beats = Beats::of(room, tasks.clone());
    let mut count = 0_u32;
    while let Some(limits) = beats.next().await {
        count = (count + 1) % TIDY_EVERY;
        tokio::select! {
            () = round(&limits, count == 0) => {}
            () = tasks.stopping() => return,
        }
    }
}

async fn round(limits: &Limits, tidy: bool) {
    for orgs in limits.0.orgs().chunks(AT_ONCE) {
        join_all(orgs.iter().map(|(_, org)| once(limits, org, tidy))).await;
    }
}

async fn once(limits: &Limits, org: &Arc<Org>, tidy: bool) {
    let Some(shared) = &org.shared else { return };
    let compared = async {
        if tidy {
            limits.tidy(shared).await?;
        }
        if shared.is_dirty() { limits.compare(shared).await } else { Ok(()) }
    };
    let compared: Result<(), Error> = compared.await;
    if let Err(error) = compared {
        tracing::debug!(%error, "an org was not compared with its ledger");
    }
}

impl Limits {
    /// Compares the counters with the ledger. Exactly, once nothing was under way for as
    /// long as a beat; until then, so that no less counts as used than the ledger has.
    async fn compare(&self, shared: &SharedOrg) -> Result<(), Error> {
        let nobody: [&str; 0] = [];
        let now = self.0.clock.now();
        let Said::Done(given, _) = shared.counters.tallies(now, &nobody).await? else {
            return Ok(());
        };
        shared.hears(&given, &self.0.counts);
        let (quiet, due) = {
            let mut heard = shared.heard();
            let still = heard.still.filter(|(seq, _)| *seq == given.seq);
            let still = still.unwrap_or_else(|| (given.seq, Instant::now()));
            heard.still = Some(still);
            heard.beats += 1;
            let quiet = given.open == 0 && still.1.elapsed() >= EVERY;
            let due = quiet || heard.beats >= heard.every.max(COMPARE_EVERY);
            if due {
                heard.beats = 0;
                heard.every = (heard.every.max(COMPARE_EVERY) * 2).min(COMPARE_EVERY_MAX);
            }
            (quiet, due)
        };
        let Some(scope) = shared.scope().filter(|_| due) else { return Ok(()) };
        let lock = format!("portico:{{{}}}:comparing", scope.org().as_str());
        if !shared.counters.link().first(&lock, COMPARING).await? {
            return Ok(());
        }
        let suspect = shared.suspect.swap(false, Ordering::AcqRel);
        let compared = async {
            let read = timeout(READ_MAX, self.spent(&scope, now)).await;
            let spent = read.map_err(|_| Error::Unavailable)?.map_err(Error::Unloadable)?;
            self.correct(shared, now, quiet.then_some(given.seq), &spent).await
        };
        let compared = compared.await;
        if suspect && !matches!(compared, Ok(true)) {
            shared.suspect.store(true, Ordering::Release);
        }
        compared.map(drop)
    }

    /// Corrects the counters by what the ledger says, piece by piece; with a `seq`, exactly, as
    /// long as that is where they stand. Whether the store took all of it.
    async fn correct(
        &self,
        shared: &SharedOrg,
        now: At,
        seq: Option<u64>,
        spent: &[Spent],
    ) -> Result<bool, Error> {
        let ledger: BTreeMap<&str, (NanoCents, NanoCents)> =
            spent.iter().map(|one| (one.subject.as_str(), (one.day, one.month))).collect();
        let step = async |last, names: &[&str]| -> Result<Option<Corrected>, Error> {
            let piece: Vec<SpentOf<'_>> = names
                .iter()
                .map(|name| {
                    let spent = ledger.get(name).copied();
                    let (day, month) = spent.unwrap_or((NanoCents::ZERO, NanoCents::ZERO));
                    (*name, day, month)
                })
                .collect();
            let said = shared.counters.correct(now, seq, last, &piece).await?;
            let Said::Done(given, corrected) = said else { return Ok(None) };
            shared.hears(&given, &self.0.counts);
            Ok(Some(corrected))
        };
        // What is in doubt: the step that gives it back says what was spent of it. A step that
        // leaves as much in doubt, and asks for nothing new, is the last one.
        let mut wanted: BTreeSet<Arc<str>> = BTreeSet::new();
        for _ in 0..DOUBT_STEPS_MAX {
            let names: Vec<&str> = wanted.iter().map(|name| &**name).collect();
            let told = names.len();
            let Some(corrected) = step(false, &names).await? else { return Ok(false) };
            if corrected.fewer {
                wanted.clear();
            }
            wanted.extend(corrected.wanted);
            if !corrected.fewer && wanted.len() == told {
                break;
            }
        }
        // Exactly: what the ledger does not have is nothing.
        let counted = if seq.is_some() { self.tidy(shared).await? } else { None };
        let mut exactly = counted.is_some();
        let counted = counted.unwrap_or_default();
        let names: BTreeSet<&str> =
            ledger.keys().copied().chain(counted.iter().map(|name| &**name)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let pieces = pieces(&names);
        for (place, piece) in pieces.iter().enumerate() {
            let last = exactly && place + 1 == pieces.len();
            let Some(corrected) = step(last, piece).await? else { return Ok(false) };
            exactly &= corrected.exactly;
        }
        Ok(true)
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
