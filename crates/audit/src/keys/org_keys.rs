//! Keys of orgs that a node has opened, so that it can go on while the KMS is away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::OrgId;
use base::db::{DbError, Row};
use base::seal::{RootKey, Sealer};
use base::time::At;

use super::kms::Cell;

/// Orgs whose keys are remembered at most; beyond that one of them is forgotten.
const ORGS_MAX: usize = 65_536;
/// Keys of one org that are remembered: the newest, the one before it while keys move, and
/// what another node wrapped anew.
const OF_AN_ORG_MAX: usize = 4;
/// How long a key that was made for an org, and that is not in the database, may still be put
/// there. Far less than an epoch lasts: whatever is put there was wrapped in a living one.
const READY_SECS: i64 = 3_600;

/// An org's key, which wraps those of its holders.
#[derive(Debug)]
pub(crate) struct OrgKey {
    pub(crate) epoch: i64,
    /// As the database has it. What is remembered is found by it, so that a transaction that
    /// came to nothing, or a row that was replaced, misleads nobody.
    pub(crate) wrapped: Vec<u8>,
    pub(crate) sealer: Sealer,
}

#[derive(Debug)]
struct Known {
    key: Arc<OrgKey>,
    /// Made here for an org that had none, at this instant, and not seen in the database yet.
    made_at: Option<At>,
}

/// What is remembered of the orgs of this node.
#[derive(Debug, Default)]
pub(crate) struct OrgKeys(Mutex<HashMap<OrgId, Vec<Known>>>);

impl OrgKeys {
    /// Whether an event of this org can be sealed without asking the KMS.
    pub(crate) fn has(&self, org: &OrgId, now: At) -> bool {
        let ready = |known: &Known| known.made_at.is_none_or(|made_at| is_ready(made_at, now));
        self.all().get(org).is_some_and(|keys| keys.iter().any(ready))
    }

    /// The newest key of an org that is remembered here, whoever else has it.
    pub(crate) fn at_hand(&self, org: &OrgId) -> Option<Arc<OrgKey>> {
        Some(self.all().get(org)?.last()?.key.clone())
    }

    /// The key in a row with `epoch` and `wrapped`.
    pub(crate) async fn of_row(
        &self,
        cell: &Cell,
        org: &OrgId,
        row: &Row,
    ) -> Result<Arc<OrgKey>, DbError> {
        self.opened(cell, org, row.int("epoch")?, &row.bytes("wrapped")?).await
    }

    /// The key that stands wrapped like this in the database.
    pub(crate) async fn opened(
        &self,
        cell: &Cell,
        org: &OrgId,
        epoch: i64,
        wrapped: &[u8],
    ) -> Result<Arc<OrgKey>, DbError> {
        if let Some(known) = self.known(org, epoch, wrapped) {
            return Ok(known);
        }
        let raw = cell.unwrap(&purpose(org, epoch), wrapped).await?;
        Ok(self.remember(org, OrgKey::of(epoch, wrapped.to_vec(), &raw)?, None))
    }

    /// A key for an org that has none; the one that is at the ready, if it is.
    pub(crate) async fn ready(
        &self,
        cell: &Cell,
        org: &OrgId,
        now: At,
    ) -> Result<Arc<OrgKey>, DbError> {
        let ready = |known: &&Known| known.made_at.is_some_and(|made_at| is_ready(made_at, now));
        let known = self.all().get(org).and_then(|keys| Some(keys.iter().find(ready)?.key.clone()));
        match known {
            Some(known) => Ok(known),
            None => self.fresh(cell, org, 1, Some(now)).await,
        }
    }

    /// A new key, which is not in the database yet.
    pub(crate) async fn fresh(
        &self,
        cell: &Cell,
        org: &OrgId,
        epoch: i64,
        made_at: Option<At>,
    ) -> Result<Arc<OrgKey>, DbError> {
        let unmade = |cause: std::io::Error| DbError::elsewhere("make a key", cause);
        let raw = RootKey::fresh().map_err(unmade)?;
        let wrapped = cell.kms.wrap(&purpose(org, epoch), raw.as_bytes()).await?;
        Ok(self.remember(org, OrgKey::of(epoch, wrapped, raw.as_bytes())?, made_at))
    }

    /// The same key, wrapped in the newest epoch.
    pub(crate) async fn again(
        &self,
        cell: &Cell,
        org: &OrgId,
        epoch: i64,
        wrapped: &[u8],
    ) -> Result<Arc<OrgKey>, DbError> {
        let purpose = purpose(org, epoch);
        let raw = cell.unwrap(&purpose, wrapped).await?;
        let wrapped = cell.kms.wrap(&purpose, &raw).await?;
        Ok(self.remember(org, OrgKey::of(epoch, wrapped, &raw)?, None))
    }

    /// What wraps nothing any more is in no memory either.
    pub(crate) fn forget(&self, org: &OrgId, epoch: i64) {
        if let Some(keys) = self.all().get_mut(org) {
            keys.retain(|known| known.key.epoch != epoch);
        }
    }

    fn known(&self, org: &OrgId, epoch: i64, wrapped: &[u8]) -> Option<Arc<OrgKey>> {
        let all = self.all();
        let mut keys = all.get(org)?.iter();
        Some(keys.find(|it| it.key.is(epoch, wrapped))?.key.clone())
    }

    /// Notes that a key stands in the database, and not in a transaction that may come to
    /// nothing.
    pub(crate) fn stands(&self, org: &OrgId, key: &OrgKey) {
        let mut all = self.all();
        let keys = all.get_mut(org).into_iter().flatten();
        for known in keys.filter(|it| it.key.is(key.epoch, &key.wrapped)) {
            known.made_at = None;
        }
    }

    fn remember(&self, org: &OrgId, key: OrgKey, made_at: Option<At>) -> Arc<OrgKey> {
        let key = Arc::new(key);
        let mut all = self.all();
        if all.len() >= ORGS_MAX
            && !all.contains_key(org)
            && let Some(one) = all.keys().next().cloned()
        {
            all.remove(&one);
        }
        let keys = all.entry(org.clone()).or_default();
        if keys.len() >= OF_AN_ORG_MAX {
            keys.remove(0);
        }
        keys.push(Known { key: key.clone(), made_at });
        key
    }

    fn all(&self) -> MutexGuard<'_, HashMap<OrgId, Vec<Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OrgKey {
    fn is(&self, epoch: i64, wrapped: &[u8]) -> bool {
        self.epoch == epoch && self.wrapped == wrapped
    }

    fn of(epoch: i64, wrapped: Vec<u8>, raw: &[u8; 32]) -> Result<Self, DbError> {
        let root = RootKey::from_bytes(raw);
        let root = root.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let sealer = root.sealer("audit/key");
        let sealer = sealer.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        Ok(Self { epoch, wrapped, sealer })
    }
}

fn is_ready(made_at: At, now: At) -> bool {
    (0..READY_SECS).contains(&(now.as_second() - made_at.as_second()))
}

/// What the key of an org is wrapped for.
pub(crate) fn purpose(org: &OrgId, epoch: i64) -> String {
    format!("{org}/{epoch}")
}
