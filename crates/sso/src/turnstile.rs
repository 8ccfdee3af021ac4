//! How often one network may try. Whatever is open to strangers passes here first, so that
//! nobody fills the record with refusals or the processor with signatures.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use base::time::At;
use identity::Place;

use crate::Error;

/// Within which time attempts are counted.
const WINDOW_SECS: i64 = 60;
/// Sign-ins that one network begins in that time: an office behind one address at nine.
const PASSES_MAX: u32 = 600;
/// Refusals that one network may cause in that time before it is not listened to.
const REFUSALS_MAX: u32 = 20;
/// Networks that are remembered at most; beyond, one goes that is
/// still listened to.
const NETWORKS_MAX: usize = 50_000;

/// Counts by network.
#[derive(Debug, Default)]
pub(crate) struct Turnstile(Mutex<HashMap<Place, Count>>);

#[derive(Debug, Clone, Copy)]
struct Count {
    since: At,
    passes: u32,
    refusals: u32,
}

impl Turnstile {
    /// Lets somebody pass, or says when to try again.
    pub(crate) fn pass(&self, ip: Option<IpAddr>, now: At) -> Result<(), Error> {
        self.with(ip, now, |count| {
            if count.refusals >= REFUSALS_MAX || count.passes >= PASSES_MAX {
                let over = count.since.as_second() + WINDOW_SECS - now.as_second();
                let retry_secs = u64::try_from(over).unwrap_or_default().max(1);
                return Err(Error::TooManyAttempts { retry_secs });
            }
            count.passes += 1;
            Ok(())
        })
    }

    /// Notes a refusal.
    pub(crate) fn refused(&self, ip: Option<IpAddr>, now: At) {
        self.with(ip, now, |count| count.refusals = count.refusals.saturating_add(1));
    }

    fn with<T>(&self, ip: Option<IpAddr>, now: At, act: impl FnOnce(&mut Count) -> T) -> T {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let network = Place::of(ip);
        if counts.len() >= NETWORKS_MAX && !counts.contains_key(&network) {
            make_room(&mut counts, now);
        }
        let mut fresh = Count { since: now, passes: 0, refusals: 0 };
        if counts.len() >= NETWORKS_MAX && !counts.contains_key(&network) {
            return act(&mut fresh);
        }
        let count = counts.entry(network).or_insert(fresh);
        if count.is_over(now) {
            *count = fresh;
        }
        act(count)
    }
}

impl Count {
    fn is_over(&self, now: At) -> bool {
        now.as_second() - self.since.as_second() >= WINDOW_SECS
    }
}

/// Forgets one whose minute is over or who is still listened to: a flood of networks must
/// not let one go that is not.
fn make_room(counts: &mut HashMap<Place, Count>, now: At) {
    let spare = |count: &Count| count.is_over(now) || count.refusals < REFUSALS_MAX;
    let one = counts.iter().find(|(_, count)| spare(count)).map(|(place, _)| *place);
    if let Some(one) = one {
        counts.remove(&one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_refused_again_and_again_is_not_listened_to_for_a_minute() {
        let turnstile = Turnstile::default();
        let now: At = "2026-01-01T00:00:00Z".parse().unwrap();
        let bad = Some("2001:db8::1".parse().unwrap());
        let near = Some("2001:db8::ffff:1".parse().unwrap());
        let other = Some("2001:db8:0:1::1".parse().unwrap());
        for _ in 0..REFUSALS_MAX {
            assert!(turnstile.pass(bad, now).is_ok());
            turnstile.refused(bad, now);
        }
        for (ip, passes) in [(bad, false), (near, false), (other, true), (None, true)] {
            assert_eq!(turnstile.pass(ip, now).is_ok(), passes, "{ip:?}");
        }
        let later = now + jiff::SignedDuration::from_secs(WINDOW_SECS);
        assert!(turnstile.pass(bad, later).is_ok());
    }

    #[test]
    fn a_flood_of_networks_lets_none_go_that_is_not_listened_to() {
        let turnstile = Turnstile::default();
        let now: At = "2026-01-01T00:00:00Z".parse().unwrap();
        let bad = Some("2001:db8::1".parse().unwrap());
        for _ in 0..REFUSALS_MAX {
            turnstile.refused(bad, now);
        }
        for place in 0..NETWORKS_MAX + 10 {
            let bits = (0x2a00_u128 << 112) | (u128::try_from(place).unwrap() << 64);
            let ip = Some(IpAddr::V6(bits.into()));
            turnstile.pass(ip, now).unwrap();
            if place % 2 == 0 {
                turnstile.refused(ip, now);
            }
        }
        assert!(turnstile.pass(bad, now).is_err());
        assert!(turnstile.0.lock().unwrap().len() <= NETWORKS_MAX);
    }
}
