//! Where the snapshots of orgs stand ready.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use access::{Life, OrgId, Region};
use base::time::At;
use tokio::sync::{Mutex, MutexGuard};

use crate::snapshot::OrgSnapshot;

/// One reading of an org at a time: many changes at once need one reading behind the
/// last of them. Orgs share turns, so that strangers' names cannot fill the memory.
#[derive(Debug)]
pub(crate) struct Turns(Vec<Mutex<()>>);

/// Turns that there are: orgs that share one read after another.
const TURNS: u64 = 256;

impl Default for Turns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Mutex::default()).collect())
    }
}

impl Turns {
    /// Waits for the turn of an org.
    pub(crate) async fn of(&self, org: &OrgId) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        org.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % TURNS).unwrap_or_default();
        match self.0.get(place) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

/// The newest snapshot of each org that was used.
#[derive(Debug, Default)]
pub(crate) struct Shelf(RwLock<HashMap<OrgId, Slot>>);

#[derive(Debug, Default)]
struct Slot {
    snapshot: Option<Arc<OrgSnapshot>>,
    /// What was taken away: calls may still run on the lives in it.
    forgotten: Option<Arc<OrgSnapshot>>,
    /// The newest version that is known to be committed: nothing older may enter.
    floor: u64,
    /// When it was last asked whether there is a newer one, on behalf of a stranger.
    asked: Option<Instant>,
}

/// How often strangers can have that asked, for one org.
const ASKED_EVERY: Duration = Duration::from_millis(100);

