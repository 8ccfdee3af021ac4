//! What a node knows of one org whose counters are shared.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use access::{OrgId, Scope};

use super::answer::Given;
use super::counters::{Counters, Generation, NO_LIFE};
use super::queue::Queue;
use super::under_way::UnderWay;
use super::{LEASE, Together};
use crate::telemetry::Counts;

/// One org, seen from a node.
#[derive(Debug)]
pub(crate) struct SharedOrg {
    pub(crate) counters: Counters,
    pub(crate) under_way: UnderWay,
    pub(crate) queue: Arc<Queue>,
    heard: Mutex<Heard>,
    /// A change of limits that the other nodes have not been told.
    pub(crate) renew: AtomicBool,
    /// Settlements were dropped, or outcomes came late: the counters may be below the ledger.
    pub(crate) suspect: AtomicBool,
    /// Its settlements wait aside: the store could not take them a moment ago.
    pub(crate) parked: AtomicBool,
    /// Whoever compares has it.
    pub(super) comparing: Arc<tokio::sync::Mutex<()>>,
}

/// What the store said last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    pub(crate) life: Generation,
    pub(crate) dirty: bool,
    /// Who may read the ledger: whoever loaded the org.
    scope: Option<Scope>,
    /// How much had happened when the counters were last looked at, and since when no more.
    pub(crate) still: Option<(u64, Instant)>,
    /// Beats since the counters were last compared with the ledger.
    pub(crate) beats: u32,
    /// Beats until the next comparison, while calls are under way.
    pub(crate) every: u32,
    /// Beats in which the ledger is left alone, as it could not be read.
    pub(crate) unread: u32,
}

impl SharedOrg {
    pub(crate) fn new(together: &Together, org: &OrgId) -> Self {
        Self {
            counters: Counters::new(
                &together.link,
                org.as_str(),
                LEASE,
                together.ahead_max(),
                true,
            ),
            under_way: UnderWay::default(),
            queue: Arc::clone(&together.queue),
            heard: Mutex::default(),
            renew: AtomicBool::new(false),
            suspect: AtomicBool::new(false),
            parked: AtomicBool::new(false),
            comparing: Arc::default(),
        }
    }

    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what an answer told; whether the store has begun a new life since.
    pub(crate) fn hears(&self, given: &Given, counts: &Counts) -> bool {
        for lapsed in &given.expired {
            counts.lapsed.inc();
            tracing::warn!(
                request = &*lapsed.request,
                money = %lapsed.money,
                "nobody settled a reservation before its lease ended"
            );
        }
        let mut heard = self.heard();
        heard.dirty = given.dirty;
        // What is in doubt waits for the next comparison.
        if !given.dirty || !given.expired.is_empty() {
            heard.every = 0;
        }
        if !given.expired.is_empty() {
            heard.beats = 0;
        }
        let before = std::mem::replace(&mut heard.life, given.life);
        before != NO_LIFE && before != given.life
    }

    pub(crate) fn knows_scope(&self, scope: &Scope) {
        self.heard().scope = Some(scope.clone());
    }

    pub(crate) fn scope(&self) -> Option<Scope> {
        self.heard().scope.clone()
    }

    /// Whether the counters may differ from the ledger.
    /// Whether nothing of it is under way here, and nothing is left to be told.
    pub(crate) fn rests(&self) -> bool {
        self.under_way.alive().is_empty() && !self.is_dirty() && !self.renew.load(Ordering::Acquire)
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.suspect.load(Ordering::Acquire) || self.heard().dirty
    }
}
