//! Every second: calls under way are kept alive in the store. Nothing else is waited for here: a
//! ledger that does not answer must end no lease.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::tasks::Tasks;
use futures_util::future::join_all;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::counters::{Known, Said};
use super::org::SharedOrg;
use crate::org::Org;
use crate::{Error, Limits, Room};

/// How often. A lease outlives several beats, so that one that is late gives nothing back.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Calls of one step at most.
const STEP_MAX: usize = 256;
/// Orgs that are asked about at once.
pub(super) const AT_ONCE: usize = 64;

/// Seconds while the store answers. After an outage the next one is when it answers again.
#[derive(Debug)]
pub(super) struct Beats {
    room: Weak<Room>,
    tasks: Tasks,
    ticks: Interval,
}

impl Beats {
    pub(super) fn of(room: Weak<Room>, tasks: Tasks) -> Self {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { room, tasks, ticks }
    }

    /// Waits for the next one; none once the room is gone or shutdown begins.
    pub(super) async fn next(&mut self) -> Option<Limits> {
        let link = self.room.upgrade()?.together.as_ref()?.link.clone();
        let next = async {
            if link.is_up() {
                self.ticks.tick().await;
            } else {
                // As soon as it answers again it must know what is under way.
                link.up().await;
            }
        };
        tokio::select! {
            () = next => self.room.upgrade().map(Limits),
            () = self.tasks.stopping() => None,
        }
    }
}

/// Keeps alive until the room is gone or shutdown begins.
pub(crate) async fn beat(room: Weak<Room>, tasks: Tasks) {
    let mut beats = Beats::of(room, tasks);
    while let Some(limits) = beats.next().await {
        for orgs in limits.0.orgs().chunks(AT_ONCE) {
            join_all(orgs.iter().map(|(_, org)| once(&limits, org))).await;
        }
    }
}

async fn once(limits: &Limits, org: &Arc<Org>) {
    let beaten = async {
        limits.keep_alive(org).await?;
        let Some(shared) = &org.shared else { return Ok(()) };
        limits.tell_of_change(shared).await
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
}
