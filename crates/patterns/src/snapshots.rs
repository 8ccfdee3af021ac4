//! The snapshots that this node holds: loaded when first needed, replaced after changes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use access::{Caller, Databases, OrgId, Region, Scope};
use base::args;
use base::db::{DbError, Within};

use crate::seals::Seals;
use crate::snapshot::Snapshot;
use crate::sql;

/// Every snapshot in memory. While a database is down, its orgs are served from here.
#[derive(Debug)]
pub(crate) struct Snapshots {
    databases: Databases,
    seals: Arc<Seals>,
    slots: RwLock<HashMap<OrgId, Arc<Slot>>>,
}

/// Orgs whose patterns are held, at most: the next call of another one reads them again.
const SLOTS_MAX: usize = 16_384;

/// One org's place.
#[derive(Debug)]
struct Slot {
    region: Region,
    held: RwLock<Held>,
    /// One load at a time: many callers after a start need only one.
    loading: tokio::sync::Mutex<()>,
}

/// INVARIANT: the snapshot's version is at least `floor`, and never falls.
#[derive(Debug, Default)]
struct Held {
    floor: i64,
    snapshot: Option<Arc<Snapshot>>,
}

impl Slot {
    fn get(&self) -> Option<Arc<Snapshot>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).snapshot.clone()
    }

    /// Keeps the newer of what is held and what was loaded.
    fn put(&self, loaded: Snapshot) -> Option<Arc<Snapshot>> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.version >= held.floor {
            held.floor = loaded.version;
            held.snapshot = Some(Arc::new(loaded));
        }
        held.snapshot.clone()
    }

    /// The next use reads it anew.
    fn forget(&self) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).snapshot = None;
    }

    /// Never again shows what is older than `version`.
    fn raise(&self, version: i64) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.floor = held.floor.max(version);
        if held.snapshot.as_ref().is_some_and(|snapshot| snapshot.version < version) {
            held.snapshot = None;
        }
    }
}

impl Snapshots {
    pub(crate) fn new(databases: &Databases, seals: Arc<Seals>) -> Self {
        Self { databases: databases.clone(), seals, slots: RwLock::default() }
    }

    /// The snapshot of the caller's org. What the caller may see of it is for the verbs to say.
    pub(crate) async fn of(&self, caller: &Caller) -> Result<Arc<Snapshot>, DbError> {
        let slot = self.slot(&caller.org, caller.region);
        if caller.standing.session.is_some() {
            // Whoever changed something in the console sees it, whichever node shows it.
            self.look_again(caller, &slot).await;
        }
        if let Some(snapshot) = slot.get() {
            return Ok(snapshot);
        }
        let _turn = slot.loading.lock().await;
        if let Some(snapshot) = slot.get() {
            return Ok(snapshot);
        }
        self.load(&caller.org, &slot).await
    }

    /// Replaces a snapshot after a change that is on disk. When that fails, the old snapshot
    /// is not shown again: a retired pattern must not answer.
    pub(crate) async fn changed(&self, org: &OrgId, region: Region, version: i64) {
        let slot = self.slot(org, region);
        let _turn = slot.loading.lock().await;
        if let Err(error) = self.load(org, &slot).await {
            tracing::warn!(org.id = %org, error = &error as &dyn std::error::Error,
                "patterns could not be read after a change");
        }
        slot.raise(version);
    }

    /// Another process changed something of this org: what is held of it is replaced if it
    /// is older. When nobody can say, it is not shown again.
    pub(crate) async fn heed(&self, org: &OrgId, region: Region) {
        let Some(held) = self.versions(region).get(org).copied() else { return };
        let scope = Caller::node(org.clone(), region, "patterns").itself();
        match self.version(&scope).await {
            Ok(Some(version)) if version <= held => {}
            Ok(Some(version)) => self.changed(org, region, version).await,
            Ok(None) | Err(_) => self.slot(org, region).forget(),
        }
    }

    /// What is held is replaced if another process changed it. A database that is away says
    /// nothing about it.
    async fn look_again(&self, caller: &Caller, slot: &Slot) {
        let Some(held) = slot.get() else { return };
        if let Ok(Some(version)) = self.version(&caller.itself()).await
            && version > held.version
        {
            self.changed(&caller.org, caller.region, version).await;
        }
    }

    async fn version(&self, scope: &Scope) -> Result<Option<i64>, DbError> {
        let row = self.databases.of(scope)?.maybe(sql::VERSION_OF_ORG, args![]).await?;
        row.map(|row| row.int("version")).transpose()
    }

