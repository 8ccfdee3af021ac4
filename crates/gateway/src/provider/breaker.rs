//! Leaving a broken endpoint alone, and trying it again with one call.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use base::time::At;

/// Counts failures in a row. Closed: calls pass. Open: none does, until the wait is
/// over; then one call tries, and its end decides.
#[derive(Debug)]
pub(crate) struct Breaker {
    failures_max: u32,
    open_ms: i64,
    failures: AtomicU32,
    open_until_ms: AtomicI64,
}

/// How an endpoint does, as far as its last calls say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Its last call did not fail, or there was none.
    Well,
    /// So many calls in a row have failed; calls still pass.
    Failing(u32),
    /// Left alone until then.
    Resting(At),
    /// The next call tries it.
    OnTrial,
}

impl Breaker {
    /// How the endpoint does; changes nothing.
    pub(crate) fn health(&self, now: At) -> Health {
        let failures = self.failures.load(Ordering::Relaxed);
        let until = self.open_until_ms.load(Ordering::Relaxed);
        match failures {
            0 => Health::Well,
            few if few < self.failures_max => Health::Failing(few),
            _ if now.as_millisecond() < until => {
                Health::Resting(At::from_millisecond(until).unwrap_or(now))
            }
            _ => Health::OnTrial,
        }
    }

    /// Whether no call passes now; changes nothing.
    pub(crate) fn is_open(&self, now: At) -> bool {
        !self.is_closed() && now.as_millisecond() < self.open_until_ms.load(Ordering::Relaxed)
    }

    /// Whether calls pass without being a try.
    pub(crate) fn is_closed(&self) -> bool {
        self.failures.load(Ordering::Relaxed) < self.failures_max
    }

    pub(crate) fn new(failures_max: u32, open_ms: i64) -> Self {
        Self {
            failures_max: failures_max.max(1),
            open_ms,
            failures: AtomicU32::new(0),
            open_until_ms: AtomicI64::new(0),
        }
    }

    /// Whether a call may try now. When the wait has just ended, the first to ask may,
    /// and the others wait another round for its result.
    pub(crate) fn admits(&self, now: At) -> bool {
        if self.is_closed() {
            return true;
        }
        let now = now.as_millisecond();
        let until = self.open_until_ms.load(Ordering::Relaxed);
        now >= until
            && self
                .open_until_ms
                .compare_exchange(until, now + self.open_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn failed(&self, now: At) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= self.failures_max {
            self.open_until_ms.store(now.as_millisecond() + self.open_ms, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_endpoint_is_left_alone_and_then_tried_by_one_call() {
        let at = |secs: i64| At::from_second(1_800_000_000 + secs).unwrap();
        let breaker = Breaker::new(3, 10_000);
        for _ in 0..2 {
            breaker.failed(at(0));
        }
        assert!(breaker.admits(at(0)));
        assert_eq!(breaker.health(at(0)), Health::Failing(2));
        breaker.failed(at(0));
        assert!(!breaker.admits(at(9)));
        assert_eq!(breaker.health(at(9)), Health::Resting(at(10)));
        assert_eq!(breaker.health(at(10)), Health::OnTrial);
        assert!(breaker.admits(at(10)), "one tries");
        assert!(!breaker.admits(at(10)), "the others wait for it");
        breaker.failed(at(11));
        assert!(!breaker.admits(at(20)));
        assert!(breaker.admits(at(21)));
        breaker.succeeded();
        assert_eq!(breaker.health(at(21)), Health::Well);
        assert!(breaker.admits(at(21)) && breaker.admits(at(21)));
    }
}
