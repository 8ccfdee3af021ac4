//! When a region is published, and how much of it is verified in between.

use std::time::{Duration, Instant};

/// What was published is listed in the directory at least so often, however many wait.
const ROUND_MAX: Duration = Duration::from_secs(5);
/// How long a stop may publish what waits.
pub(super) const STOP_MAX: Duration = Duration::from_secs(10);
/// How often it is published because much is remembered, at most.
pub(super) const CROWDED_EVERY: Duration = Duration::from_secs(1);
/// Events that are verified as often as it is published where nothing hurries, and a bundle
/// at least; more where much was published, in this part of the time.
const VERIFIED: u64 = 2_048;
const VERIFIED_MIN: u64 = 256;
const VERIFIED_PART: u32 = 50;

/// The pace of publishing.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// How long until the next round.
    pause: Duration,
    /// When the last round began.
    begun: Instant,
}

/// What is verified behind one round: a piece, and where much was published so much more that
/// the record is gone through nevertheless, in a part of the time that passed since the last.
#[derive(Debug)]
pub(super) struct Share {
    events: u64,
    piece: u64,
    until: Instant,
}

impl Pace {
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { every, pause: every, begun: now }
    }

    /// How long until the next round.
    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    /// Until when the round that began publishes.
    pub(super) fn until(&self) -> Instant {
        self.begun + self.every.min(ROUND_MAX)
    }

    /// A round begins; gives how long ago the last one did.
    pub(super) fn begins(&mut self, now: Instant) -> Duration {
        let before = std::mem::replace(&mut self.begun, now);
        now - before
    }

    /// What is verified behind a round that published so many entries.
    pub(super) fn share(&self, published: u64, passed: Duration, now: Instant) -> Share {
        // A round that comes early is followed by so much less.
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let of_round = VERIFIED.saturating_mul(millis(passed)) / millis(self.every).max(1);
        let piece = of_round.clamp(VERIFIED_MIN, VERIFIED);
        let events = piece.saturating_add(published.saturating_mul(2));
        Share { events, piece, until: now + passed / VERIFIED_PART }
    }

    /// The round has published; whether it left something for the next, and whether it failed.
    pub(super) fn published(&mut self, left: bool, failed: bool) {
        self.pause = match (left, failed) {
            (false, _) => self.every,
            (true, true) => self.every.min(ROUND_MAX),
            // Where much waits it goes on at once.
            (true, false) => Duration::ZERO,
        };
    }
}

impl Share {
    /// Events of the next piece.
    pub(super) fn piece(&self) -> u64 {
        self.events.min(self.piece)
    }

    /// So many were verified; whether another piece follows.
    pub(super) fn goes_on(&mut self, verified: u64, now: Instant) -> bool {
        self.events = self.events.saturating_sub(verified);
        verified > 0 && self.events > 0 && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_round_that_was_not_enough_is_followed_by_the_next_and_what_it_did_is_listed_first() {
        let now = Instant::now();
        let mut pace = Pace::new(EVERY, now);
        pace.published(true, false);
        assert_eq!((pace.pause(), pace.until()), (secs(0), now + secs(5)));
        pace.published(true, true);
        assert_eq!(pace.pause(), EVERY, "nothing is asked for at once that failed");
        assert_eq!(Pace::new(secs(3_600), now).until(), now + secs(5));
        assert_eq!(Pace::new(secs(1), now).until(), now + secs(1));
    }

    #[test]
    fn a_round_is_told_how_long_ago_the_last_one_began() {
        let now = Instant::now();
        let mut pace = Pace::new(EVERY, now);
        assert_eq!(pace.pause(), EVERY);
        assert_eq!(pace.begins(now + secs(5)), secs(5));
        pace.published(false, true);
        assert_eq!(pace.begins(now + secs(21)), secs(16), "publishing and pause");
    }

    /// Pieces that are verified behind a round, each of which takes so long.
    fn verified(published: u64, passed: Duration, each: Duration) -> Vec<u64> {
        let mut now = Instant::now();
        let (mut share, mut pieces) =
            (Pace::new(EVERY, now).share(published, passed, now), Vec::new());
        loop {
            pieces.push(share.piece());
            now += each;
            if !share.goes_on(share.piece(), now) {
                return pieces;
            }
        }
    }

    #[test]
    fn twice_as_much_is_verified_as_was_published_and_a_piece_in_any_case() {
        let quick = Duration::from_millis(1);
        assert_eq!(verified(0, EVERY, quick), [2_048]);
        assert_eq!(verified(2_000, EVERY, quick), [2_048, 2_048, 1_952]);
        assert_eq!(verified(u64::MAX, Duration::ZERO, quick), [256]);
    }

    #[test]
    fn behind_a_round_that_comes_early_so_much_less_is_verified() {
        let each = Duration::from_millis(20);
        assert_eq!(verified(u64::MAX, secs(1), each), [409]);
        assert_eq!(verified(u64::MAX, secs(20), each).first(), Some(&2_048), "a piece at most");
    }

    #[test]
    fn verifying_takes_a_fiftieth_of_the_time() {
        let each = Duration::from_millis(20);
        assert_eq!(verified(1_000_000, secs(5), each).len(), 5);
        assert_eq!(verified(1_000_000, secs(10), each).len(), 10);
    }

    #[test]
    fn where_nothing_is_left_to_verify_it_is_not_asked_for_again() {
        let now = Instant::now();
        assert!(!Pace::new(EVERY, now).share(1_000_000, EVERY, now).goes_on(0, now));
    }
}
