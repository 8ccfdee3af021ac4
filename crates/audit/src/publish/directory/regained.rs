//! Going on with the directory after a restore: its log goes on where it was published to.

use access::Region;
use base::args;
use base::db::Within;
use futures_util::{StreamExt as _, stream};
use tlog::tile::{Bundle, TILE_WIDTH};

use super::epoch::Epoch;
use super::round::aside;
use super::slots;
use crate::publish::Log;
use crate::publish::fault::{FaultKind, LogError};
use crate::publish::org::{Place, int};
use crate::sql;

/// Heads that are read at once.
const AT_ONCE: usize = 16;

impl Log {
    /// Lets the directory of a region go on behind what was published of it, if the database is
    /// behind that: to be called when no org of it is behind any more. The next epoch lists
    /// every head that changed. Says whether there was anything to do.
    pub async fn regain_directory(&self, region: Region) -> Result<bool, LogError> {
        self.0.directory_of(region)?.regain().await
    }
}

impl Place<'_> {
    #[expect(clippy::disallowed_methods, reason = "what was listed is no change of an org")]
    async fn regain(&self) -> Result<bool, LogError> {
        let known = self.signed().await?.map_or(0, |newest| newest.size);
        let pending = self.epochs(known).await?.pending.is_some();
        let Some((published, note)) = self.outside().await? else { return Ok(false) };
        let size = published.size();
        if size <= known + u64::from(pending) {
            return Ok(false);
        }
        let other = || self.fault(FaultKind::OtherRoot(size));
        let note = String::from_utf8(note).map_err(|_| LogError::Unsigned)?;
        // The epochs of the bundle that has the last one, as `write_down` leaves them.
        let index = size.saturating_sub(1) / u64::from(TILE_WIDTH);
        let bundle = Bundle::within(index, size).ok_or_else(other)?;
        let bytes = self.bundle(bundle).await?;
        let mut rows = Vec::new();
        let mut last = None;
        for (number, entry) in
            (index * u64::from(TILE_WIDTH)..).zip(bundle.decode(&bytes).map_err(|_| other())?)
        {
            last = Some(Epoch::read(entry).ok_or_else(|| self.fault(FaultKind::NoEpoch))?);
            rows.push((number, entry.to_vec()));
        }
        // And one more, written down and not published yet, with every head that there is now.
        self.find_unlisted().await?;
        let orgs = self.take_changed(None);
        let heads = orgs.into_iter().map(|org| self.listing_or_later(org, size));
        let heads = stream::iter(heads).buffer_unordered(AT_ONCE);
        let heads: Vec<_> = heads.filter_map(std::future::ready).collect().await;
        let (mut slots, _) = self.read_slots().await?;
        let set: Vec<_> = heads.iter().map(|it| (slots::slot(&it.org), it.head)).collect();
        let root = aside(move || slots.set(set)).await?;
        let now = self.log.record.clock.now();
        let at = last.as_ref().and_then(Epoch::at).map_or(now, |before| before.max(now));
        rows.push((size, Epoch::new(at, &root).as_ref().to_vec()));

        let db = self.log.record.databases().region(self.scope.region())?;
        let mut tx = db.begin(&Within::node()).await?;
        tx.run(sql::EPOCHS_THIN, self.scope.args(args![i64::MAX])).await?;
        for (number, entry) in rows {
            tx.run(sql::EPOCH_ADD, self.scope.args(args![int(number)?, entry])).await?;
        }
        let mut listed = Vec::with_capacity(heads.len());
        for it in &heads {
            listed.push(args![it.org.as_str(), int(size)?, int(it.size)?, it.head.to_vec()]);
        }
        tx.many(&sql::SLOT_SET, listed).await?;
        let root = published.root().0.to_vec();
        let args = args![int(size)?, root, now, note];
        tx.many(&sql::CHECKPOINT_ADD, [self.scope.args(args)]).await?;
        tx.commit().await?;
        Ok(true)
    }
}
