//! An exact sliding window of 60 seconds.

use std::collections::VecDeque;
use std::time::Duration;

use super::calendar::{SECOND, span};

/// How long an amount counts.
const MINUTE: i64 = 60 * SECOND;

/// What was taken within one second of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bucket {
    /// When the last of it was taken, in microseconds: 60 s later all of it is free.
    last: i64,
    amount: u64,
}

impl Bucket {
    fn is_over(&self, now: i64) -> bool {
        self.last + MINUTE <= now
    }
}

/// The amounts of the last 60 seconds, by the second.
///
/// INVARIANT: buckets are in order of time, at most one per second of the
/// clock, and `total` is their sum. After `add` there are at most 61.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    buckets: VecDeque<Bucket>,
    total: u64,
}

impl Window {
    /// Nothing taken.
    pub(super) const EMPTY: Self = Self { buckets: VecDeque::new(), total: 0 };

    /// What counts now. May exceed a limit: calls can use more than they asked for.
    pub(super) fn used(&self, now: i64) -> u64 {
        let over = self.buckets.iter().take_while(|bucket| bucket.is_over(now));
        self.total - over.map(|bucket| bucket.amount).sum::<u64>()
    }

    /// Counts an amount from now on; also when it is nothing, so that it can be corrected.
    pub(super) fn add(&mut self, now: i64, amount: u64) {
        self.roll(now);
        self.total += amount;
        match self.buckets.back_mut() {
            Some(bucket) if second(bucket.last) == second(now) => {
                bucket.last = now;
                bucket.amount += amount;
            }
            Some(_) | None => self.buckets.push_back(Bucket { last: now, amount }),
        }
    }

    /// What was taken `at` an instant as `from` turns out to be `to`. If it has
    /// left the window, nothing remains to be corrected.
    pub(super) fn correct(&mut self, at: i64, from: u64, to: u64) {
        let found = self.buckets.binary_search_by_key(&second(at), |bucket| second(bucket.last));
        if let Some(bucket) = found.ok().and_then(|place| self.buckets.get_mut(place)) {
            bucket.amount = bucket.amount - from + to;
            self.total = self.total - from + to;
        }
    }

    /// How long until no more than `most` counts, if nothing is added.
    pub(super) fn wait(&self, now: i64, most: u64) -> Duration {
        let mut left = self.total;
        let falls_below = self.buckets.iter().find(|bucket| {
            left -= bucket.amount;
            left <= most
        });
        falls_below.map_or(Duration::ZERO, |bucket| span(bucket.last + MINUTE - now))
    }

    /// How long until the first of what counts is free again.
    pub(super) fn reset(&self, now: i64) -> Duration {
        let mut live = self.buckets.iter().skip_while(|bucket| bucket.is_over(now));
        let first = live.find(|bucket| bucket.amount > 0);
        first.map_or(Duration::ZERO, |bucket| span(bucket.last + MINUTE - now))
    }

    /// Forgets what no longer counts.
    pub(super) fn roll(&mut self, now: i64) {
        while let Some(over) = self.buckets.pop_front_if(|bucket| bucket.is_over(now)) {
            self.total -= over.amount;
        }
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Gives back the memory of a window that is not used.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::EMPTY;
        }
    }
}

/// The second of the clock in which an instant lies.
fn second(at: i64) -> i64 {
    at.div_euclid(SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_free_after_60_seconds_and_not_before() {
        let mut window = Window::EMPTY;
        window.add(900_000, 3);
        assert_eq!(window.used(60_899_999), 3);
        assert_eq!(window.wait(900_000, 0), Duration::from_mins(1));
        assert_eq!(window.used(60_900_000), 0);
    }

    #[test]
    fn a_correction_belongs_to_the_second_of_the_reservation() {
        let mut window = Window::EMPTY;
        window.add(0, 10);
        window.add(30 * SECOND, 10);
        window.correct(0, 10, 25);
        assert_eq!(window.used(30 * SECOND), 35);
        assert_eq!(window.wait(30 * SECOND, 10), Duration::from_secs(30));
        assert_eq!(window.used(MINUTE), 10);
        window.add(MINUTE, 0);
        window.correct(0, 25, 0);
        assert_eq!(window.used(MINUTE), 10);
    }

    #[test]
    fn a_window_never_holds_more_than_61_buckets() {
        let mut window = Window::EMPTY;
        for tenth in 0..5_000 {
            window.add(tenth * SECOND / 10, 1);
            assert!(window.buckets.len() <= 61);
        }
    }
}
