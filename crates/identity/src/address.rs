//! Where requests come from: nets that they must come from, and how many sign-ins come
//! from one place.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use base::time::At;
use ipnet::IpNet;

use crate::Error;

/// Sign-ins that one place can try at once, and again in each minute.
const BURST: i64 = 10;
const EACH_MS: i64 = 60_000 / BURST;
/// Places that are counted at most; beyond, the one that tried least goes.
const PLACES_MAX: usize = 10_000;

/// Whom one person can be at: an address, or the network that a provider gives to one
/// household. All who come without an address are one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// One address.
    V4(Ipv4Addr),
    /// The first 64 bits.
    V6(Ipv6Addr),
    /// Nobody knows.
    Unknown,
}

/// An address or a net, as a net.
pub(crate) fn net(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.ok().map(|net| net.trunc())
}

/// What is said of a text that is neither.
pub(crate) fn no_net(text: &str) -> String {
    let text: String = text.chars().take(60).collect();
    format!("must be addresses or nets, such as 192.0.2.7 or 192.0.2.0/24: `{text}` is neither")
}

/// Whether an address is in one of these nets, or needs not be. Where nobody knows the
/// address, it is in none.
pub(crate) fn within(nets: Option<&[IpNet]>, ip: Option<IpAddr>) -> bool {
    let Some(nets) = nets else { return true };
    let ip = ip.map(|ip| ip.to_canonical());
    ip.is_some_and(|ip| nets.iter().any(|net| net.contains(&ip)))
}

impl Place {
    /// Where an address is.
    pub fn of(ip: Option<IpAddr>) -> Self {
        match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => Self::V4(ip),
            Some(IpAddr::V6(ip)) => Self::V6((u128::from(ip) >> 64 << 64).into()),
            None => Self::Unknown,
        }
    }
}

/// Keeps one place from taking the whole line for password checks. A sign-in that
/// succeeds does not count: many colleagues share one address.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<Place, At>>);

impl Places {
    /// Counts a try; refuses it, with the time to wait, when there were too many.
    ///
    /// Each place has the instant at which it will be as if it had never tried: every
    /// try moves that on, and it may be so far ahead.
    pub(crate) fn enter(&self, place: Place, now: At) -> Result<(), Error> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX && !places.contains_key(&place) {
            places.retain(|_, clean| *clean > now);
            if places.len() >= PLACES_MAX {
                let least = places.iter().min_by_key(|(_, clean)| **clean);
                if let Some(least) = least.map(|(place, _)| *place) {
                    places.remove(&least);
                }
            }
        }
        let clean = places.get(&place).copied().filter(|clean| *clean > now).unwrap_or(now);
        let owed_ms = clean.as_millisecond() - now.as_millisecond();
        let over_ms = owed_ms + EACH_MS - BURST * EACH_MS;
        if over_ms > 0 {
            let secs = u64::try_from(over_ms).unwrap_or(1).div_ceil(1000);
            return Err(Error::TooManySignIns { retry_secs: secs });
        }
        places.insert(place, clean + jiff::SignedDuration::from_millis(EACH_MS));
        Ok(())
    }

    /// The sign-in succeeded: as if it had not been tried.
    pub(crate) fn forgive(&self, place: Place) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clean) = places.get_mut(&place) {
            *clean -= jiff::SignedDuration::from_millis(EACH_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(ip: &str) -> Place {
        Place::of(Some(ip.parse().unwrap()))
    }

    fn refused(places: &Places, place: Place, now: At) -> Option<u64> {
        match places.enter(place, now) {
            Err(Error::TooManySignIns { retry_secs }) => Some(retry_secs),
            Err(_) | Ok(()) => None,
        }
    }

    #[test]
    fn a_place_is_an_address_or_the_network_of_a_household() {
        assert_eq!(place("::ffff:192.0.2.7"), place("192.0.2.7"));
        assert_ne!(place("192.0.2.8"), place("192.0.2.7"));
        assert_eq!(place("2001:db8:1:2:3::4"), place("2001:db8:1:2::1"));
        assert_ne!(place("2001:db8:1:3::1"), place("2001:db8:1:2::1"));
        assert_eq!(Place::of(None), Place::Unknown);
    }

    #[test]
    fn ten_tries_a_minute_come_from_one_place() {
        let (places, here) = (Places::default(), place("192.0.2.7"));
        let mut now: At = "2026-01-01T00:00:00Z".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(refused(&places, here, now), None);
        }
        assert_eq!(refused(&places, here, now), Some(6));
        assert_eq!(refused(&places, place("192.0.2.8"), now), None, "elsewhere");
        now += jiff::SignedDuration::from_secs(6);
        assert_eq!(refused(&places, here, now), None);
        assert_eq!(refused(&places, here, now), Some(6));
        places.forgive(here);
        assert_eq!(refused(&places, here, now), None, "a success does not count");
        now += jiff::SignedDuration::from_mins(5);
        for _ in 0..10 {
            assert_eq!(refused(&places, here, now), None);
        }
        assert_eq!(refused(&places, here, now), Some(6), "quiet times are not saved up");
    }

    #[test]
    fn a_flood_of_places_does_not_grow_without_bound_nor_free_the_loud_ones() {
        let (places, loud) = (Places::default(), place("192.0.2.7"));
        let now: At = "2026-01-01T00:00:00Z".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(refused(&places, loud, now), None);
        }
        for number in 0..u32::try_from(PLACES_MAX).unwrap() + 20 {
            assert_eq!(refused(&places, Place::V4(number.into()), now), None);
        }
        assert!(places.0.lock().unwrap().len() <= PLACES_MAX);
        assert_eq!(refused(&places, loud, now), Some(6));
    }
}
