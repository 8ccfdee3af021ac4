//! One org after the other: its key in the newest epoch, or a new one.

use access::{OrgId, Region};
use base::args;
use base::db::{Db, DbError, Row, Within};

use super::{EpochError, Inner, epoch_of};
use crate::keys::Cell;
use crate::sql;

/// Rows that a page of the database has.
const PAGE: usize = 500;

/// First it is said how much there is to do.
#[derive(Clone, Copy)]
enum Pass {
    Count,
    Turn,
}

/// An org's key as the database has it.
pub(super) struct Wrapper {
    pub(super) epoch: i64,
    pub(super) wrapped: Vec<u8>,
}

/// One org, its keys, and what to wrap them with.
struct Place<'a> {
    inner: &'a Inner,
    db: &'a Db,
    cell: &'a Cell,
    org: OrgId,
    newest: u64,
}

impl Inner {
    /// Brings every org of a region into the newest epoch. One that fails keeps no other
    /// waiting; the first error is given at the end.
    pub(super) async fn orgs(
        &self,
        region: Region,
        cell: &Cell,
        newest: u64,
    ) -> Result<u64, EpochError> {
        let db = self.record.databases().region(region)?;
        let (mut left, mut done, mut failed) = (0_usize, 0, None);
        for pass in [Pass::Count, Pass::Turn] {
            let mut after = String::new();
            loop {
                let (orgs, last) = page(db, &after).await?;
                let orgs = orgs.into_iter().filter(|(_, rows)| is_due(cell, rows, newest));
                for (org, rows) in orgs {
                    let Some(_pass) = self.record.databases().homes().try_enter(&org) else {
                        continue;
                    };
                    if !self.record.is_home(&org, region) {
                        continue;
                    }
                    let place = Place { inner: self, db, cell, org, newest };
                    match pass {
                        Pass::Count => left += 1,
                        Pass::Turn => match place.turn(rows).await {
                            Ok(()) => {
                                left = left.saturating_sub(1);
                                done += 1;
                            }
                            Err(error) => failed = failed.or(Some(error)),
                        },
                    }
                    self.tell_waiting(region, left);
                }
                let Some(last) = last else { break };
                after = last;
            }
            if left == 0 {
                break;
            }
        }
        self.counts.renewed.inc_by(done);
        if let Some(error) = failed {
            return Err(error.into());
        }
        self.tell_waiting(region, 0);
        Ok(done)
    }

    /// The oldest epoch in which the key of any org of a region is wrapped.
    pub(super) async fn oldest_in_use(
        &self,
        region: Region,
        cell: &Cell,
    ) -> Result<u64, EpochError> {
        let db = self.record.databases().region(region)?;
        let (mut oldest, mut after) = (u64::MAX, String::new());
        loop {
            let (orgs, last) = page(db, &after).await?;
            let keys = orgs.iter().flat_map(|(_, keys)| keys);
            let page = keys.map(|key| epoch_of(cell, &key.wrapped)).min();
            oldest = oldest.min(page.unwrap_or(u64::MAX));
            let Some(last) = last else { return Ok(oldest) };
            after = last;
        }
    }
}

/// Whole orgs of a page, and behind which the next page begins.
pub(super) async fn page(
    db: &Db,
    after: &str,
) -> Result<(Vec<(OrgId, Vec<Wrapper>)>, Option<String>), DbError> {
    let rows = db.all(&Within::node(), sql::WRAPPERS, args![after]).await?;
    let full = rows.len() >= PAGE;
    let mut orgs: Vec<(OrgId, Vec<Wrapper>)> = Vec::new();
    for row in &rows {
        let org: OrgId = row.parse("org_id")?;
        let wrapper = Wrapper::of(row)?;
        match orgs.last_mut() {
            Some((last, keys)) if *last == org => keys.push(wrapper),
            _ => orgs.push((org, vec![wrapper])),
        }
    }
    if full && orgs.len() > 1 {
        // The last one may go on on the next page.
        orgs.pop();
    }
    let last = orgs.last().filter(|_| full).map(|(org, _)| org.as_str().to_owned());
    Ok((orgs, last))
}

/// Whether an org's key is not in the newest epoch, or another one is still beside it.
fn is_due(cell: &Cell, rows: &[Wrapper], newest: u64) -> bool {
    let key = rows.last().map(|key| epoch_of(cell, &key.wrapped));
    rows.len() > 1 || key.is_some_and(|epoch| epoch != newest)
}

impl Wrapper {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self { epoch: row.int("epoch")?, wrapped: row.bytes("wrapped")? })
    }
}

