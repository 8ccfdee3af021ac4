//! The calls that an endpoint has at once: a configured maximum, lowered when the endpoint pushes
//! back, and a fair line of those that wait for it.
//!
//! ```text
//! call ─► free? ──yes──► Slot ─► provider ─► dropped ─┐
//!            └─no─► line (bounded, by org) ◄──next────┘
//!                     ├─ too long, too many: told so
//!                     └─ caller gone: out of the line at once
//! ```

mod line;
mod pace;
#[cfg(test)]
mod random;
#[cfg(test)]
mod shortage;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::OrgId;
use base::time::{At, SharedClock};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::line::{Arrival, Line, Ticket};
use self::pace::Pace;

/// How often one that waits looks for itself: the end of a pause wakes nobody.
const LOOK: Duration = Duration::from_millis(250);

/// The slots of one endpoint. Without a maximum there is nothing to count, and nobody waits.
#[derive(Debug)]
pub(crate) struct Slots(Option<Arc<Counted>>);

#[derive(Debug)]
struct Counted {
    max: u32,
    wait_max: Duration,
    state: Mutex<State>,
    turned_away: AtomicU64,
}

#[derive(Debug)]
struct State {
    line: Line,
    pace: Pace,
    waiting: HashMap<Ticket, oneshot::Sender<Slot>>,
}

/// One call's place at the endpoint, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot(Option<Held>);

#[derive(Debug)]
struct Held {
    of: Arc<Counted>,
    org: OrgId,
    clock: SharedClock,
    begun: At,
}

/// What a call is not given a slot for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// Too many wait already, or it waited for too long.
    Shortage {
        /// By then everybody who waits now was served or gave up.
        retry_after_secs: u64,
    },
    /// The endpoint asked to be left alone for longer than a call waits.
    Paused {
        /// What is left of that.
        retry_after_secs: u64,
    },
}

/// How an endpoint stands, for whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotsSeen {
    /// What is configured.
    pub(crate) max: u32,
    /// What is given of it.
    pub(crate) given: u32,
    /// What is taken.
    pub(crate) taken: u32,
    /// Calls that wait.
    pub(crate) waiting: usize,
    /// Calls that waited in vain, since it was configured.
    pub(crate) turned_away: u64,
}

impl Slots {
    /// As many calls at once as `max`, or any number.
    pub(crate) fn new(max: Option<u32>, waiting_max: usize, wait_max: Duration) -> Self {
        Self(max.map(|max| {
            Arc::new(Counted {
                max,
                wait_max,
                state: Mutex::new(State {
                    line: Line::new(waiting_max),
                    pace: Pace::new(max),
                    waiting: HashMap::new(),
                }),
                turned_away: AtomicU64::new(0),
            })
        }))
    }

    /// A slot, if one is free and nobody waits.
    pub(crate) fn take_now(&self, org: &OrgId, clock: &SharedClock) -> Option<Slot> {
        let Some(counted) = &self.0 else { return Some(Slot(None)) };
        let now = clock.now();
        let mut state = counted.state();
        let slots = state.pace.slots(now);
        let free = state.line.take_now(org, slots);
        drop(state);
        free.then(|| counted.slot(org.clone(), clock, now))
    }

    /// A slot, if need be after waiting for it. Dropped before its end, nobody waits any longer.
    pub(crate) async fn take(
        &self,
        org: &OrgId,
        cost: u64,
        clock: &SharedClock,
    ) -> Result<Slot, NoSlot> {
        let Some(counted) = &self.0 else { return Ok(Slot(None)) };
        let deadline = Instant::now() + counted.wait_max;
        let mut waiting = match counted.arrive(org, cost, clock)? {
            Waits::Not(slot) => return Ok(slot),
            Waits::InLine(waiting) => waiting,
        };
        loop {
            let look = Instant::now() + LOOK;
            tokio::select! {
                biased;
                given = &mut waiting.given => return given.map_err(|_| counted.turn_away()),
                () = tokio::time::sleep_until(look.min(deadline)) => {}
            }
            counted.serve(clock);
            if Instant::now() >= deadline {
                return waiting.given.try_recv().map_err(|_| counted.turn_away());
            }
        }
    }

