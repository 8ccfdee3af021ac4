//! Every second, beside the beat: counters that may differ from the ledger are compared with it,
//! and what is over is forgotten.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use base::tasks::Tasks;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::beat::{AT_ONCE, Beats, EVERY};
use super::counters::Said;
use super::life::spent_of;
use super::org::SharedOrg;
use crate::org::Org;
use crate::{Error, Limits, Room};

/// Beats between two comparisons with the ledger while calls are under way: at first, and at
/// most where there is no quiet moment for long.
const COMPARE_EVERY: u32 = 4;
const COMPARE_EVERY_MAX: u32 = 60;
/// One node compares at a time; the others leave it to it for so long.
const COMPARING: Duration = Duration::from_secs(2);
/// A ledger that has not answered by then is asked again with a later comparison: others wait.
const READ_MAX: Duration = Duration::from_secs(2);
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
            shared.counters.tidy(limits.0.clock.now()).await?;
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
        let due = {
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
            due
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
            let said = shared.counters.correct(now, given.seq, &spent_of(&spent)).await?;
            if let Said::Done(given, ()) = &said {
                shared.hears(given, &self.0.counts);
            }
            Ok(!matches!(said, Said::Ahead(_)))
        };
        let compared: Result<bool, Error> = compared.await;
        if suspect && !matches!(compared, Ok(true)) {
            shared.suspect.store(true, Ordering::Release);
        }
        compared.map(drop)
    }
}
