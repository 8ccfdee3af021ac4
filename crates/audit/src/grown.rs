//! Which records grew lately. Whoever follows all records of a node asks for these, and for
//! all of them seldom: what that costs must not grow with the orgs that rest.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use access::OrgId;

use crate::Record;

/// Orgs that one follower is told of at most; beyond that it looks at all.
const ORGS_MAX: usize = 65_536;
/// How often a follower looks at all, for what another process left: at most so often, and
/// at most this part of the time.
const ALL_EVERY: Duration = Duration::from_mins(1);
const ALL_PARTS: u32 = 50;

/// What is done behind the calls with each org that grew costs files, signatures, commits. What a
/// few orgs took is followed by so many times as long for the calls, up to a bound.
const RESTS: u32 = 9;
const REST_MAX: Duration = Duration::from_secs(10);

/// How long a follower of many orgs leaves the node to the calls, after something took so long.
pub fn rest_after(took: Duration) -> Duration {
    took.saturating_mul(RESTS).min(REST_MAX)
}

/// What one follower has not asked for yet. It looks at all first.
#[derive(Debug, Clone)]
pub struct Grown(Arc<Mutex<Waiting>>);

#[derive(Debug)]
struct Waiting {
    orgs: BTreeSet<OrgId>,
    /// When it is to look at all.
    all: Instant,
}

/// Which records a follower is to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lately {
    /// Those of these orgs, in whichever region they are.
    pub orgs: BTreeSet<OrgId>,
    /// And all there are, until it says that it has: [`Grown::looked`].
    pub all: bool,
}

/// Everybody who follows.
#[derive(Debug, Default)]
pub(crate) struct Followers(Mutex<Vec<Weak<Mutex<Waiting>>>>);

impl Record {
    /// Follows which records grow from now on, in all regions of this node.
    pub fn grown(&self) -> Grown {
        self.heads.followers.add()
    }

    /// Another process added to the record of an org.
    pub fn grew(&self, org: &OrgId) {
        self.heads.followers.tell([org]);
    }
}

impl Followers {
    pub(crate) fn add(&self) -> Grown {
        let waiting = Arc::new(Mutex::new(Waiting { orgs: BTreeSet::new(), all: Instant::now() }));
        self.all().push(Arc::downgrade(&waiting));
        Grown(waiting)
    }

    pub(crate) fn tell<'a>(&self, orgs: impl IntoIterator<Item = &'a OrgId>) {
        let mut all = self.all();
        all.retain(|follower| follower.strong_count() > 0);
        let followers: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        for org in orgs {
            for waiting in &followers {
                locked(waiting).add(org);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<Mutex<Waiting>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grown {
    /// What there is to look at since this was last asked.
    pub fn take(&self) -> Lately {
        let mut waiting = locked(&self.0);
        Lately { orgs: std::mem::take(&mut waiting.orgs), all: waiting.all <= Instant::now() }
    }

    /// How many grew since.
    pub(crate) fn len(&self) -> usize {
        locked(&self.0).orgs.len()
    }

    /// All were looked at, in so much time.
    pub fn looked(&self, took: Duration) {
        locked(&self.0).all = Instant::now() + ALL_EVERY.max(took * ALL_PARTS);
    }

    /// An org must be looked at again.
    pub fn again(&self, org: &OrgId) {
        locked(&self.0).add(org);
    }
}

impl Waiting {
    fn add(&mut self, org: &OrgId) {
        if self.orgs.contains(org) {
            return;
        }
        if self.orgs.len() >= ORGS_MAX {
            self.orgs.clear();
            self.all = Instant::now();
        }
        self.orgs.insert(org.clone());
    }
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use base::time::At;

    use super::*;

    fn orgs(count: usize) -> Vec<OrgId> {
        let at: At = "2026-01-01T00:00:00Z".parse().unwrap();
        (0..count).map(|_| OrgId::new(at)).collect()
    }

    #[test]
    fn a_follower_looks_at_all_first_and_then_at_what_grew() {
        let (followers, orgs) = (Followers::default(), orgs(2));
        let these = |all, orgs: &[OrgId]| Lately { orgs: orgs.iter().cloned().collect(), all };
        let grown = followers.add();
        followers.tell(&orgs[..1]);
        assert_eq!(grown.take(), these(true, &orgs[..1]));
        followers.tell(&orgs[1..]);
        assert_eq!(grown.take(), these(true, &orgs[1..]), "until it has looked");
        grown.looked(Duration::ZERO);
        assert_eq!(grown.take(), these(false, &[]));
        followers.tell(&orgs);
        grown.again(&orgs[0]);
        assert_eq!((grown.len(), grown.take()), (2, these(false, &orgs)));
        assert_eq!((grown.len(), grown.take()), (0, these(false, &[])));
    }

    #[test]
    fn what_is_done_behind_the_calls_is_followed_by_nine_times_as_long_for_them() {
        let millis = Duration::from_millis;
        assert_eq!(rest_after(millis(20)), millis(180));
        assert_eq!(rest_after(millis(60_000)), millis(10_000), "ten seconds at most");
    }

    #[test]
    fn a_follower_that_is_told_of_too_many_looks_at_all() {
        let (followers, orgs) = (Followers::default(), orgs(ORGS_MAX + 1));
        let grown = followers.add();
        grown.looked(Duration::ZERO);
        followers.tell(&orgs);
        assert!(grown.take().all);
        assert!(locked(&grown.0).orgs.is_empty());
    }
}