    /// How it stands; nothing without a maximum.
    pub(crate) fn seen(&self) -> Option<SlotsSeen> {
        let counted = self.0.as_ref()?;
        let state = counted.state();
        Some(SlotsSeen {
            max: counted.max,
            given: state.pace.given(),
            taken: state.line.taken(),
            waiting: state.line.waiting(),
            turned_away: counted.turned_away.load(Ordering::Relaxed),
        })
    }
}

enum Waits {
    Not(Slot),
    InLine(Waiting),
}

/// A place in the line, left when it is dropped.
struct Waiting {
    of: Arc<Counted>,
    org: OrgId,
    ticket: Ticket,
    clock: SharedClock,
    given: oneshot::Receiver<Slot>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A slot that was given meanwhile lies in `given`, and goes back with it.
        let mut state = self.of.state();
        state.line.leave(&self.org, self.ticket);
        state.waiting.remove(&self.ticket);
        drop(state);
        // With an org fewer, the share of the others is larger.
        self.of.serve(&self.clock);
    }
}

impl Counted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(self: &Arc<Self>, org: OrgId, clock: &SharedClock, begun: At) -> Slot {
        Slot(Some(Held { of: self.clone(), org, clock: clock.clone(), begun }))
    }

    fn arrive(
        self: &Arc<Self>,
        org: &OrgId,
        cost: u64,
        clock: &SharedClock,
    ) -> Result<Waits, NoSlot> {
        let now = clock.now();
        let mut state = self.state();
        let pause = Duration::try_from(state.pace.pause_left(now)).unwrap_or_default();
        if pause > self.wait_max {
            return Err(NoSlot::Paused { retry_after_secs: whole_secs(pause) });
        }
        let slots = state.pace.slots(now);
        let (ticket, turned_away) = match state.line.arrive(org, cost, slots) {
            Arrival::Taken => {
                drop(state);
                return Ok(Waits::Not(self.slot(org.clone(), clock, now)));
            }
            Arrival::Full => {
                drop(state);
                return Err(self.turn_away());
            }
            Arrival::Waits { ticket, turned_away } => (ticket, turned_away),
        };
        let (give, given) = oneshot::channel();
        state.waiting.insert(ticket, give);
        // Whoever made room hears of it by the end of its channel.
        let made_room = turned_away.and_then(|ticket| state.waiting.remove(&ticket));
        drop(state);
        drop(made_room);
        let (of, org, clock) = (self.clone(), org.clone(), clock.clone());
        Ok(Waits::InLine(Waiting { of, org, ticket, clock, given }))
    }

    /// Gives free slots to whoever is next.
    fn serve(self: &Arc<Self>, clock: &SharedClock) {
        let now = clock.now();
        let mut served = Vec::new();
        let mut state = self.state();
        let slots = state.pace.slots(now);
        while let Some((ticket, org)) = state.line.next(slots) {
            let give = state.waiting.remove(&ticket);
            served.push((give, self.slot(org, clock, now)));
        }
        drop(state);
        for (give, slot) in served {
            // Of somebody who left at this very moment the slot comes back, and goes on when
            // it is dropped.
            drop(give.map(|give| give.send(slot)));
        }
    }

    fn turn_away(&self) -> NoSlot {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        NoSlot::Shortage { retry_after_secs: whole_secs(self.wait_max) }
    }
}

impl Slot {
    /// The endpoint took the call.
    pub(crate) fn took(&self) {
        if let Some(held) = &self.0 {
            held.of.state().pace.took();
        }
    }

    /// The endpoint refused the call because it is too much.
    pub(crate) fn pushed_back(&self, retry_after_secs: Option<u64>) {
        if let Some(held) = &self.0 {
            let now = held.clock.now();
            held.of.state().pace.pushed_back(held.begun, now, retry_after_secs);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(Held { of, org, clock, .. }) = self.0.take() {
            of.state().line.give_back(&org);
            of.serve(&clock);
        }
    }
}

/// Seconds that are surely enough.
fn whole_secs(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1)
}
