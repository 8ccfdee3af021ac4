//! One try at an endpoint while it lasts: it counts as load, holds a slot, and tells the vitals how
//! it went. Dropped without an end (the caller left, another was quicker) it says only how long was
//! waited in vain.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::time::{At, SharedClock};

use super::slots::Slot;
use super::vitals::Enter;
use crate::catalogue::Route;

/// A try that has begun.
#[derive(Debug)]
pub(crate) struct Trial {
    route: Arc<Route>,
    slot: Slot,
    clock: SharedClock,
    begun: At,
    probe: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Begun,
    Ended,
}

impl Trial {
    pub(crate) fn begin(
        route: Arc<Route>,
        slot: Slot,
        clock: &SharedClock,
        entered: Enter,
    ) -> Self {
        route.endpoint.load.fetch_add(1, Ordering::Relaxed);
        let probe = entered == Enter::Probe;
        let begun = clock.now();
        Self { route, slot, clock: clock.clone(), begun, probe, state: State::Waiting }
    }

    pub(crate) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The first token is here.
    pub(crate) fn began(&mut self) {
        if self.state != State::Waiting {
            return;
        }
        self.state = State::Begun;
        let (now, after) = self.waited();
        let in_time = self.route.vitals.began(now, after);
        if self.probe && !in_time {
            self.probe = false;
            self.route.vitals.stays_out(now);
        }
    }

    /// The answer is complete.
    pub(crate) fn ended_well(mut self) {
        self.began();
        self.state = State::Ended;
        let now = self.clock.now();
        self.route.vitals.went_well(now);
        if std::mem::take(&mut self.probe) {
            self.route.vitals.comes_back(now);
        }
    }

    /// The endpoint understood and refused: it is well, and the request was not.
    pub(crate) fn refused_well(mut self) {
        self.state = State::Ended;
        self.route.vitals.went_well(self.clock.now());
    }

    /// The endpoint failed.
    pub(crate) fn failed(mut self) {
        let (now, after) = self.waited();
        if self.state == State::Waiting {
            self.route.vitals.given_up(now, after);
        }
        self.state = State::Ended;
        self.route.vitals.went_wrong(now);
        if std::mem::take(&mut self.probe) {
            self.route.vitals.stays_out(now);
        }
    }

    fn waited(&self) -> (At, Duration) {
        let now = self.clock.now();
        (now, Duration::try_from(now.duration_since(self.begun)).unwrap_or_default())
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.route.endpoint.load.fetch_sub(1, Ordering::Relaxed);
        let (now, after) = self.waited();
        if self.state == State::Waiting {
            self.route.vitals.given_up(now, after);
        }
        if self.probe {
            self.route.vitals.probe_again(now);
        }
    }
}
