//! How often somebody who asks for a proof makes the log publish at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use access::OrgId;
use base::time::At;

/// Checkpoints of one org that may be made on demand in a row.
const IN_A_ROW: i64 = 20;
/// How long it takes until one more may be made: whoever asks more often gets what the clock
/// publishes.
const EACH_MICROS: i64 = 1_000_000;
/// Orgs that are remembered; beyond that those are forgotten that may have all again.
const ORGS_MAX: usize = 10_000;

/// By org: the instant at which it may have all in a row again.
#[derive(Debug, Default)]
pub(super) struct Demand(Mutex<HashMap<OrgId, i64>>);

impl Demand {
    /// Whether one more checkpoint of this org is made now because somebody asks.
    pub(super) fn grants(&self, org: &OrgId, now: At) -> bool {
        let now = now.as_microsecond();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ORGS_MAX {
            all.retain(|_, whole| *whole > now);
        }
        let whole = all.get(org).map_or(now, |whole| now.max(*whole)) + EACH_MICROS;
        let granted = whole - now <= IN_A_ROW * EACH_MICROS;
        if granted {
            all.insert(org.clone(), whole);
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_org_is_served_by_the_clock_and_slows_no_other() {
        let demand = Demand::default();
        let at = |secs| At::from_second(secs).unwrap();
        let (ours, theirs) = (OrgId::new(at(1)), OrgId::new(at(2)));
        let asked = (0..100).filter(|_| demand.grants(&ours, at(1_000))).count();
        assert_eq!(asked, 20);
        assert!(demand.grants(&theirs, at(1_000)));
        assert_eq!((0..100).filter(|_| demand.grants(&ours, at(1_003))).count(), 3);
        assert_eq!((0..100).filter(|_| demand.grants(&ours, at(1_500))).count(), 20);
    }
}
