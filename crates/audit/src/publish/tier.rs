//! Moving old events from the database to the archive, a piece at a time.
//!
//! ```text
//! published, witnessed, older than asked ─► each the same as what was published
//!   ─► chunks: written, read back ─► one transaction of the owner: what is where,
//!                                    the rows leave and are the same, an event
//! ```
//! A crash before the transaction leaves files that the next attempt finds; behind it, all is
//! done. The application has no right to do this: the verb is given the owner's connection.

use access::{Caller, Permission};
use aws_lc_rs::digest::{Context, SHA256};
use base::args;
use base::db::{Db, Within};
use base::time::At;
use jiff::SignedDuration;
use serde_json::json;
use tlog::tile::TILE_WIDTH;

use super::Log;
use super::checkpoint::Newest;
use super::fault::{FaultKind, LogError};
use super::org::Place;
use crate::append::{Prepared, append};
use crate::event::Event;
use crate::explore::Error;
use crate::sql;
use crate::tiers::{Chunk, Filed, Kept, Summary};

/// What is younger stays, whatever is asked: outcomes that wait in memory, clocks that differ.
const YOUNGEST: SignedDuration = SignedDuration::from_hours(24);

/// How far the archive of an org is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiered {
    /// Where the events begin that are in the database.
    pub hot_from: u64,
    /// Up to where they may be moved now.
    pub until: u64,
    /// How many this piece moved.
    pub moved: u64,
    /// In how many files.
    pub chunks: u64,
    /// Why no more of what is old enough may be moved now.
    pub waits: Option<Waits>,
}

/// What old events wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Waits {
    /// They are not in a whole bundle of the published log.
    #[error("for the published log, which takes 256 events at a time")]
    Published,
    /// They are in no checkpoint that every witness of the log cosigned.
    #[error("for a witness to cosign the log")]
    Witnessed,
    /// The event at this position.
    #[error("because the event {0} is larger than a file of the archive")]
    Large(u64),
}

impl Log {
    /// How much of the caller's record could be moved: what is older than an instant, in
    /// whole bundles of the published log, and witnessed if there are witnesses.
    pub async fn tierable(&self, caller: &Caller, before: At) -> Result<Tiered, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        let place = self.place(&scope)?;
        let (tiered, _) = self.0.told(place.tierable(before).await)?;
        Ok(tiered)
    }

    /// Moves a piece of it, as whoever owns the tables: none, when there is nothing to move.
    /// To be called until nothing was moved.
    pub async fn tier(&self, caller: &Caller, owner: &Db, before: At) -> Result<Tiered, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        let place = self.place(&scope)?;
        let (mut tiered, newest) = self.0.told(place.tierable(before).await)?;
        let Some(newest) = newest.filter(|_| tiered.hot_from < tiered.until) else {
            return Ok(tiered);
        };
        let cut = match place.cut(tiered.hot_from, tiered.until, &newest).await {
            // Partial files of an older checkpoint are removed: then it was not one.
            Err(LogError::Fault(_)) if place.moved_on(&newest).await? => Err(LogError::Moved),
            cut => self.0.told(cut),
        }?;
        tiered.waits = cut.too_large.map(Waits::Large).or(tiered.waits);
        if cut.chunks.is_empty() {
            tiered.until = tiered.hot_from;
            return Ok(tiered);
        }
        let mut filed = Vec::with_capacity(cut.chunks.len());
        for chunk in &cut.chunks {
            filed.push(self.0.told(place.keep_chunk(chunk).await)?);
        }
        let left = place.let_leave(caller, owner, &cut.chunks, &filed).await;
        self.0.told(left)?;
        let next = cut.chunks.last().map_or(0, Chunk::next);
        let next = u64::try_from(next).unwrap_or_default();
        tiered.moved = next - tiered.hot_from;
        tiered.chunks = u64::try_from(filed.len()).unwrap_or_default();
        tiered.hot_from = next;
        Ok(tiered)
    }
}

