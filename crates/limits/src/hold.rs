//! What is reserved for one call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;
use base::time::{At, SharedClock};

use crate::core::{Admitted, Standing, Used};
use crate::headers;
use crate::org::Org;

/// The reservation of one call at every level. Dropped without being settled, it
/// gives back what it held; the request stays counted for its minute.
pub struct Hold {
    org: Arc<Org>,
    clock: SharedClock,
    request: Box<str>,
    reserved_at: At,
    standing: Standing,
    limits_money: bool,
    open: AtomicBool,
}

impl Hold {
    pub(crate) fn new(
        org: Arc<Org>,
        clock: SharedClock,
        request: &str,
        admitted: Admitted,
    ) -> Self {
        let Admitted { reserved_at, standing, limits_money, .. } = admitted;
        let (request, open) = (request.into(), true.into());
        Self { org, clock, request, reserved_at, standing, limits_money, open }
    }

    /// When it was reserved: the instant whose day and month are charged. To be
    /// recorded as the `started_at` of the call, so that the ledger charges the same.
    pub fn reserved_at(&self) -> At {
        self.reserved_at
    }

    /// What is left of the tightest rates, for the answer; nothing without a limit.
    pub fn headers(&self) -> HeaderMap {
        headers::of(&self.standing)
    }

    /// Whether a subject of the call has a limit in money: it must not use more than it holds.
    pub fn limits_money(&self) -> bool {
        self.limits_money
    }

    /// A sign of life: the lease begins anew.
    pub fn extend(&self) {
        self.org.extend(self.clock.now(), &self.request);
    }

    /// Charges what was used, once.
    pub fn settle(&self, used: Used) {
        if self.open.swap(false, Ordering::AcqRel) {
            self.org.settle(self.clock.now(), &self.request, used);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if *self.open.get_mut() {
            self.org.abort(self.clock.now(), &self.request);
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("request", &self.request).finish_non_exhaustive()
    }
}
