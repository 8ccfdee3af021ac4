//! How many of its slots an endpoint is given: fewer when it says that it is too much, one more
//! for each round of calls that it took well.

use base::time::At;
use jiff::SignedDuration;

/// What is left of the slots when an endpoint pushes back, in percent.
const KEPT_PERCENT: u64 = 70;
/// The longest that an endpoint is left alone because it said so: its clock may be wrong, and
/// calls would rather be told.
const PAUSE_MAX_SECS: i64 = 60;

/// Additive increase, multiplicative decrease, between one slot and the configured maximum.
#[derive(Debug)]
pub(super) struct Pace {
    max: u32,
    /// Slots given, in thousandths.
    given_milli: u64,
    lowered_at: At,
    paused_until: At,
}

impl Pace {
    pub(super) fn new(max: u32) -> Self {
        let (lowered_at, paused_until) = (At::MIN, At::MIN);
        Self { max, given_milli: u64::from(max) * 1_000, lowered_at, paused_until }
    }

    /// Slots that may be taken now.
    pub(super) fn slots(&self, now: At) -> u32 {
        if now < self.paused_until { 0 } else { self.given() }
    }

    /// Slots that may be taken when it is not paused.
    pub(super) fn given(&self) -> u32 {
        u32::try_from(self.given_milli / 1_000).unwrap_or(u32::MAX).clamp(1, self.max)
    }

    /// How long the endpoint asked to be left alone from now on.
    pub(super) fn pause_left(&self, now: At) -> SignedDuration {
        self.paused_until.duration_since(now).max(SignedDuration::ZERO)
    }

    /// It took a call.
    pub(super) fn took(&mut self) {
        let step = 1_000 / u64::from(self.given());
        self.given_milli = (self.given_milli + step.max(1)).min(u64::from(self.max) * 1_000);
    }

    /// It refused a call that began then, because it is too much, and perhaps said for how long.
    /// Calls that began before it was lowered say nothing new.
    pub(super) fn pushed_back(&mut self, begun: At, now: At, retry_after_secs: Option<u64>) {
        if begun > self.lowered_at {
            self.given_milli = (self.given_milli * KEPT_PERCENT / 100).max(1_000);
            self.lowered_at = now;
        }
        let secs = i64::try_from(retry_after_secs.unwrap_or(0)).unwrap_or(PAUSE_MAX_SECS);
        let pause = SignedDuration::from_secs(secs.min(PAUSE_MAX_SECS));
        self.paused_until = self.paused_until.max(now.checked_add(pause).unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> At {
        At::from_second(1_800_000_000 + secs).unwrap()
    }

    #[test]
    fn an_endpoint_that_pushes_back_gets_fewer_calls_and_slowly_more_again() {
        let mut pace = Pace::new(10);
        assert_eq!(pace.slots(at(0)), 10);
        for _ in 0..5 {
            pace.pushed_back(at(0), at(1), None);
        }
        assert_eq!(pace.slots(at(1)), 7, "ten calls that were under way say it once");
        pace.pushed_back(at(2), at(3), None);
        assert_eq!(pace.slots(at(3)), 4);
        for _ in 0..5 {
            pace.took();
        }
        assert_eq!(pace.slots(at(3)), 5, "one more for each round");
        for _ in 0..1_000 {
            pace.took();
        }
        assert_eq!(pace.slots(at(3)), 10, "never above what is configured");
        for second in 4..100 {
            pace.pushed_back(at(second), at(second), None);
        }
        assert_eq!(pace.slots(at(100)), 1, "never none");
    }

    #[test]
    fn what_it_says_about_trying_again_is_kept_to_within_reason() {
        let mut pace = Pace::new(4);
        pace.pushed_back(at(1), at(1), Some(7));
        assert_eq!((pace.slots(at(7)), pace.slots(at(8))), (0, 2));
        assert_eq!(pace.pause_left(at(6)), SignedDuration::from_secs(2));
        pace.pushed_back(at(9), at(9), Some(u64::MAX));
        assert_eq!((pace.slots(at(68)), pace.slots(at(69))), (0, 1));
        assert_eq!(pace.pause_left(at(70)), SignedDuration::ZERO);
    }
}
