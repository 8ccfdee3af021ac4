//! Closing an epoch.

use access::OrgId;
use base::args;
use base::db::Within;
use futures_util::{StreamExt as _, stream};
use tlog::Note;

use super::epoch::Epoch;
use super::{DIRECTORY, State, slots};
use crate::keys::{Found, Tag};
use crate::publish::fault::LogError;
use crate::publish::org::{Head, Place, int};
use crate::sql;

/// Heads that one epoch lists at most; the others wait for the next.
const HEADS_MAX: usize = 10_000;
/// Heads that are read at once.
const AT_ONCE: usize = 16;

/// The newest head of an org, committed to.
pub(super) struct Listing {
    pub(super) org: OrgId,
    pub(super) size: u64,
    pub(super) head: [u8; 32],
}

impl Place<'_> {
    /// Lists the heads that changed in one epoch, and publishes it.
    pub(super) async fn epoch(
        &self,
        mut state: Box<State>,
        first: Option<&OrgId>,
    ) -> Result<(Box<State>, Option<u64>), LogError> {
        if let Some(pending) = state.pending.take() {
            self.publish_epoch(&mut state, pending).await?;
        }
        let number = state.edge.size();
        let orgs = self.take_changed(first);
        let heads = orgs.into_iter().map(|org| self.listing_or_later(org, number));
        let heads = stream::iter(heads).buffer_unordered(AT_ONCE);
        let mut heads: Vec<Listing> = heads.filter_map(std::future::ready).collect().await;
        if heads.is_empty() {
            return Ok((state, None));
        }
        heads.sort_by(|left, right| left.org.cmp(&right.org));
        let set: Vec<_> = heads.iter().map(|it| (slots::slot(&it.org), it.head)).collect();
        let (mut state, root) = aside(move || {
            let root = state.slots.set(set);
            (state, root)
        })
        .await?;
        // Time never goes back in the directory, whatever the clock does.
        let now = self.log.record.clock.now();
        let at = state.at().map_or(now, |before| before.max(now));
        let epoch = Epoch::new(at, &root);
        self.write_down(number, &epoch, &heads).await?;
        self.publish_epoch(&mut state, epoch).await?;
        Ok((state, Some(number)))
    }

    pub(super) fn take_changed(&self, first: Option<&OrgId>) -> Vec<OrgId> {
        let mut waiting = self.cell.directory.waiting();
        let mut orgs: Vec<OrgId> = first.into_iter().cloned().collect();
        for org in &orgs {
            waiting.remove(org);
        }
        while orgs.len() < HEADS_MAX
            && let Some(org) = waiting.pop_first()
        {
            orgs.push(org);
        }
        orgs
    }

    /// What an epoch lists of an org. One that cannot be believed is not listed again; one that
    /// cannot be read now waits for the next epoch, and keeps no other waiting.
    pub(super) async fn listing_or_later(&self, org: OrgId, epoch: u64) -> Option<Listing> {
        match self.listing(org.clone(), epoch).await {
            Ok(listing) => listing,
            Err(LogError::Fault(fault)) => {
                fault.tell();
                None
            }
            Err(error) => {
                self.cell.directory.changed(&org);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, org.id = org.as_str(), "a head is listed later");
                None
            }
        }
    }

    /// Commits to the newest head of an org; none if its key was destroyed.
    async fn listing(&self, org: OrgId, epoch: u64) -> Result<Option<Listing>, LogError> {
        // The log of an org stands beside the directory of where it began, and beside no other.
        let region = self.scope.region();
        if self.log.record.databases().homes().born(&org, region) != region {
            return Ok(None);
        }
        let place = Place::new(self.log, self.scope.region(), &org)?;
        let Some(newest) = place.signed().await? else { return Ok(None) };
        let Some(salt) = place.salt(epoch).await? else { return Ok(None) };
        let text = Note::parse(newest.note.as_bytes()).map_err(|_| LogError::Unsigned)?;
        let head = slots::head(&salt, text.text());
        Ok(Some(Listing { size: newest.size, head, org }))
    }

    /// What the head of this org is hidden under in an epoch, while it has a key.
    pub(super) async fn salt(&self, epoch: u64) -> Result<Option<[u8; 32]>, LogError> {
        match self.key(&Tag::new()).await? {
            Some(Found::Key(key)) => Ok(Some(key.listing_salt(epoch))),
            Some(Found::Destroyed) | None => Ok(None),
        }
    }

    /// From here on this epoch has these bytes, whoever publishes it. Another node may have
    /// written it down before.
    #[expect(clippy::disallowed_methods, reason = "what is listed is no change of an org")]
    async fn write_down(
        &self,
        number: u64,
        epoch: &Epoch,
        heads: &[Listing],
    ) -> Result<(), LogError> {
        let db = self.log.record.databases().region(self.scope.region())?;
        let mut tx = db.begin(&Within::node()).await?;
        let entry = epoch.as_ref().to_vec();
        if tx.run(sql::EPOCH_ADD, self.scope.args(args![int(number)?, entry])).await? == 0 {
            return Err(LogError::Moved);
        }
        let mut rows = Vec::with_capacity(heads.len());
        for Listing { org, size, head } in heads {
            rows.push(args![org.as_str(), int(number)?, int(*size)?, head.to_vec()]);
        }
        tx.many(&sql::SLOT_SET, rows).await?;
        // Those of the bundle that has the last published one stay.
        let kept = number.saturating_sub(1) / 256 * 256;
        tx.run(sql::EPOCHS_THIN, self.scope.args(args![int(kept)?])).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn publish_epoch(&self, state: &mut State, epoch: Epoch) -> Result<(), LogError> {
        let before = state.edge.size();
        let mut files = Vec::new();
        state.last = Some(epoch.clone());
        state.edge.append(epoch, &mut files);
        files.extend(state.edge.partial(before));
        self.put(files).await?;
        let head = Head { size: state.edge.size(), frontier: state.edge.frontier().clone() };
        self.sign(&head, before).await?;
        self.log.counts.epochs.inc();
        tracing::debug!(log = DIRECTORY, epoch = before, "an epoch was closed");
        Ok(())
    }
}

/// Hashing that may take a while, off the threads that answer calls.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LogError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| LogError::Unpacked(std::io::Error::other(cause)))
}
