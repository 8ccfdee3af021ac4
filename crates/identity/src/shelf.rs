//! Where the snapshots of orgs stand ready.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use access::{Life, OrgId, Region, Unrecorded};
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
        match self.place(org) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// The turn of an org, if nobody has it.
    fn free(&self, org: &OrgId) -> Option<MutexGuard<'_, ()>> {
        self.place(org)?.try_lock().ok()
    }

    fn place(&self, org: &OrgId) -> Option<&Mutex<()>> {
        let mut hasher = DefaultHasher::new();
        org.hash(&mut hasher);
        self.0.get(usize::try_from(hasher.finish() % TURNS).unwrap_or_default())
    }
}

/// Orgs that stand ready at most, beside those in which something runs and those whose calls
/// go on without the database; [`Shelf::tidy`] sees to it.
const ORGS_MAX: usize = 16_384;
/// Orgs that make room together, beyond those that are too many.
const ROOM: usize = ORGS_MAX / 8;

/// The newest snapshot of each org that was used lately.
#[derive(Debug, Default)]
pub(crate) struct Shelf(RwLock<BTreeMap<OrgId, Slot>>);

#[derive(Debug, Default)]
struct Slot {
    snapshot: Option<Arc<OrgSnapshot>>,
    /// What was taken away: calls may still run on the lives in it.
    forgotten: Option<Arc<OrgSnapshot>>,
    /// The newest version that is known to be committed: nothing older may enter.
    floor: u64,
    /// When it was last asked whether there is a newer one, on behalf of a stranger.
    asked: Option<Instant>,
    /// Whether it was used since room was made last.
    used: AtomicBool,
}

impl Slot {
    /// Whether it can be read anew by whoever needs it next, and nobody notices.
    fn is_idle(&self) -> bool {
        let free = |snapshot: &Arc<OrgSnapshot>| {
            Arc::strong_count(snapshot) == 1
                && snapshot.rules.unrecorded() == Unrecorded::Refuse
                && snapshot.is_idle()
        };
        self.forgotten.is_none() && self.snapshot.as_ref().is_none_or(free)
    }
}

/// How often strangers can have that asked, for one org.
const ASKED_EVERY: Duration = Duration::from_millis(100);

impl Shelf {
    pub(crate) fn get(&self, org: &OrgId) -> Option<Arc<OrgSnapshot>> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(org)?;
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        slot.snapshot.clone()
    }

    /// Makes room where there are too many: who was not used since last time goes first.
    ///
    /// INVARIANT: nobody reads an org as it goes, so whoever reads it next knows of every
    /// change that its floor knew of.
    pub(crate) fn tidy(&self, turns: &Turns) {
        self.keep(turns, ORGS_MAX, ROOM);
    }

    fn keep(&self, turns: &Turns, most: usize, room: usize) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if slots.len() <= most {
            return;
        }
        let mut left = slots.len() - most + room;
        for pass in 0..2 {
            slots.retain(|org, slot| {
                let stays = pass == 0 && slot.used.swap(false, Ordering::Relaxed);
                if left == 0 || stays || !slot.is_idle() {
                    return true;
                }
                let turn = turns.free(org);
                left -= usize::from(turn.is_some());
                turn.is_none()
            });
        }
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

    /// The next ones behind an org, in the order of ids, and of which version each stands here.
    pub(crate) fn behind(&self, org: Option<&OrgId>, most: usize) -> Vec<(OrgId, Region, u64)> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let from = org.map_or(Bound::Unbounded, Bound::Excluded);
        let standing = slots.range((from, Bound::Unbounded)).filter_map(|(org, slot)| {
            let snapshot = slot.snapshot.as_ref()?;
            Some((org.clone(), snapshot.org.region, snapshot.version))
        });
        standing.take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

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

    #[test]
    fn orgs_make_room_unless_something_runs_in_them_or_somebody_reads_them() {
        let (shelf, turns, read) = (Shelf::default(), Turns::default(), OrgId::new(at()));
        let _turn = turns.free(&read);
        // Those that share no turn with it.
        let orgs = std::iter::repeat_with(|| OrgId::new(at()));
        let orgs: Vec<OrgId> = orgs.filter(|org| turns.free(org).is_some()).take(99).collect();
        for org in orgs.iter().chain([&read]) {
            shelf.put(snapshot(org, 7), at());
        }
        let is_there = |org: &OrgId| shelf.floor(org) == 7;
        shelf.keep(&turns, 100, 10);
        assert!(orgs.iter().all(is_there), "there is room for all");

        let held = shelf.get(&orgs[0]);
        for org in &orgs[50..60] {
            shelf.get(org);
        }
        shelf.keep(&turns, 50, 10);
        assert_eq!(orgs.iter().filter(|org| is_there(org)).count(), 39);
        assert!(is_there(&orgs[0]) && is_there(&read), "it is used, it is read");
        assert!(orgs[50..60].iter().all(is_there), "they were used lately");

        shelf.keep(&turns, 1, 1);
        assert!(is_there(&orgs[0]) && is_there(&read) && !is_there(&orgs[50]));
        drop(held);
        shelf.keep(&turns, 1, 0);
        assert!(!is_there(&orgs[0]));
        assert!(shelf.put(snapshot(&orgs[0], 8), at()).is_some(), "it is read anew");
    }
}