    /// Nothing that is held of a region is shown before it was read anew.
    pub(crate) fn doubt(&self, region: Region) {
        for org in self.versions(region).into_keys() {
            self.slot(&org, region).forget();
        }
    }

    /// Replaces the snapshots that other nodes have changed since they were loaded.
    pub(crate) async fn follow(&self) -> Result<(), DbError> {
        for (region, db) in self.databases.iter() {
            let held = self.versions(region);
            let mut after = String::new();
            while !held.is_empty() {
                let args = args![after.as_str()];
                let rows = db.all(&Within::node(), sql::VERSIONS_OF_ORGS, args).await?;
                let Some(last) = rows.last() else { break };
                after = last.text("org_id")?;
                for row in &rows {
                    let org: OrgId = row.parse("org_id")?;
                    let version = row.int("version")?;
                    if held.get(&org).is_some_and(|held| *held < version) {
                        self.changed(&org, region, version).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn load(&self, org: &OrgId, slot: &Slot) -> Result<Arc<Snapshot>, DbError> {
        // The snapshot is this node's own: it holds what no single caller may see.
        let scope = Caller::node(org.clone(), slot.region, "patterns").itself();
        let rows = self.databases.of(&scope)?.all(sql::EVERY, args![]).await?;
        let snapshot = Snapshot::load(rows, self.seals.clone(), slot.region, org.clone()).await?;
        slot.put(snapshot).ok_or_else(|| {
            let stale = std::io::Error::other("the database gave patterns from before a change");
            DbError::unreadable("version", stale)
        })
    }

    fn versions(&self, region: Region) -> HashMap<OrgId, i64> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slots = slots.iter().filter(|(_, slot)| slot.region == region);
        slots.filter_map(|(org, slot)| Some((org.clone(), slot.get()?.version))).collect()
    }

    /// The org is at home elsewhere from now on: it is read anew there.
    pub(crate) fn moved(&self, org: &OrgId) {
        self.slots.write().unwrap_or_else(PoisonError::into_inner).remove(org);
    }

    fn slot(&self, org: &OrgId, region: Region) -> Arc<Slot> {
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(org) {
            return slot.clone();
        }
        let fresh = || {
            Arc::new(Slot {
                region,
                held: RwLock::default(),
                loading: tokio::sync::Mutex::default(),
            })
        };
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut slots, SLOTS_MAX);
        slots.entry(org.clone()).or_insert_with(fresh).clone()
    }
}

/// Where there are too many, an eighth of them goes: slots that nobody has at this moment, so
/// that nobody reads what they would be filled with.
fn make_room(slots: &mut HashMap<OrgId, Arc<Slot>>, most: usize) {
    if slots.len() < most {
        return;
    }
    let mut over = most / 8 + 1;
    slots.retain(|_, slot| {
        let goes = over > 0 && Arc::strong_count(slot) == 1;
        over -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(slot: &Slot) -> Option<i64> {
        slot.get().map(|snapshot| snapshot.version)
    }

    #[test]
    fn a_late_load_never_replaces_a_newer_one() {
        let slot = Slot {
            region: Region::Eu,
            held: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
        };
        slot.put(Snapshot::of(2, Vec::new()));
        assert_eq!(slot.put(Snapshot::of(1, Vec::new())).map(|snapshot| snapshot.version), Some(2));
        slot.raise(2);
        assert_eq!(held(&slot), Some(2));
        // A change is on disk and could not be read back: what was held is out of date.
        slot.raise(3);
        assert_eq!(held(&slot), None);
        assert!(slot.put(Snapshot::of(2, Vec::new())).is_none(), "it was read before the change");
        slot.put(Snapshot::of(3, Vec::new()));
        assert_eq!(held(&slot), Some(3));
    }

    #[test]
    fn slots_that_nobody_has_make_room() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let slot = || Slot {
            region: Region::Eu,
            held: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
        };
        let mut slots: HashMap<_, _> =
            (0..16).map(|_| (OrgId::new(at), Arc::new(slot()))).collect();
        make_room(&mut slots, 17);
        assert_eq!(slots.len(), 16, "there is room");
        let held: Vec<_> = slots.values().take(15).cloned().collect();
        make_room(&mut slots, 16);
        assert_eq!(slots.len(), 15, "the others are in use");
        drop(held);
        make_room(&mut slots, 15);
        assert_eq!(slots.len(), 13);
    }
}
