//! At most ten failed sign-ins per member in fifteen minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base::time::At;

use crate::Error;

const FAILURES_MAX: u32 = 10;
const WINDOW_SECS: i64 = 15 * 60;
/// Names that are counted at most; beyond, the one with the fewest failures goes.
const NAMES_MAX: usize = 10_000;

/// Counts attempts by name, whether or not there is anybody of that name.
#[derive(Debug, Default)]
pub(crate) struct Lockout(Mutex<HashMap<String, Attempts>>);

#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    since_secs: i64,
}

impl Lockout {
    /// Counts an attempt before it is made, so that many at once are many.
    pub(crate) fn attempt(&self, name: &str, now: At) -> Result<(), Error> {
        let now_secs = now.as_second();
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = |attempts: &Attempts| now_secs - attempts.since_secs < WINDOW_SECS;
        if names.len() >= NAMES_MAX && !names.contains_key(name) {
            names.retain(|_, attempts| live(attempts));
            if names.len() >= NAMES_MAX {
                let least = names.iter().min_by_key(|(_, attempts)| attempts.count);
                if let Some(least) = least.map(|(name, _)| name.clone()) {
                    names.remove(&least);
                }
            }
        }
        let fresh = Attempts { count: 0, since_secs: now_secs };
        let attempts = names.entry(name.to_owned()).or_insert(fresh);
        if !live(attempts) {
            *attempts = fresh;
        }
        if attempts.count >= FAILURES_MAX {
            let left = WINDOW_SECS - (now_secs - attempts.since_secs);
            return Err(Error::LockedOut { retry_secs: left.try_into().unwrap_or(1) });
        }
        attempts.count += 1;
        Ok(())
    }

    /// It was the right password.
    pub(crate) fn clear(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_lock_for_the_rest_of_fifteen_minutes() {
        let lockout = Lockout::default();
        let mut now: At = "2026-01-01T00:00:00Z".parse().unwrap();
        for _ in 0..10 {
            lockout.attempt("ada", now).unwrap();
        }
        now += jiff::SignedDuration::from_secs(60);
        let refused = lockout.attempt("ada", now);
        assert!(matches!(refused, Err(Error::LockedOut { retry_secs: 840 })), "{refused:?}");
        assert!(lockout.attempt("bob", now).is_ok());
        now += jiff::SignedDuration::from_secs(840);
        assert!(lockout.attempt("ada", now).is_ok());
    }

    #[test]
    fn a_flood_of_names_neither_grows_without_bound_nor_frees_who_is_locked() {
        let lockout = Lockout::default();
        let now: At = "2026-01-01T00:00:00Z".parse().unwrap();
        for _ in 0..10 {
            lockout.attempt("ada", now).unwrap();
        }
        for name in 0..NAMES_MAX + 20 {
            lockout.attempt(&name.to_string(), now).unwrap();
        }
        assert!(lockout.0.lock().unwrap().len() <= NAMES_MAX);
        assert!(lockout.attempt("ada", now).is_err());
    }
}
