//! What stands behind an org's record, in one view: for the console.

use access::{Caller, Permission};
use base::args;
use base::db::Row;
use base::time::At;
use tlog::Note;

use super::fault::LogError;
use super::org::Place;
use super::{Log, LogKeys, WitnessState};
use crate::explore::Error;
use crate::sql;

/// What stands behind a record.
#[derive(Debug, Clone)]
pub(crate) struct Proofs {
    /// Events of the record.
    pub(crate) events: u64,
    /// How many of them are in the archive: the oldest.
    pub(crate) archived: u64,
    /// Checkpoints, the newest first.
    pub(crate) checkpoints: Vec<Signed>,
    /// The newest of the directory.
    pub(crate) directory: Option<Signed>,
    pub(crate) witnesses: Vec<WitnessState>,
    pub(crate) verified: Option<Checked>,
    pub(crate) keys: LogKeys,
}

/// A checkpoint, and who signed it.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) size: u64,
    pub(crate) at: At,
    pub(crate) origin: String,
    pub(crate) root: String,
    /// Names of witnesses under it.
    pub(crate) witnesses: Vec<String>,
}

/// How far the record was read again and compared.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    /// Events before this one, in the pass that is under way.
    pub(crate) next: u64,
    pub(crate) at: At,
    /// How many events the last whole pass covered, and when it ended.
    pub(crate) whole: Option<(u64, At)>,
}

impl Log {
    /// What stands behind the caller's record.
    pub(crate) async fn proofs(&self, caller: &Caller) -> Result<Proofs, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let place = self.place(&scope)?;
        let head = place.db()?.maybe(sql::SIZE, args![]).await?;
        let events = head.map(|row| row.count("size")).transpose()?.unwrap_or_default();
        let archived = self.0.record.hot_from(&place.db()?).await?;
        let archived = u64::try_from(archived).unwrap_or_default();
        let directory = self.0.directory_beside(&scope)?;
        let verified = place.db()?.maybe(sql::VERIFIED_OF, args![]).await?;
        Ok(Proofs {
            events,
            archived,
            checkpoints: place.checkpoints().await?,
            directory: directory.checkpoints().await?.into_iter().next(),
            witnesses: self.witnesses(caller).await?,
            verified: verified.as_ref().map(Checked::of).transpose()?,
            keys: place.keys().await?,
        })
    }

    /// How many events the newest checkpoint covers.
    pub(crate) async fn covered(&self, caller: &Caller) -> Result<u64, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let newest = self.place(&scope)?.newest().await?;
        Ok(newest.map_or(0, |newest| newest.size))
    }
}

impl Place<'_> {
    async fn checkpoints(&self) -> Result<Vec<Signed>, LogError> {
        let rows = self.db()?.all(sql::CHECKPOINTS, args![i64::MAX]).await?;
        rows.iter().map(Signed::of).collect()
    }
}

impl Signed {
    fn of(row: &Row) -> Result<Self, LogError> {
        let note = Note::parse(row.text("note")?.as_bytes()).map_err(|_| LogError::Unsigned)?;
        let mut lines = note.text().lines();
        let origin = lines.next().unwrap_or_default().to_owned();
        let root = lines.nth(1).unwrap_or_default().to_owned();
        let names = note.signatures().iter().map(|one| one.name().to_string());
        let mut witnesses: Vec<String> = names.filter(|name| *name != origin).collect();
        witnesses.dedup();
        Ok(Self { size: row.count("size")?, at: row.at("at")?, origin, root, witnesses })
    }
}

impl Checked {
    fn of(row: &Row) -> Result<Self, LogError> {
        let whole = match (row.opt_int("whole_size")?, row.opt_at("whole_at")?) {
            (Some(size), Some(at)) => Some((u64::try_from(size).unwrap_or_default(), at)),
            _ => None,
        };
        Ok(Self { next: row.count("next")?, at: row.at("checked_at")?, whole })
    }
}
