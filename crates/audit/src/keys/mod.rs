//! The keys under which events are sealed.
//!
//! ```text
//! KMS (secret of an epoch) ──wraps──► key of the org ──wraps──► keys of its holders
//! ```
//! A holder is the org itself, a person or a thing. Its key is made when the first event
//! about it is written, and its row outlives it: what was destroyed is not made again.

mod holder;
mod key;
mod kms;
mod org_keys;
mod source;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use access::{Homes, OrgId, Region};
use base::args;
use base::db::{Db, DbError, Tx, Within};
use base::time::{At, SharedClock};

pub(crate) use self::holder::Holder;
pub(crate) use self::key::{Found, Key};
pub(crate) use self::kms::{Cell, Epoch};
pub use self::kms::{KmsConfig, KmsError, KmsToken, Sealing};
pub(crate) use self::org_keys::{OrgKeys, purpose};
pub(crate) use self::source::Source;
use self::source::Wrapping;
use crate::sql;

/// Keys that a node remembers at most; beyond that it forgets all, and reads them anew.
const REMEMBERED_MAX: usize = 65_536;
/// How long a key that another node destroyed may go on being used here.
const REMEMBERED_SECS: i64 = 60;
/// What stands in front of a holder in a stored id.
pub(crate) const MARK: char = '~';

/// The keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Keys {
    regions: BTreeMap<Region, Cell>,
    homes: Homes,
    clock: SharedClock,
    remembered: Mutex<HashMap<(OrgId, Tag), Remembered>>,
    /// Changes of this node that destroy keys and are being committed: what is remembered may
    /// be wrong.
    forgetting: AtomicUsize,
    pub(crate) of_orgs: OrgKeys,
}

/// What a holder is called in the database: a keyed hash, so that no table of the record
/// names a person. That of the org itself is empty.
pub(crate) type Tag = String;

#[derive(Debug, Clone)]
struct Remembered {
    found: Found,
    read_at: At,
}

impl Keys {
    pub(crate) fn new(
        sealing: &Sealing,
        homes: &Homes,
        clock: &SharedClock,
    ) -> Result<Self, KmsError> {
        Ok(Self {
            regions: sealing.open(clock)?,
            homes: homes.clone(),
            clock: clock.clone(),
            remembered: Mutex::default(),
            forgetting: AtomicUsize::default(),
            of_orgs: OrgKeys::default(),
        })
    }

    /// Whether events of this org are sealed without asking the KMS.
    pub(crate) fn is_warm(&self, org: &OrgId) -> bool {
        self.of_orgs.has(org, self.clock.now())
    }

    /// Has the key of an org at hand, before anybody waits within a transaction: the KMS may
    /// be far away, or away.
    pub(crate) async fn warm(&self, db: &Db, region: Region, org: &OrgId) -> Result<(), DbError> {
        if self.is_warm(org) {
            return Ok(());
        }
        let (cell, within) = (self.cell_of(org, region)?, Within::org(org.as_str()));
        match db.maybe(&within, sql::WRAPPER_NEWEST, args![org.as_str()]).await? {
            Some(row) => {
                let key = self.of_orgs.of_row(cell, org, &row).await?;
                self.of_orgs.stands(org, &key);
            }
            None => drop(self.of_orgs.ready(cell, org, self.clock.now()).await?),
        }
        Ok(())
    }

    /// What a holder is called in the database.
    pub(crate) fn tag(&self, region: Region, org: &OrgId, holder: &Holder) -> Result<Tag, DbError> {
        match holder {
            Holder::Org => Ok(Tag::new()),
            Holder::Of(id) => {
                // Of the region where the org began: what a holder is called never changes.
                let born = self.cell(self.homes.born(org, region))?;
                let tag = born.tags.tag(format!("{org}/{id}").as_bytes());
                Ok(base::hex::encode(tag.iter().take(12)))
            }
        }
    }

    /// An id as a column holds it: that of a person is not told.
    pub(crate) fn stored(&self, region: Region, org: &OrgId, id: &str) -> Result<String, DbError> {
        Ok(Self::column(id, &self.tag(region, org, &Holder::of_person(id))?))
    }

    /// The same of an id whose holder has this tag.
    pub(crate) fn column(id: &str, tag: &Tag) -> String {
        if tag.is_empty() { id.to_owned() } else { format!("{MARK}{tag}") }
    }

    /// The key of a holder, if it is at hand.
    pub(crate) fn at_hand(&self, org: &OrgId, tag: &Tag) -> Option<Found> {
        let now = self.clock.now().as_second();
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let found = remembered.get(&(org.clone(), tag.clone()))?;
        (now - found.read_at.as_second() < REMEMBERED_SECS).then(|| found.found.clone())
    }

