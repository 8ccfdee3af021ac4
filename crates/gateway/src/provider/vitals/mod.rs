//! How one endpoint does with one model, measured from the calls it gets: how many end well, how
//! long the first token takes, and whether it is left out because its peers do much better.

mod outlier;
mod recent;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::time::At;

pub(crate) use self::outlier::Judge;
use self::recent::Recent;
pub(crate) use self::recent::Seen;

/// An ejection is at most this many doublings longer than the first one.
const DOUBLINGS_MAX: u32 = 4;
/// How long one call that probes keeps others from doing so, in milliseconds.
const PROBE_MS: i64 = 60_000;
/// It is in.
const IN: i64 = 0;

/// What is known of one endpoint with one model.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    kept: Mutex<Kept>,
    /// Until when it is left out, in milliseconds; [`IN`] if it is not.
    out_until_ms: AtomicI64,
    /// Microseconds within which half of the first tokens come, as learned a moment ago; 0: unknown.
    usual_us: AtomicU64,
    /// The same of 95 in a hundred.
    late_us: AtomicU64,
    well: AtomicU64,
    failed: AtomicU64,
    ejections: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    recent: Recent,
    /// Ejections that follow on each other.
    times: u32,
    /// How long the first of them is.
    duration: Duration,
    /// When it came back from the last one.
    back_at: Option<At>,
    /// The time within which a probe must begin.
    bar: Option<Duration>,
}

/// How a call may use the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enter {
    /// Like any other.
    Usual,
    /// It was left out; this one call tries it.
    Probe,
    /// It is left out.
    Out,
}

/// What the operator is shown of it, all told since it was configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) well: u64,
    pub(crate) failed: u64,
    pub(crate) ejections: u64,
}

impl Vitals {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is left out now, or on probation.
    pub(crate) fn is_out(&self) -> bool {
        self.out_until_ms.load(Ordering::Relaxed) != IN
    }

    /// Until when it is left out.
    pub(crate) fn out_until(&self) -> Option<At> {
        match self.out_until_ms.load(Ordering::Relaxed) {
            IN => None,
            ms => At::from_millisecond(ms).ok(),
        }
    }

    /// Whether it may not be asked now.
    pub(crate) fn is_shut(&self, now: At) -> bool {
        now.as_millisecond() < self.out_until_ms.load(Ordering::Relaxed)
    }

    /// Asks for a call. Of those that come when an ejection is over one is the probe.
    pub(crate) fn enter(&self, now: At) -> Enter {
        let until = self.out_until_ms.load(Ordering::Relaxed);
        if until == IN {
            return Enter::Usual;
        }
        let now = now.as_millisecond();
        let mine = now >= until
            && self
                .out_until_ms
                .compare_exchange(until, now + PROBE_MS, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine { Enter::Probe } else { Enter::Out }
    }

    /// What half of its first tokens take, if that is known.
    pub(crate) fn usual(&self) -> Option<Duration> {
        known(&self.usual_us)
    }

    /// What 95 in a hundred of its first tokens take at most, if that is known.
    pub(crate) fn late(&self) -> Option<Duration> {
        known(&self.late_us)
    }

    /// The last minute.
    pub(crate) fn seen(&self, now: At) -> Seen {
        self.kept().recent.seen(now)
    }

    /// All told.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            well: self.well.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            ejections: self.ejections.load(Ordering::Relaxed),
        }
    }

    /// The last minute, and what is usual in it for those that do not want to count.
    fn learn(&self, now: At) -> Seen {
        let seen = self.seen(now);
        for (learned, percent) in [(&self.usual_us, 50), (&self.late_us, 95)] {
            let time = if seen.times() >= 20 { seen.within(percent) } else { None };
            let us = time.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
            learned.store(us, Ordering::Relaxed);
        }
        seen
    }

    /// The first token came. Whether that was in time for a probe.
    pub(crate) fn began(&self, now: At, after: Duration) -> bool {
        let mut kept = self.kept();
        kept.recent.began(now, after);
        kept.bar.is_none_or(|bar| after <= bar)
    }

    /// No first token came as long as somebody waited for it. That says something only if it is
    /// longer than usual.
    pub(crate) fn given_up(&self, now: At, after: Duration) {
        if self.usual().is_some_and(|usual| after > usual) {
            self.kept().recent.began(now, after);
        }
    }

    /// A try ended well.
    pub(crate) fn went_well(&self, now: At) {
        self.well.fetch_add(1, Ordering::Relaxed);
        self.kept().recent.well(now);
    }

    /// A try failed.
    pub(crate) fn went_wrong(&self, now: At) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.kept().recent.failed(now);
    }

    /// Leaves it out; longer each time, unless it did well for long since the last time.
    fn eject(&self, now: At, duration: Duration, bar: Option<Duration>) -> At {
        let mut kept = self.kept();
        let longest = duration.saturating_mul(1 << DOUBLINGS_MAX);
        let well_for = kept.back_at.map(|at| now.duration_since(at).unsigned_abs());
        if well_for.is_none_or(|well_for| well_for > longest) {
            kept.times = 0;
        }
        (kept.duration, kept.bar) = (duration, bar);
        self.shut(&mut kept, now)
    }

    /// The probe did well: it is in again, and begins anew.
    pub(crate) fn comes_back(&self, now: At) {
        let mut kept = self.kept();
        (kept.recent, kept.bar, kept.back_at) = (Recent::default(), None, Some(now));
        self.out_until_ms.store(IN, Ordering::Relaxed);
        self.usual_us.store(0, Ordering::Relaxed);
        self.late_us.store(0, Ordering::Relaxed);
    }

    /// The probe did no better: it stays out, longer.
    pub(crate) fn stays_out(&self, now: At) {
        self.shut(&mut self.kept(), now);
    }

    /// The probe said nothing: the next call is one.
    pub(crate) fn probe_again(&self, now: At) {
        self.out_until_ms.store(now.as_millisecond().max(1), Ordering::Relaxed);
    }

    fn shut(&self, kept: &mut Kept, now: At) -> At {
        let duration = kept.duration.saturating_mul(1 << kept.times.min(DOUBLINGS_MAX));
        kept.times = kept.times.saturating_add(1);
        let until = now.checked_add(duration).unwrap_or(At::MAX);
        self.ejections.fetch_add(1, Ordering::Relaxed);
        self.out_until_ms.store(until.as_millisecond().max(1), Ordering::Relaxed);
        until
    }
}

fn known(us: &AtomicU64) -> Option<Duration> {
    match us.load(Ordering::Relaxed) {
        0 => None,
        us => Some(Duration::from_micros(us)),
    }
}
