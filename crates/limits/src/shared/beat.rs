//! Every second: calls under way are kept alive in the store, and counters that may differ
//! from the ledger are compared with it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use base::tasks::Tasks;
use futures_util::future::join_all;

use super::counters::{Known, Said};
use super::life::spent_of;
use super::org::SharedOrg;
use crate::org::Org;
use crate::{Error, Limits, Room};

/// How often. A lease outlives several beats, so that one that is late gives nothing back.
const EVERY: Duration = Duration::from_secs(1);
/// Calls of one step at most.
const STEP_MAX: usize = 256;
/// Orgs that are asked about at once.
const AT_ONCE: usize = 64;
/// Beats between two comparisons with the ledger while calls are under way: at first, and at
/// most where there is no quiet moment for long.
const COMPARE_EVERY: u32 = 4;
const COMPARE_EVERY_MAX: u32 = 60;
/// One node compares at a time; the others leave it to it for so long.
const COMPARING: Duration = Duration::from_secs(2);
/// Beats between two rounds of forgetting.
const TIDY_EVERY: u32 = 600;

/// Beats until the room is gone or shutdown begins.
pub(crate) async fn beat(room: Weak<Room>, tasks: Tasks) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut beats = 0_u32;
    loop {
        let Some(link) = room.upgrade().and_then(|room| Some(room.together.as_ref()?.link.clone()))
        else {
            return;
        };
        let next = async {
            if link.is_up() {
                ticks.tick().await;
            } else {
                // As soon as it answers again it must know what is under way.
                link.up().await;
            }
        };
        tokio::select! {
            () = next => {}
            () = tasks.stopping() => return,
        }
        drop(link);
        let Some(room) = room.upgrade() else { return };
        beats = (beats + 1) % TIDY_EVERY;
        round(&Limits(room), beats == 0).await;
    }
}

async fn round(limits: &Limits, tidy: bool) {
    for orgs in limits.0.orgs().chunks(AT_ONCE) {
        join_all(orgs.iter().map(|(_, org)| once(limits, org, tidy))).await;
    }
}

async fn once(limits: &Limits, org: &Arc<Org>, tidy: bool) {
    let beaten = async {
        limits.keep_alive(org).await?;
        let Some(shared) = &org.shared else { return Ok(()) };
        limits.tell_of_change(shared).await?;
        if tidy {
            shared.counters.tidy(limits.0.clock.now()).await?;
        }
        if shared.is_dirty() { limits.compare(shared).await } else { Ok(()) }
    };
    let beaten: Result<(), Error> = beaten.await;
    if let Err(error) = beaten {
        tracing::debug!(%error, "a beat missed an org");
    }
}

impl Limits {
    /// Holds what this node has under way for another lease. What the store does not know, or
    /// holds no more because its lease has ended unseen, it takes up.
    pub(crate) async fn keep_alive(&self, org: &Org) -> Result<(), Error> {
        let Some(shared) = &org.shared else { return Ok(()) };
        let life = shared.heard().life;
        let (known, mut strange): (Vec<_>, Vec<_>) =
            shared.under_way.alive().into_iter().partition(|call| call.life == life);
        for calls in known.chunks(STEP_MAX) {
            let requests: Vec<Arc<str>> = calls.iter().map(|call| call.request.clone()).collect();
            let said = shared.counters.extend(self.0.clock.now(), &requests).await?;
            if let Said::Done(given, _) = &said {
                shared.hears(given, &self.0.counts);
            }
            if shared.heard().life != life || matches!(said, Said::Lost) {
                return self.take_up(shared, calls).await;
            }
            if let Said::Done(_, held) = said {
                let calls = calls.iter().zip(held);
                strange.extend(
                    calls.filter(|(_, until)| until.is_none()).map(|(call, _)| call.clone()),
                );
            }
        }
        self.take_up(shared, &strange).await
    }

    async fn take_up(&self, shared: &SharedOrg, calls: &[Known]) -> Result<(), Error> {
        for calls in calls.chunks(STEP_MAX) {
            let said = shared.counters.adopt(self.0.clock.now(), calls).await?;
            if let Said::Done(given, ()) = said {
                shared.hears(&given, &self.0.counts);
                shared.under_way.moved(calls, given.life);
            }
        }
        Ok(())
    }

    /// Tells the other nodes that limits have changed, if they have not been told.
    pub(crate) async fn tell_of_change(&self, shared: &SharedOrg) -> Result<(), Error> {
        if shared.renew.swap(false, Ordering::AcqRel) {
            let told = shared.counters.renew(self.0.clock.now()).await;
            if !matches!(told, Ok(Said::Done(..) | Said::Lost)) {
                shared.renew.store(true, Ordering::Release);
            }
        }
        Ok(())
    }

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
            let spent = self.spent(&scope, now).await.map_err(Error::Unloadable)?;
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
