//! Keys as the database has them.

use std::sync::Arc;

use access::{OrgDb, OrgId};
use base::args;
use base::db::{DbError, Row, Statement, Tx, Value};
use base::seal::{RootKey, Sealer};
use base::time::At;

use super::{Found, Keeper, Key, Tag};
use crate::sql;

/// Where keys are read: within a transaction that may make them, or beside any.
pub(crate) enum Source<'a, 'b> {
    Within(&'a mut Tx, &'a OrgId),
    Beside(&'a OrgDb<'b>, &'a OrgId),
}

/// The org's own key, which wraps those of its holders.
struct Wrapper {
    epoch: i64,
    sealer: Sealer,
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
        keeper: &dyn Keeper,
        tag: &Tag,
    ) -> Result<Option<Found>, DbError> {
        let Some(row) = self.maybe(sql::KEY_OF, args![tag.as_str()]).await? else {
            return Ok(None);
        };
        let Some(sealed) = row.opt_bytes("wrapped")? else {
            return Ok(Some(Found::Destroyed));
        };
        let epoch = row.int("epoch")?;
        let row = self.maybe(sql::WRAPPER_OF_EPOCH, args![epoch]).await?;
        // What wrapped it is gone, and with it the key.
        let Some(row) = row else { return Ok(Some(Found::Destroyed)) };
        let org_key = self.wrapper(keeper, &row).await?;
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
        keeper: &dyn Keeper,
        tag: &Tag,
        now: At,
    ) -> Result<Option<Arc<Key>>, DbError> {
        let row = match self.maybe(sql::WRAPPER_NEWEST, args![]).await? {
            Some(row) => row,
            None => self.make_wrapper(keeper, now).await?,
        };
        let org_key = self.wrapper(keeper, &row).await?;
        let raw = RootKey::fresh().map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let sealed = org_key.sealer.seal(tag, raw.as_bytes());
        let sealed = sealed.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let args = args![tag.as_str(), org_key.epoch, sealed, now];
        self.maybe(sql::KEY_ADD, args).await?;
        Ok(self.key(keeper, tag).await?.and_then(Found::key))
    }

    async fn make_wrapper(&mut self, keeper: &dyn Keeper, now: At) -> Result<Row, DbError> {
        let raw = RootKey::fresh().map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let epoch = 1_i64;
        let purpose = purpose(self.org(), epoch);
        let wrapped = keeper.wrap(&purpose, raw.as_bytes()).await;
        let wrapped = wrapped.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        self.maybe(sql::WRAPPER_ADD, args![epoch, wrapped, now]).await?;
        let row = self.maybe(sql::WRAPPER_NEWEST, args![]).await?;
        let missing = || DbError::unreadable("epoch", std::io::Error::other("no key of the org"));
        row.ok_or_else(missing)
    }

    async fn wrapper(&mut self, keeper: &dyn Keeper, row: &Row) -> Result<Wrapper, DbError> {
        let epoch = row.int("epoch")?;
        let wrapped = row.bytes("wrapped")?;
        let raw = keeper.unwrap(&purpose(self.org(), epoch), &wrapped).await;
        let raw = raw.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let root = RootKey::from_bytes(raw.as_slice());
        let root = root.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        let sealer = root.sealer("audit/key");
        let sealer = sealer.map_err(|cause| DbError::unreadable("wrapped", cause))?;
        Ok(Wrapper { epoch, sealer })
    }
}

/// What the key of an org is wrapped for.
fn purpose(org: &OrgId, epoch: i64) -> String {
    format!("{org}/{epoch}")
}