impl Place<'_> {
    async fn moved_on(&self, newest: &Newest) -> Result<bool, LogError> {
        Ok(self.newest().await?.is_none_or(|now| now.size != newest.size))
    }

    /// How much may be moved, and the checkpoint that says so.
    async fn tierable(&self, before: At) -> Result<(Tiered, Option<Newest>), LogError> {
        let (db, record) = (self.db()?, &self.log.record);
        let hot_from = u64::try_from(record.hot_from(&db).await?).unwrap_or_default();
        let young = record.clock.now().saturating_sub(YOUNGEST).unwrap_or(before);
        let before = before.min(young).as_microsecond();
        let size = db.maybe(sql::SIZE, args![]).await?;
        let size = size.map(|row| row.int("size")).transpose()?.unwrap_or_default();
        let old = record.first_since((&db, &self.scope), before).await?.unwrap_or(size);
        let old = u64::try_from(old).unwrap_or_default();
        let mut tiered = Tiered { hot_from, until: old, moved: 0, chunks: 0, waits: None };
        let Some(newest) = self.signed().await? else {
            tiered.waits = (old > hot_from).then_some(Waits::Published);
            tiered.until = hot_from;
            return Ok((tiered, None));
        };
        self.contains(&newest).await?;
        let whole = newest.size - newest.size % u64::from(TILE_WIDTH);
        let witnessed = self.witnessed().await?;
        if witnessed < tiered.until {
            (tiered.until, tiered.waits) = (witnessed, Some(Waits::Witnessed));
        }
        if whole < tiered.until {
            (tiered.until, tiered.waits) = (whole, Some(Waits::Published));
        }
        tiered.until = tiered.until.max(hot_from);
        Ok((tiered, Some(newest)))
    }

    /// Lets the rows of these chunks leave the database, and notes where they are.
    ///
    /// INVARIANT: what leaves is what lies in the archive, to the byte, or nothing leaves.
    #[expect(clippy::disallowed_methods, reason = "what leaves and its event commit together")]
    async fn let_leave(
        &self,
        caller: &Caller,
        owner: &Db,
        chunks: &[Chunk],
        filed: &[Filed],
    ) -> Result<(), LogError> {
        let (record, scope) = (&self.log.record, &self.scope);
        let db = record.databases().whole(scope)?;
        record.keys.warm(db, scope.region(), scope.org()).await?;
        let now = record.clock.now();
        let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else { return Ok(()) };
        let (from, to) = (first.first(), last.next());
        let mut hash = Context::new(&SHA256);
        for filed in filed {
            hash.update(&filed.sha256);
        }
        let digest = base::hex::encode(hash.finish().as_ref());
        let event = Event::done("audit.events.archived", "record", scope.org().as_str());
        let event = event.changes(json!({
            "events": { "from": from, "to": to }, "files": filed.len(), "sha256": digest,
        }));
        let entry = Prepared::new(&record.keys, caller, &event, None, now)?;

        let mut tx = owner.begin(&Within::org(scope.org().as_str())).await?;
        let edge = tx.maybe(sql::COLD_EDGE, scope.args(args![])).await?;
        if edge.map_or(Ok(0), |row| row.int("next"))? != from {
            return Err(LogError::Moved);
        }
        let rows: Vec<_> = filed.iter().map(|filed| filed.values(scope, now)).collect();
        if let Err(error) = tx.many(&sql::COLD_ADD, rows).await {
            // Somebody else moves the same events.
            return Err(if error.is_conflict() { LogError::Moved } else { error.into() });
        }
        for chunk in chunks {
            let summary = Summary::of(chunk);
            let people = summary.people_values(scope, chunk.first());
            tx.many(&sql::COLD_PERSON_ADD, people).await?;
            tx.many(&sql::COLD_THING_ADD, summary.thing_values(scope)).await?;
        }
        let left = tx.all(sql::LEAVE, scope.args(args![from, to])).await?;
        let mut left = left.iter().map(Kept::of).collect::<Result<Vec<_>, _>>()?;
        left.sort_unstable_by_key(|row| row.seq);
        if !left.iter().eq(chunks.iter().flat_map(Chunk::rows)) {
            return Err(self.fault_at(u64::try_from(from).unwrap_or_default(), FaultKind::Restless));
        }
        let appended = append(&mut tx, &record.keys, &record.heads, &[&entry]).await?;
        tx.commit().await?;
        record.heads.remember(appended.heads);
        Ok(())
    }
}
