//! Counters that several nodes of a cell share: the steps of [`crate::Book`] as one atomic
//! script for each verb, in Redis or Valkey.
//!
//! All keys of an org share a hash tag, so that a script finds them on one node of a Redis
//! Cluster.

mod answer;
mod beat;
mod book;
mod compare;
mod config;
mod counters;
mod info;
mod life;
mod link;
mod org;
mod pack;
mod queue;
mod reserve;
mod script;
#[cfg(test)]
mod tests;
mod under_way;
mod verdict;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use access::Region;
use base::metrics::Metrics;
use base::tasks::Tasks;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Ledger, Room};

pub use self::book::SharedBook;
pub use self::config::{BadStore, Config};
pub(crate) use self::counters::{Generation, UNKNOWN};
pub use self::link::{Address, Away, Link};
pub(crate) use self::org::SharedOrg;
pub(crate) use self::queue::Queue;
pub(crate) use self::reserve::Wanted;

/// How long a node that gives no sign of life keeps what it holds.
pub(crate) const LEASE: Duration = Duration::from_secs(8);
/// How far before the clock of the store a node's clock is believed.
const AHEAD_MAX: Duration = Duration::from_secs(5);

/// How many nodes count into the store. While it is away each of them admits its share.
pub trait Nodes: Send + Sync + Debug {
    /// Nodes that live; at least one.
    fn living(&self) -> u32;
}

/// As many nodes as the operator said.
#[derive(Debug, Clone, Copy)]
pub struct Configured(pub u32);

impl Nodes for Configured {
    fn living(&self) -> u32 {
        self.0
    }
}

/// A store, and the nodes that share it.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The way to it.
    pub link: Link,
    /// Who else counts there.
    pub nodes: Arc<dyn Nodes>,
    /// What rides with the record: the counters must hear of outcomes that come late.
    pub ledger: Arc<Ledger>,
    /// Whether the clock of the store judges those of the nodes. It is off where time is
    /// passed in.
    pub clock: StoreClock,
}

/// Whether the clock of the store judges those of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreClock {
    /// A node that is more than five seconds ahead of the store carries nobody along.
    Judges,
    /// The time is the one that is passed in.
    IsNotAsked,
}

/// What the room holds to count together with other nodes.
#[derive(Debug)]
pub(crate) struct Together {
    pub(crate) link: Link,
    pub(crate) nodes: Arc<dyn Nodes>,
    pub(crate) queue: Arc<Queue>,
    /// Ledgers that may be read beside calls, region by region.
    reads: Mutex<BTreeMap<Region, Arc<Semaphore>>>,
    ledger: Arc<Ledger>,
    clock: StoreClock,
}

impl Together {
    pub(crate) fn new(shared: Shared, metrics: &Metrics) -> Self {
        let Shared { link, nodes, ledger, clock } = shared;
        Self {
            link,
            nodes,
            queue: Arc::new(Queue::open(metrics)),
            reads: Mutex::default(),
            ledger,
            clock,
        }
    }

    /// Waits for its turn to read a ledger of a region. Nothing only if there is none to come.
    async fn reads(&self, region: Region) -> Option<OwnedSemaphorePermit> {
        let reads = {
            let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
            let few = || Arc::new(Semaphore::new(compare::READS_MAX));
            Arc::clone(reads.entry(region).or_insert_with(few))
        };
        reads.acquire_owned().await.ok()
    }

    fn ahead_max(&self) -> Option<Duration> {
        match self.clock {
            StoreClock::Judges => Some(AHEAD_MAX),
            StoreClock::IsNotAsked => None,
        }
    }

    /// Keeps alive what is under way, settles what has ended, and compares with the ledger: each
    /// in a task of its own, so that none waits for another.
    pub(crate) fn begin(&self, room: &Weak<Room>, tasks: &Tasks) {
        self.ledger.tells(room);
        tasks.spawn(beat::beat(Weak::clone(room), tasks.clone()));
        tasks.spawn(compare::compare(Weak::clone(room), tasks.clone()));
        tasks.spawn(queue::work(Weak::clone(room), Arc::clone(&self.queue), tasks.clone()));
    }
}
