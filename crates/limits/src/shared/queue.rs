//! Settlements on their way to the store: off the path of the answer, in order, and again
//! until the store has taken them. What never arrives is in the ledger all the same.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base::metrics::{Counter, Gauge, Metrics};
use base::tasks::Tasks;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::counters::{Charged, Known, Said};
use crate::core::{Settled, Used};
use crate::org::Org;
use crate::{Limits, Room};

/// Settlements that wait at most, about 20 MB: half an hour of 36 calls a second. Further ones
/// are left to the ledger, with which the counters are compared then.
const WAITING_MAX: usize = 65_536;
/// Settlements of one round, over all orgs.
const ROUND_MAX: usize = 256;
/// Between two tries while the store or the ledger is away.
const AGAIN: Duration = Duration::from_millis(100);
/// What waits at shutdown has so long to arrive.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A call that has ended.
#[derive(Debug)]
struct Ended {
    org: Arc<Org>,
    known: Known,
    used: Used,
}

/// What waits to be settled.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Ended>>,
    wake: Notify,
    length: Gauge,
    dropped: Counter,
}

impl Queue {
    pub(crate) fn open(metrics: &Metrics) -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Notify::new(),
            length: metrics.register(
                "limits_settlements_waiting",
                "Settlements that the store of the counters has not taken yet",
                Gauge::default(),
            ),
            dropped: metrics.register(
                "limits_settlements_dropped",
                "Settlements that waited in vain and are left to the ledger",
                Counter::default(),
            ),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Ended>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_length(&self, length: usize) {
        self.length.set(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// Takes up a call that has ended.
    pub(crate) fn push(&self, org: Arc<Org>, known: Known, used: Used) {
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING_MAX {
            self.dropped.inc();
            if let Some(shared) = &org.shared {
                shared.suspect.store(true, Ordering::Release);
            }
            return;
        }
        waiting.push_back(Ended { org, known, used });
        self.tell_length(waiting.len());
        drop(waiting);
        self.wake.notify_one();
    }

    /// The first of what waits, by org, each in order.
    fn take(&self) -> Vec<Vec<Ended>> {
        let mut waiting = self.waiting();
        let many = waiting.len().min(ROUND_MAX);
        let mut groups: Vec<Vec<Ended>> = Vec::new();
        for ended in waiting.drain(..many) {
            let same = |group: &&mut Vec<Ended>| {
                group.first().is_some_and(|first| Arc::ptr_eq(&first.org, &ended.org))
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(ended),
                None => groups.push(vec![ended]),
            }
        }
        self.tell_length(waiting.len());
        groups
    }

    fn give_back(&self, groups: Vec<Vec<Ended>>) {
        let mut waiting = self.waiting();
        for ended in groups.into_iter().rev().flat_map(|group| group.into_iter().rev()) {
            waiting.push_front(ended);
        }
        self.tell_length(waiting.len());
    }
}

/// Settles until the room is gone or shutdown begins; then what waits, and lets go.
pub(crate) async fn work(room: Weak<Room>, queue: Arc<Queue>, tasks: Tasks) {
    loop {
        tokio::select! {
            () = queue.wake.notified() => {}
            () = tasks.stopping() => break,
        }
        let Some(room) = room.upgrade() else { return };
        while !round(&Limits(Arc::clone(&room)), &queue).await {
            let again = async {
                sleep(AGAIN).await;
                if let Some(together) = &room.together {
                    together.link.up().await;
                }
            };
            tokio::select! {
                () = again => {}
                () = tasks.stopping() => break,
            }
        }
    }
    let Some(room) = room.upgrade() else { return };
    let limits = Limits(Arc::clone(&room));
    let flushed = async {
        while !round(&limits, &queue).await {
            sleep(AGAIN).await;
        }
    };
    if timeout(FLUSH_TIMEOUT, flushed).await.is_err() {
        tracing::warn!("settlements were left to the ledger at shutdown");
    }
    if let Some(together) = &room.together {
        together.link.close();
    }
}

/// Settles all that waits; false when some of it has to wait on.
async fn round(limits: &Limits, queue: &Queue) -> bool {
    loop {
        let groups = queue.take();
        if groups.is_empty() {
            return true;
        }
        let told = join_all(groups.into_iter().map(|group| settle(limits, group))).await;
        let failed: Vec<Vec<Ended>> = told.into_iter().flatten().collect();
        if !failed.is_empty() {
            queue.give_back(failed);
            return false;
        }
    }
}

/// Settles calls of one org; gives them back if the store did not take them.
async fn settle(limits: &Limits, group: Vec<Ended>) -> Option<Vec<Ended>> {
    let org = Arc::clone(&group.first()?.org);
    let shared = org.shared.as_ref()?;
    let now = limits.0.clock.now();
    let ended: Vec<(Known, Used)> =
        group.iter().map(|ended| (ended.known.clone(), ended.used)).collect();
    match shared.counters.settle(now, &ended).await {
        Ok(Said::Done(given, charged)) => {
            shared.hears(&given, &limits.0.counts);
            for (ended, charged) in group.iter().zip(charged) {
                let request = &*ended.known.request;
                match charged {
                    Charged::Settled(Settled::InTime) => {}
                    Charged::Settled(Settled::Late) | Charged::Anew => {
                        tracing::debug!(request, ?charged, "a call was charged without its lease");
                    }
                    Charged::NotOpen => {
                        tracing::debug!(request, "a call was settled already, or an hour late");
                    }
                }
            }
            None
        }
        Ok(Said::Lost) => {
            // What cannot be brought back now is tried again with the next round.
            let _again = limits.bring_back(&org).await;
            Some(group)
        }
        // The store's own time goes on by itself.
        Ok(Said::Ahead(_) | Said::Stale | Said::Gathering) | Err(_) => Some(group),
    }
}
