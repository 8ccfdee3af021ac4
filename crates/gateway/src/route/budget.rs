//! How many tries at the same endpoint are made in all.

use std::sync::atomic::{AtomicI64, Ordering};

/// What a call adds to the retry budget, in hundredths of a retry: one call in ten.
const EARNED: i64 = 10;
/// Retries that can be saved up, in hundredths.
const SAVED_MAX: i64 = 1_000;

/// Tries at the same endpoint beyond one call in ten are not made: they would only
/// keep an overloaded endpoint down.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicI64::new(SAVED_MAX))
    }
}

impl RetryBudget {
    pub(super) fn earn(&self) {
        let saved = self.0.load(Ordering::Relaxed);
        if saved < SAVED_MAX {
            self.0.store((saved + EARNED).min(SAVED_MAX), Ordering::Relaxed);
        }
    }

    pub(super) fn spend(&self) -> bool {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
            (saved >= 100).then_some(saved - 100)
        });
        taken.is_ok()
    }
}
