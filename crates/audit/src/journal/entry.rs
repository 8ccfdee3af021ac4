//! One event in a journal: sealed under the key of its org, so that nothing is in clear that
//! the database would seal, and a copy of a journal opens no longer than one of the database.
//!
//! ```text
//! phase 1 │ tried 1 │ u8 n │ org │ version of the org's key 8 │ u16 n │ that key, wrapped
//!         │ the event, sealed for this entry of this journal
//! ```

use access::OrgId;
use base::bytes::{some, take};
use base::db::DbError;

use crate::append::Prepared;
use crate::durable::{Phase, Submission};
use crate::entry::Draft;
use crate::keys::{Cell, Keys};

/// Whether the database may have it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Nobody tried to write it.
    No,
    /// It was given to the database, and nobody knows what became of it.
    Yes,
}

/// An entry that was read.
#[derive(Debug)]
pub(crate) struct Entry {
    phase: u8,
    pub(crate) tried: Tried,
    org: OrgId,
    epoch: i64,
    wrapped: Vec<u8>,
    sealed: Vec<u8>,
}

const OPENS: u8 = 1;
const CLOSES: u8 = 2;
const NEITHER: u8 = 3;

/// It is no entry, or of no key that is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of the journal does not open")]
pub(crate) struct NotAnEntry;

fn purpose(journal: &str, number: u64) -> String {
    format!("journal {journal}/{number}")
}

/// Seals an event for its place. None: the key of its org is not at hand.
pub(crate) fn sealed(
    keys: &Keys,
    (journal, number): (&str, u64),
    one: &Submission,
    tried: Tried,
) -> Option<Vec<u8>> {
    let org = &one.entry.org;
    let key = keys.of_orgs.at_hand(org)?;
    let phase = match one.phase {
        Phase::Opens => OPENS,
        Phase::Closes(_) => CLOSES,
        Phase::Neither => NEITHER,
    };
    let event = one.entry.draft().written().ok()?;
    let sealed = key.sealer.seal(&purpose(journal, number), &event).ok()?;
    let wrapped = u16::try_from(key.wrapped.len()).ok()?.to_be_bytes();
    let named = [u8::try_from(org.as_str().len()).ok()?];
    let first = [phase, u8::from(tried == Tried::Yes)];
    let epoch = key.epoch.to_be_bytes();
    let parts: [&[u8]; 7] =
        [&first, &named, org.as_str().as_bytes(), &epoch, &wrapped, &key.wrapped, &sealed];
    Some(parts.concat())
}

impl Entry {
    pub(crate) fn of(mut bytes: &[u8]) -> Result<Self, NotAnEntry> {
        let rest = &mut bytes;
        let [phase, tried, named] = take(rest).ok_or(NotAnEntry)?;
        let org = some(rest, named.into()).ok_or(NotAnEntry)?;
        let org = std::str::from_utf8(org).map_err(|_| NotAnEntry)?;
        let org = org.parse().map_err(|_| NotAnEntry)?;
        let epoch = i64::from_be_bytes(take(rest).ok_or(NotAnEntry)?);
        let wrapped = u16::from_be_bytes(take(rest).ok_or(NotAnEntry)?);
        let wrapped = some(rest, wrapped.into()).ok_or(NotAnEntry)?.to_vec();
        let tried = match tried {
            0 => Tried::No,
            1 => Tried::Yes,
            _ => return Err(NotAnEntry),
        };
        Ok(Self { phase, tried, org, epoch, wrapped, sealed: bytes.to_vec() })
    }

    /// The event, as it goes into the record: it says through what it came.
    pub(crate) async fn opened(
        &self,
        keys: &Keys,
        cell: &Cell,
        (journal, number): (&str, u64),
    ) -> Result<Submission, DbError> {
        let bad = || DbError::unreadable("journal", NotAnEntry);
        let key = keys.of_orgs.opened(cell, &self.org, self.epoch, &self.wrapped).await?;
        let event = key.sealer.open(&purpose(journal, number), &self.sealed).map_err(|_| bad())?;
        let mut draft = Draft::of_written(&self.org, &event)?;
        draft.came_through(format!("{journal}/{number}"))?;
        let phase = match self.phase {
            OPENS => Phase::Opens,
            CLOSES => Phase::Closes(Box::new(draft.passed()?.ok_or_else(bad)?)),
            NEITHER => Phase::Neither,
            _ => return Err(bad()),
        };
        Ok(Submission::of_journal(Prepared::of(keys, draft)?, phase))
    }
}