    /// The key of a holder to write with, made within this transaction if there is none.
    pub(crate) async fn to_write(
        &self,
        tx: &mut Tx,
        (region, org): (Region, &OrgId),
        tag: &Tag,
    ) -> Result<Option<Arc<Key>>, DbError> {
        if let Some(known) = self.at_hand(org, tag) {
            return Ok(known.key());
        }
        let wrapping = self.wrapping(org, region)?;
        let mut source = Source::Within(tx, org);
        if let Some(found) = source.key(wrapping, tag).await? {
            self.remember(org, tag, found.clone());
            return Ok(found.key());
        }
        // Not remembered: whether it stays is known when the transaction has ended.
        source.make(wrapping, tag, self.clock.now()).await
    }

    /// The key of a holder to read with; none if it never had one, or has none any more.
    pub(crate) async fn to_read(
        &self,
        source: Source<'_, '_>,
        region: Region,
        tag: &Tag,
    ) -> Result<Option<Arc<Key>>, DbError> {
        Ok(self.found(source, region, tag).await?.and_then(Found::key))
    }

    /// What a holder once had; none if it never had a key.
    pub(crate) async fn found(
        &self,
        mut source: Source<'_, '_>,
        region: Region,
        tag: &Tag,
    ) -> Result<Option<Found>, DbError> {
        let org = source.org().clone();
        if let Some(known) = self.at_hand(&org, tag) {
            return Ok(Some(known));
        }
        let found = source.key(self.wrapping(&org, region)?, tag).await?;
        if let Some(found) = &found {
            self.remember(&org, tag, found.clone());
        }
        Ok(found)
    }

    /// Whether the key of a holder was destroyed, as somebody knows who has locked the head of
    /// the org. An erasure of another node may be seen a second late.
    pub(crate) async fn is_gone(
        &self,
        tx: &mut Tx,
        org: &OrgId,
        tag: &Tag,
    ) -> Result<bool, DbError> {
        if tag.is_empty() {
            return Ok(false);
        }
        let is_sure = self.forgetting.load(Ordering::Acquire) == 0;
        if let Some(known) = self.at_hand(org, tag).filter(|_| is_sure) {
            return Ok(matches!(known, Found::Destroyed));
        }
        let row = tx.maybe(sql::KEY_OF, args![org.as_str(), tag.as_str()]).await?;
        Ok(row.map(|row| row.opt_bytes("wrapped")).transpose()?.is_some_and(|key| key.is_none()))
    }

    /// Until it is dropped, what is remembered is not relied on: a change that destroys keys is
    /// being committed.
    pub(crate) fn forgetting(self: &Arc<Self>) -> Forgetting {
        self.forgetting.fetch_add(1, Ordering::AcqRel);
        Forgetting(Arc::clone(self))
    }

    /// INVARIANT: what is known to be destroyed stays so: a reading that began before it was
    /// destroyed, and ends after, changes nothing.
    pub(crate) fn remember(&self, org: &OrgId, tag: &Tag, found: Found) {
        let read_at = self.clock.now();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (org.clone(), tag.clone());
        let destroyed = |known: &Remembered| matches!(known.found, Found::Destroyed);
        let found =
            if remembered.get(&place).is_some_and(destroyed) { Found::Destroyed } else { found };
        if remembered.len() >= REMEMBERED_MAX {
            // A destroyed one goes when no reading can be under way any more that saw it living.
            let young = |known: &Remembered| {
                read_at.as_second() - known.read_at.as_second() < REMEMBERED_SECS
            };
            remembered.retain(|_, known| destroyed(known) && young(known));
        }
        remembered.insert(place, Remembered { found, read_at });
    }

    fn wrapping(&self, org: &OrgId, region: Region) -> Result<Wrapping<'_>, DbError> {
        Ok(Wrapping { cell: self.cell_of(org, region)?, of_orgs: &self.of_orgs })
    }

    /// What wraps the keys of an org, where it is at home.
    fn cell_of(&self, org: &OrgId, region: Region) -> Result<&Cell, DbError> {
        self.cell(self.homes.home(org, region))
    }

    pub(crate) fn cell(&self, region: Region) -> Result<&Cell, DbError> {
        self.regions.get(&region).ok_or_else(|| KmsError::NotHere.into())
    }
}

/// See [`Keys::forgetting`].
#[derive(Debug)]
pub(crate) struct Forgetting(Arc<Keys>);

impl Drop for Forgetting {
    fn drop(&mut self) {
        self.0.forgetting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use base::seal::RootKey;
    use base::testing::StillClock;

    use super::*;

    #[test]
    fn a_full_memory_takes_no_destroyed_key_back() {
        let clock = StillClock::new().shared();
        let roots = BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).unwrap())]);
        let keys = Keys::new(&(&roots).into(), &Homes::default(), &clock).unwrap();
        let (org, gone) = (OrgId::new(clock.now()), "gone".to_owned());
        let living = Found::Key(Arc::new(Key::fresh().unwrap()));
        keys.remember(&org, &gone, Found::Destroyed);
        for other in 0..REMEMBERED_MAX {
            keys.remember(&org, &other.to_string(), living.clone());
        }
        // A reading that began before it was destroyed ends now.
        keys.remember(&org, &gone, living);
        assert!(matches!(keys.at_hand(&org, &gone), Some(Found::Destroyed)));
    }
}
