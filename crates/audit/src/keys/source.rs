//! Keys as the database has them.

use std::sync::Arc;

use access::{OrgDb, OrgId};
use base::args;
use base::db::{DbError, Row, Statement, Tx, Value};
use base::seal::RootKey;
use base::time::At;

use super::kms::Cell;
use super::org_keys::OrgKeys;
use super::{Found, Key, Tag};
use crate::sql;

/// Where keys are read: within a transaction that may make them, or beside any.
pub(crate) enum Source<'a, 'b> {
    Within(&'a mut Tx, &'a OrgId),
    Beside(&'a OrgDb<'b>, &'a OrgId),
}

/// What keys are wrapped with.
#[derive(Clone, Copy)]
pub(super) struct Wrapping<'a> {
    pub(super) cell: &'a Cell,
    pub(super) of_orgs: &'a OrgKeys,
}

impl Source<'_, '_> {
    pub(super) fn org(&self) -> &OrgId {
        match self {
            Self::Within(_, org) | Self::Beside(_, org) => org,
        }
    }

    async fn maybe(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        match self {
            Self::Within(tx, org) => {
                let args = [args![org.as_str()], args].concat();
                tx.maybe(statement, args).await
            }
            Self::Beside(db, _) => db.maybe(statement, args).await,
        }
    }

    /// The key of a holder, if it ever had one.
    pub(super) async fn key(
        &mut self,
        keys: Wrapping<'_>,
        tag: &Tag,
    ) -> Result<Option<Found>, DbError> {
        let Some(row) = self.maybe(sql::KEY_OF, args![tag.as_str()]).await? else {
            return Ok(None);
        };
        let Some(sealed) = row.opt_bytes("wrapped")? else {
            return Ok(Some(Found::Destroyed));
        };
        // Fails closed: it was not destroyed, and what wraps it was taken away.
        let missing = || DbError::says("open a key of the record", NO_WRAPPER.to_owned());
        let wrapper = row.opt_bytes("wrapper")?.ok_or_else(missing)?;
        let (org, epoch) = (self.org(), row.int("epoch")?);
        let org_key = keys.of_orgs.opened(keys.cell, org, epoch, &wrapper).await?;
        let opened = org_key.sealer.open(tag, &sealed);
        let opened = opened.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let raw = RootKey::from_bytes(&opened);
        let raw = raw.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let key = Key::of(&raw).map_err(|cause| DbError::unreadable("wrapped", cause))?;
        Ok(Some(Found::Key(Arc::new(key))))
    }

    /// Makes the key of a holder, unless somebody else just has.
    pub(super) async fn make(
        &mut self,
        keys: Wrapping<'_>,
        tag: &Tag,
        now: At,
    ) -> Result<Option<Arc<Key>>, DbError> {
        let row = self.hold(keys, now).await?;
        let org_key = keys.of_orgs.of_row(keys.cell, self.org(), &row).await?;
        let raw = RootKey::fresh().map_err(|cause| DbError::elsewhere("make a key", cause))?;
        let sealed = org_key.sealer.seal(tag, raw.as_bytes());
        let sealed = sealed.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let args = args![tag.as_str(), org_key.epoch, sealed, now];
        self.maybe(sql::KEY_ADD, args).await?;
        Ok(self.key(keys, tag).await?.and_then(Found::key))
    }

    /// The newest key of the org, which nobody destroys before this transaction has ended.
    async fn hold(&mut self, keys: Wrapping<'_>, now: At) -> Result<Row, DbError> {
        for _ in 0..HOLDS_MAX {
            if let Some(row) = self.maybe(sql::WRAPPER_HOLD, args![]).await? {
                return Ok(row);
            }
            // None at all, or the one that was waited for has been replaced meanwhile.
            if self.maybe(sql::WRAPPER_NEWEST, args![]).await?.is_none() {
                let fresh = keys.of_orgs.ready(keys.cell, self.org(), now).await?;
                let args = args![fresh.epoch, fresh.wrapped.clone(), now];
                self.maybe(sql::WRAPPER_ADD, args).await?;
            }
        }
        Err(DbError::says("make a key of the record", NO_WRAPPER.to_owned()))
    }
}

/// Attempts to hold the key of an org: it is replaced twice a month at most.
const HOLDS_MAX: usize = 4;
const NO_WRAPPER: &str = "what wraps the keys of the org is not there";
