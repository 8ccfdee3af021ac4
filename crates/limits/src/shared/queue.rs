//! Settlements on their way to the store: off the path of the answer, in order, and again
//! until the store has taken them. What never arrives is in the ledger all the same.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base::metrics::{Counter, Gauge, Metrics};
use base::tasks::Tasks;
use futures_util::future::join_all;
use tokio::sync::{Notify, Semaphore};
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
/// Between two tries while the store is away.
const AGAIN: Duration = Duration::from_millis(100);
/// Between two tries with an org that the store cannot settle now. The others do not wait for it.
const PARKED: Duration = Duration::from_secs(1);
/// Orgs that are brought back at once at most: each reads its ledger.
const BRINGING_MAX: usize = 64;
/// What waits at shutdown has so long to arrive.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A call that has ended.
#[derive(Debug)]
struct Ended {
    org: Arc<Org>,
    known: Known,
    used: Used,
}

#[derive(Debug, Default)]
struct Waiting {
    next: VecDeque<Ended>,
    /// Of orgs that the store could not settle a moment ago.
    parked: Vec<Ended>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.next.len() + self.parked.len()
    }
}

/// What waits to be settled.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Notify,
    /// Orgs that are brought back at once.
    bringing: Semaphore,
    length: Gauge,
    dropped: Counter,
}

impl Queue {
    pub(crate) fn open(metrics: &Metrics) -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Notify::new(),
            bringing: Semaphore::new(BRINGING_MAX),
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

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
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
        waiting.next.push_back(Ended { org, known, used });
        self.tell_length(waiting.len());
        drop(waiting);
        self.wake.notify_one();
    }

    /// The first of what waits, by org, each in order; without those that are parked.
    fn take(&self) -> Vec<Vec<Ended>> {
        let mut waiting = self.waiting();
        let (mut many, mut groups) = (0, Vec::<Vec<Ended>>::new());
        while many < ROUND_MAX
            && let Some(ended) = waiting.next.pop_front()
        {
            if ended.org.shared.as_ref().is_some_and(|shared| shared.parked.load(Ordering::Acquire))
            {
                waiting.parked.push(ended);
                continue;
            }
            many += 1;
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
            waiting.next.push_front(ended);
        }
        self.tell_length(waiting.len());
    }

    /// Puts an org aside with what waits of it.
    fn park(&self, org: &Arc<Org>, group: Vec<Ended>) {
        let mut waiting = self.waiting();
        set_parked(org, true);
        waiting.parked.extend(group);
        self.tell_length(waiting.len());
    }

    /// It is its turn again.
    fn unpark(&self, org: &Arc<Org>) {
        let mut waiting = self.waiting();
        set_parked(org, false);
        let (back, parked): (Vec<_>, Vec<_>) = std::mem::take(&mut waiting.parked)
            .into_iter()
            .partition(|ended| Arc::ptr_eq(&ended.org, org));
        waiting.parked = parked;
        for ended in back.into_iter().rev() {
            waiting.next.push_front(ended);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    fn is_empty(&self) -> bool {
        self.waiting().len() == 0
    }
}

fn set_parked(org: &Org, parked: bool) {
    if let Some(shared) = &org.shared {
        shared.parked.store(parked, Ordering::Release);
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
        while !round(&limits, &queue).await || !queue.is_empty() {
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
async fn round(limits: &Limits, queue: &Arc<Queue>) -> bool {
    loop {
        let groups = queue.take();
        if groups.is_empty() {
            return true;
        }
        let told = groups.into_iter().map(|group| settle(limits, queue, group));
        let told = join_all(told).await;
        let failed: Vec<Vec<Ended>> = told.into_iter().flatten().collect();
        if !failed.is_empty() {
            queue.give_back(failed);
            return false;
        }
    }
}

/// Settles calls of one org; gives them back if the store is away.
async fn settle(limits: &Limits, queue: &Arc<Queue>, group: Vec<Ended>) -> Option<Vec<Ended>> {
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
        Ok(said) => {
            queue.park(&org, group);
            let (limits, queue) = (limits.clone(), Arc::clone(queue));
            let tasks = limits.0.tasks.clone();
            tasks.clone().spawn(async move {
                let failed = match said {
                    Said::Lost => {
                        let _turn = queue.bringing.acquire().await;
                        limits.bring_back(&org).await.is_err()
                    }
                    // The store's own time goes on by itself.
                    _ => true,
                };
                if failed {
                    tokio::select! {
                        () = sleep(PARKED) => {}
                        () = tasks.stopping() => {}
                    }
                }
                queue.unpark(&org);
            });
            None
        }
        Err(_) => Some(group),
    }
}
