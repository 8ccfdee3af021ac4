//! At most ten failed sign-ins per member and place in fifteen minutes, and a hundred
//! per member: a stranger elsewhere does not lock out the right person.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base::time::At;

use crate::Error;
use crate::address::Place;

const FAILURES_MAX: u32 = 10;
const FAILURES_MAX_EVERYWHERE: u32 = 100;
const WINDOW_SECS: i64 = 15 * 60;
/// Counts that are kept at most; beyond, the smallest goes.
const COUNTS_MAX: usize = 20_000;

/// Counts attempts by name, whether or not there is anybody of that name.
#[derive(Debug, Default)]
pub(crate) struct Lockout(Mutex<Counts>);

/// From one place, or from everywhere.
type Counts = HashMap<(String, Option<Place>), Attempts>;

#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    since_secs: i64,
}

impl Lockout {
    /// Counts an attempt before it is made, so that many at once are many.
    pub(crate) fn attempt(&self, name: &str, place: Place, now: At) -> Result<(), Error> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = [(Some(place), FAILURES_MAX), (None, FAILURES_MAX_EVERYWHERE)];
        let of = |place| (name.to_owned(), place);
        for (place, max) in limits {
            let attempts = live(&counts, &of(place), now);
            if attempts.count >= max {
                let left = WINDOW_SECS - (now.as_second() - attempts.since_secs);
                return Err(Error::LockedOut { retry_secs: left.try_into().unwrap_or(1) });
            }
        }
        for (place, _) in limits {
            let mut attempts = live(&counts, &of(place), now);
            attempts.count += 1;
            make_room(&mut counts, &of(place), now);
            counts.insert(of(place), attempts);
        }
        Ok(())
    }

    /// It was the right password: what was counted from this place counts no more.
    pub(crate) fn clear(&self, name: &str, place: Place) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = counts.remove(&(name.to_owned(), Some(place)));
        let everywhere = (name.to_owned(), None);
        if let (Some(here), Some(all)) = (here, counts.get_mut(&everywhere)) {
            all.count = all.count.saturating_sub(here.count);
        }
    }
}

fn is_live(attempts: &Attempts, now: At) -> bool {
    now.as_second() - attempts.since_secs < WINDOW_SECS
}

fn live(counts: &Counts, of: &(String, Option<Place>), now: At) -> Attempts {
    let fresh = Attempts { count: 0, since_secs: now.as_second() };
    counts.get(of).copied().filter(|attempts| is_live(attempts, now)).unwrap_or(fresh)
}

fn make_room(counts: &mut Counts, newcomer: &(String, Option<Place>), now: At) {
    if counts.len() < COUNTS_MAX || counts.contains_key(newcomer) {
        return;
    }
    counts.retain(|_, attempts| is_live(attempts, now));
    if counts.len() >= COUNTS_MAX {
        let least = counts.iter().min_by_key(|(_, attempts)| attempts.count);
        if let Some(least) = least.map(|(of, _)| of.clone()) {
            counts.remove(&least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place::V4(std::net::Ipv4Addr::LOCALHOST);

    fn start() -> At {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn ten_failures_lock_for_the_rest_of_fifteen_minutes() {
        let (lockout, mut now) = (Lockout::default(), start());
        for _ in 0..10 {
            lockout.attempt("ada", HERE, now).unwrap();
        }
        now += jiff::SignedDuration::from_secs(60);
        let refused = lockout.attempt("ada", HERE, now);
        assert!(matches!(refused, Err(Error::LockedOut { retry_secs: 840 })), "{refused:?}");
        assert!(lockout.attempt("bob", HERE, now).is_ok());
        assert!(lockout.attempt("ada", Place::Unknown, now).is_ok(), "elsewhere");
        now += jiff::SignedDuration::from_secs(840);
        assert!(lockout.attempt("ada", HERE, now).is_ok());
    }

    #[test]
    fn a_hundred_failures_from_everywhere_lock_whatever_the_place() {
        let (lockout, now) = (Lockout::default(), start());
        let place = |number: u32| Place::V4(number.into());
        for number in 0..100 {
            lockout.attempt("ada", place(number / 5), now).unwrap();
        }
        assert!(lockout.attempt("ada", HERE, now).is_err());
        lockout.clear("ada", place(3));
        for _ in 0..5 {
            assert!(lockout.attempt("ada", HERE, now).is_ok(), "those five count no more");
        }
        assert!(lockout.attempt("ada", HERE, now).is_err());
    }

    #[test]
    fn a_flood_of_names_neither_grows_without_bound_nor_frees_who_is_locked() {
        let (lockout, now) = (Lockout::default(), start());
        for _ in 0..10 {
            lockout.attempt("ada", HERE, now).unwrap();
        }
        for name in 0..COUNTS_MAX / 2 + 20 {
            lockout.attempt(&name.to_string(), HERE, now).unwrap();
        }
        assert!(lockout.0.lock().unwrap().len() <= COUNTS_MAX);
        assert!(lockout.attempt("ada", HERE, now).is_err());
    }
}