impl Place<'_> {
    async fn turn(&self, rows: Vec<Wrapper>) -> Result<(), DbError> {
        let Some(key) = rows.last() else { return Ok(()) };
        if epoch_of(self.cell, &key.wrapped) != self.newest {
            if self.has(sql::KEY_DESTROYED_UNDER, key.epoch).await? {
                self.replace(key.epoch + 1).await?;
            } else {
                self.wrap_again(key).await?;
            }
        }
        let within = Within::org(self.org.as_str());
        let rows = self.db.all(&within, sql::WRAPPERS_OF, args![self.org.as_str()]).await?;
        let mut keys = rows.iter().map(Wrapper::of).collect::<Result<Vec<_>, _>>()?;
        let Some(to) = keys.pop() else { return Ok(()) };
        for from in keys {
            self.move_keys(&from, &to).await?;
        }
        Ok(())
    }

    async fn has(&self, statement: base::db::Statement, epoch: i64) -> Result<bool, DbError> {
        let within = Within::org(self.org.as_str());
        let found = self.db.maybe(&within, statement, args![self.org.as_str(), epoch]).await?;
        Ok(found.is_some())
    }

    /// The same key, wrapped in the newest epoch: nothing under it was destroyed.
    #[expect(clippy::disallowed_methods, reason = "no change of the org: the key is the same")]
    async fn wrap_again(&self, key: &Wrapper) -> Result<(), DbError> {
        let keys = &self.inner.record.keys;
        let again = keys.of_orgs.again(self.cell, &self.org, key.epoch, &key.wrapped).await?;
        let (org, old) = (self.org.as_str(), key.wrapped.clone());
        let mut tx = self.db.begin(&Within::org(org)).await?;
        tx.run(sql::WRAPPER_REWRAP, args![org, key.epoch, old, again.wrapped.clone()]).await?;
        tx.commit().await
    }

    /// A new key of the org. Another node may have been first: then that is the one.
    #[expect(clippy::disallowed_methods, reason = "no change of the org: its keys stay")]
    async fn replace(&self, epoch: i64) -> Result<(), DbError> {
        let keys = &self.inner.record.keys;
        let fresh = keys.of_orgs.fresh(self.cell, &self.org, epoch, None).await?;
        let (org, now) = (self.org.as_str(), self.inner.record.clock.now());
        let mut tx = self.db.begin(&Within::org(org)).await?;
        tx.run(sql::WRAPPER_ADD, args![org, epoch, fresh.wrapped.clone(), now]).await?;
        tx.commit().await
    }

    /// Moves the keys of holders, a piece at a time, and then drops what wrapped them.
    async fn move_keys(&self, from: &Wrapper, to: &Wrapper) -> Result<(), DbError> {
        loop {
            let mut after = String::new();
            while let Some(last) = self.move_piece(from, to, &after).await? {
                after = last;
            }
            if self.drop_empty(from.epoch).await? {
                self.inner.record.keys.of_orgs.forget(&self.org, from.epoch);
                return Ok(());
            }
        }
    }

    /// The last key of a piece; none if there was none to move.
    #[expect(clippy::disallowed_methods, reason = "no change of the org: its keys stay")]
    async fn move_piece(
        &self,
        from: &Wrapper,
        to: &Wrapper,
        after: &str,
    ) -> Result<Option<String>, DbError> {
        let (keys, org) = (&self.inner.record.keys, self.org.as_str());
        let old = keys.of_orgs.opened(self.cell, &self.org, from.epoch, &from.wrapped).await?;
        let new = keys.of_orgs.opened(self.cell, &self.org, to.epoch, &to.wrapped).await?;
        let mut tx = self.db.begin(&Within::org(org)).await?;
        let rows = tx.all(sql::KEYS_ALIVE_UNDER, args![org, from.epoch, after]).await?;
        let mut last = None;
        for row in &rows {
            let tag = row.text("tag")?;
            let unreadable = |cause| DbError::unreadable("wrapped", cause);
            let raw = old.sealer.open(&tag, &row.bytes("wrapped")?).map_err(unreadable)?;
            let raw = zeroize::Zeroizing::new(raw);
            let sealed = new.sealer.seal(&tag, &raw).map_err(unreadable)?;
            let args = args![org, tag.as_str(), to.epoch, sealed, from.epoch];
            tx.run(sql::KEY_MOVE, args).await?;
            last = Some(tag);
        }
        tx.commit().await?;
        Ok(last)
    }

    /// Drops a key of the org, unless keys of holders are under it: whoever was just making
    /// one held it, and is waited for.
    #[expect(clippy::disallowed_methods, reason = "no change of the org: its keys stay")]
    async fn drop_empty(&self, epoch: i64) -> Result<bool, DbError> {
        let org = self.org.as_str();
        let mut tx = self.db.begin(&Within::org(org)).await?;
        tx.run(sql::WRAPPER_SEIZE, args![org, epoch]).await?;
        if tx.maybe(sql::KEY_ALIVE_UNDER, args![org, epoch]).await?.is_some() {
            return Ok(false);
        }
        tx.run(sql::WRAPPER_DROP, args![org, epoch]).await?;
        tx.commit().await?;
        Ok(true)
    }
}