impl Shelf {
    pub(crate) fn get(&self, org: &OrgId) -> Option<Arc<OrgSnapshot>> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(org).and_then(|slot| slot.snapshot.clone())
    }

    /// Puts a snapshot in its place, unless it is older than what is known: a
    /// revoked key must not come back. What runs on credentials that it does not know
    /// as good any more ends. Gives what stands there then, if that is new enough.
    ///
    /// INVARIANT: one after the other for an org: whoever reads it holds its turn.
    pub(crate) fn put(&self, mut snapshot: OrgSnapshot, now: At) -> Option<Arc<OrgSnapshot>> {
        let former = {
            let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let slot = slots.get(&snapshot.org.id);
            slot.and_then(|slot| slot.snapshot.clone().or_else(|| slot.forgotten.clone()))
        };
        let newer = former.as_ref().is_none_or(|former| former.version <= snapshot.version);
        let over = if newer { snapshot.inherit(former.as_deref(), now) } else { Vec::new() };
        let standing = {
            let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let slot = slots.entry(snapshot.org.id.clone()).or_default();
            if snapshot.version >= slot.floor {
                slot.floor = snapshot.version;
                slot.snapshot = Some(Arc::new(snapshot));
                slot.forgotten = None;
            }
            slot.snapshot.clone().filter(|standing| standing.version >= slot.floor)
        };
        over.iter().for_each(Life::end);
        standing
    }

    /// Whether a stranger may have it asked if there is a newer version of an org.
    pub(crate) fn may_ask(&self, org: &OrgId) -> bool {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.get_mut(org) else { return false };
        let may = slot.asked.is_none_or(|asked| asked.elapsed() >= ASKED_EVERY);
        if may {
            slot.asked = Some(Instant::now());
        }
        may
    }

    /// A change was committed as this version: nothing older may enter from now on.
    pub(crate) fn raise(&self, org: &OrgId, version: u64) {
        if self.floor(org) >= version {
            return;
        }
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(org.clone()).or_default();
        slot.floor = slot.floor.max(version);
    }

    /// Takes a snapshot away: the next use reads the org anew, or is refused. What runs
    /// goes on until somebody could read the org, or [`Shelf::end_forgotten`].
    pub(crate) fn forget(&self, org: &OrgId) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get_mut(org) {
            slot.forgotten = slot.snapshot.take().or_else(|| slot.forgotten.take());
        }
    }

    /// The orgs whose snapshots were taken away and not replaced since.
    pub(crate) fn forgotten(&self) -> Vec<(OrgId, Region)> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let forgotten =
            slots.iter().filter_map(|(org, slot)| Some((org, slot.forgotten.as_ref()?)));
        forgotten.map(|(org, snapshot)| (org.clone(), snapshot.org.region)).collect()
    }

    /// The orgs of a region of which something is remembered, or runs.
    pub(crate) fn of_region(&self, region: Region) -> Vec<OrgId> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_there = |slot: &Slot| {
            let mut held = [&slot.snapshot, &slot.forgotten].into_iter().flatten();
            held.any(|snapshot| snapshot.org.region == region)
        };
        slots.iter().filter(|(_, slot)| is_there(slot)).map(|(org, _)| org.clone()).collect()
    }

    /// Ends what still runs in an org that cannot be read, or is not there any more.
    pub(crate) fn end_forgotten(&self, org: &OrgId) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(forgotten) = slots.get_mut(org).and_then(|slot| slot.forgotten.take()) {
            forgotten.end();
        }
    }

    /// Ends what runs on keys whose time is up.
    pub(crate) fn expire(&self, now: At) {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let held = slots.values().flat_map(|slot| [&slot.snapshot, &slot.forgotten]);
        held.flatten().for_each(|snapshot| snapshot.expire(now));
    }

    /// The newest version that is known to be committed.
    pub(crate) fn floor(&self, org: &OrgId) -> u64 {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(org).map(|slot| slot.floor).unwrap_or_default()
    }

    /// Whether something stands here that is older than what is known. An empty place
    /// is not behind: its next use reads the org.
    pub(crate) fn is_behind(&self, org: &OrgId) -> bool {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(org);
        slot.is_some_and(|slot| {
            slot.snapshot.as_ref().is_some_and(|standing| standing.version < slot.floor)
        })
    }

    /// The versions that stand here.
    pub(crate) fn versions(&self) -> HashMap<OrgId, u64> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let version = |slot: &Slot| slot.snapshot.as_ref().map(|snapshot| snapshot.version);
        slots.iter().filter_map(|(org, slot)| Some((org.clone(), version(slot)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Org;
    use crate::rules::Rules;
    use crate::snapshot::Raw;

    fn at() -> At {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn snapshot(id: &OrgId, version: u64) -> OrgSnapshot {
        OrgSnapshot::compile(Raw {
            org: Org {
                id: id.clone(),
                name: "Acme".to_owned(),
                slug: "acme".to_owned(),
                region: access::Region::Eu,
                created_at: at(),
            },
            version,
            rules: Rules::default(),
            holders: Vec::new(),
            teams: Vec::new(),
            team_names: HashMap::new(),
            roles: HashMap::new(),
            grants: Vec::new(),
            keys: Vec::new(),
            guard: None,
        })
    }

    #[test]
    fn an_older_snapshot_never_replaces_a_newer_one() {
        let shelf = Shelf::default();
        let org = OrgId::new(at());
        let standing = |shelf: &Shelf| shelf.get(&org).map(|snapshot| snapshot.version);
        shelf.put(snapshot(&org, 5), at());
        shelf.put(snapshot(&org, 4), at());
        assert_eq!(standing(&shelf), Some(5));
        shelf.raise(&org, 7);
        shelf.put(snapshot(&org, 6), at());
        assert_eq!(standing(&shelf), Some(5), "6 was read before 7 was committed");
        shelf.forget(&org);
        shelf.put(snapshot(&org, 6), at());
        assert_eq!(standing(&shelf), None, "nor does it enter an empty place");
        shelf.put(snapshot(&org, 7), at());
        assert_eq!(standing(&shelf), Some(7));
    }

    #[test]
    fn one_reading_serves_everybody_who_waited_for_it() {
        let shelf = Shelf::default();
        let org = OrgId::new(at());
        shelf.raise(&org, 4);
        assert!(!shelf.is_behind(&org), "nothing stands here: the first use reads it");
        shelf.put(snapshot(&org, 5), at());
        for version in 6..9 {
            shelf.raise(&org, version);
            assert!(shelf.is_behind(&org));
        }
        assert!(shelf.put(snapshot(&org, 7), at()).is_none(), "8 was committed meanwhile");
        assert!(shelf.is_behind(&org) && shelf.get(&org).is_some(), "nobody is kept out");
        assert!(shelf.put(snapshot(&org, 8), at()).is_some());
        assert!(!shelf.is_behind(&org), "whoever waited for 6 or 7 reads nothing more");
    }
}
