//! Where orgs are that moved, and the gate before the rows of an org.
//!
//! An org that never moved is not listed: it is at home in the region that its keys name.
//! Of one that moved two regions are known: where its rows are (`home`), and in which it
//! began (`born`). What must outlast a move hangs on the keys of the region where it began:
//! keyed hashes, sealed values, the name of its log and the key that signs it.
//!
//! ```text
//! enter ──► pass ──► a unit of work ──► the pass is dropped
//! close: nobody enters any more; once nobody is inside, nothing of the org is written
//! open:  whoever waits goes on, where the org is at home now
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::{OrgId, Region};

/// How long a unit of work waits before a closed gate. A fence is lifted long before.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Where orgs are, and who is writing. Cheap to clone; one for each process.
#[derive(Debug, Clone, Default)]
pub struct Homes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    moved: RwLock<HashMap<OrgId, Moved>>,
    gates: Mutex<HashMap<OrgId, Gate>>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Moved {
    born: Region,
    home: Region,
}

#[derive(Debug, Default)]
struct Gate {
    inside: usize,
    closed: bool,
}

/// Somebody may write in an org; as long as it is held, the gate is not shut behind them.
#[derive(Debug)]
pub struct Pass {
    homes: Homes,
    org: OrgId,
}

/// The org is moving, and the gate stayed closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the organization is moving to another region: try again in a moment")]
pub struct Moving;

impl Homes {
    /// Where the rows of an org are; `named` is what its keys or a caller say.
    pub fn home(&self, org: &OrgId, named: Region) -> Region {
        self.moved(org).map_or(named, |moved| moved.home)
    }

    /// In which region an org began; `named` for one that never moved.
    pub fn born(&self, org: &OrgId, named: Region) -> Region {
        self.moved(org).map_or(named, |moved| moved.born)
    }

    /// Orgs that began in a region and are at home in another.
    pub fn away(&self, from: Region) -> Vec<OrgId> {
        let all = self.0.moved.read().unwrap_or_else(PoisonError::into_inner);
        let away = all.iter().filter(|(_, moved)| moved.born == from && moved.home != from);
        away.map(|(org, _)| org.clone()).collect()
    }

    /// Notes where an org that moved is at home.
    pub fn settle(&self, org: &OrgId, born: Region, home: Region) {
        let mut all = self.0.moved.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(org.clone(), Moved { born, home });
    }

    /// Enters, if the gate is open.
    pub fn try_enter(&self, org: &OrgId) -> Option<Pass> {
        let mut gates = self.gates();
        let gate = gates.entry(org.clone()).or_default();
        if gate.closed {
            return None;
        }
        gate.inside += 1;
        Some(Pass { homes: self.clone(), org: org.clone() })
    }

    /// Enters, and waits for it while the gate is closed.
    pub async fn enter(&self, org: &OrgId) -> Result<Pass, Moving> {
        if let Some(pass) = self.try_enter(org) {
            return Ok(pass);
        }
        let opened = async {
            loop {
                // Listened for before the gate is tried: no opening is missed.
                let changed = self.0.changed.notified();
                if let Some(pass) = self.try_enter(org) {
                    return pass;
                }
                changed.await;
            }
        };
        tokio::time::timeout(WAIT_MAX, opened).await.map_err(|_| Moving)
    }

    /// Enters through a closed gate: what waited before it, in its order, before it opens.
    pub fn enter_first(&self, org: &OrgId) -> Pass {
        self.gates().entry(org.clone()).or_default().inside += 1;
        Pass { homes: self.clone(), org: org.clone() }
    }

    /// Closes the gate. Whoever is inside goes on.
    pub fn close(&self, org: &OrgId) {
        self.gates().entry(org.clone()).or_default().closed = true;
    }

    /// Waits until nobody is inside.
    pub async fn left(&self, org: &OrgId) {
        loop {
            let changed = self.0.changed.notified();
            if self.gates().get(org).is_none_or(|gate| gate.inside == 0) {
                return;
            }
            changed.await;
        }
    }

    /// Opens the gate.
    pub fn open(&self, org: &OrgId) {
        let mut gates = self.gates();
        if let Some(gate) = gates.get_mut(org) {
            gate.closed = false;
            if gate.inside == 0 {
                gates.remove(org);
            }
        }
        drop(gates);
        self.0.changed.notify_waiters();
    }

    fn moved(&self, org: &OrgId) -> Option<Moved> {
        let all = self.0.moved.read().unwrap_or_else(PoisonError::into_inner);
        all.get(org).copied()
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<OrgId, Gate>> {
        self.0.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut gates = self.homes.gates();
        let Some(gate) = gates.get_mut(&self.org) else { return };
        gate.inside = gate.inside.saturating_sub(1);
        if gate.inside > 0 {
            return;
        }
        if gate.closed {
            drop(gates);
            self.homes.0.changed.notify_waiters();
        } else {
            gates.remove(&self.org);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org() -> OrgId {
        OrgId::new("2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_org_that_never_moved_is_where_its_keys_say() {
        let (homes, org) = (Homes::default(), org());
        assert_eq!(
            (homes.home(&org, Region::Us), homes.born(&org, Region::Us)),
            (Region::Us, Region::Us)
        );
        homes.settle(&org, Region::Us, Region::Eu);
        for named in [Region::Us, Region::Eu] {
            let known = (homes.home(&org, named), homes.born(&org, named));
            assert_eq!(known, (Region::Eu, Region::Us));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_enters_a_closed_gate_and_whoever_waits_goes_on_when_it_opens() {
        let (homes, org) = (Homes::default(), org());
        let inside = homes.enter(&org).await.unwrap();
        homes.close(&org);
        assert!(homes.try_enter(&org).is_none());
        assert!(tokio::time::timeout(Duration::from_secs(1), homes.left(&org)).await.is_err());
        drop(inside);
        homes.left(&org).await;
        let opens = async { homes.open(&org) };
        let (entered, ()) = tokio::join!(homes.enter(&org), opens);
        assert_eq!(entered.map(drop), Ok(()));
        homes.close(&org);
        assert_eq!(homes.enter(&org).await.map(drop), Err(Moving), "not for ever");
        assert!(homes.gates().len() == 1);
        homes.open(&org);
        assert!(homes.gates().is_empty(), "nothing is kept of an open gate");
    }
}
