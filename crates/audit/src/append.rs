//! Taking positions and writing events, inside somebody's transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, OrgId};
use base::args;
use base::db::{DbError, Tx, Value};
use base::time::At;
use tlog::{Frontier, Hash};

use crate::entry::{Class, Draft, Sealed};
use crate::event::Event;
use crate::keys::{Key, Keys, Tag};
use crate::sql;

/// How far behind the newest event of its org an event can stand, in microseconds: what
/// waits in line, and clocks of nodes that differ. A later one (what an outage kept from
/// disk) is found where it came to the record; when it happened is in its body.
pub(crate) const LATE_MAX_MICROS: i64 = 5_000_000;

/// An event ready to be written: encoded once, and sealed if its keys were at hand.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) org: OrgId,
    pub(crate) resource_id: String,
    draft: Draft,
    tags: Option<[Tag; 3]>,
    sealed: Option<Sealed>,
}

impl Prepared {
    /// `node` is noted with calls.
    pub(crate) fn new(
        keys: &Keys,
        caller: &Caller,
        event: &Event,
        node: Option<&str>,
        at: At,
    ) -> Self {
        Self::of(keys, Draft::new(caller, event, node, at))
    }

    pub(crate) fn of(keys: &Keys, draft: Draft) -> Self {
        let tags = tags(keys, &draft).ok();
        let sealed = tags.as_ref().and_then(|tags| {
            let at_hand = tags.each_ref().map(|tag| keys.at_hand(&draft.org, tag));
            let [Some(core), Some(subject), Some(payload)] = at_hand else { return None };
            seal(&draft, tags, &[core.key(), subject.key(), payload.key()]).ok()
        });
        let (org, resource_id) = (draft.org.clone(), draft.resource.id.clone());
        Self { org, resource_id, draft, tags, sealed }
    }

    /// Sealed as it is written; keys that nobody has yet are made in this transaction.
    pub(crate) async fn sealed(&self, tx: &mut Tx, keys: &Keys) -> Result<Sealed, DbError> {
        if let Some(sealed) = &self.sealed {
            return Ok(sealed.clone());
        }
        let (place, draft) = ((self.draft.region, &self.draft.org), &self.draft);
        let tags = match &self.tags {
            Some(tags) => tags,
            None => &tags(keys, draft)?,
        };
        let mut held: [Option<Arc<Key>>; 3] = [None, None, None];
        for (tag, place_of) in tags.iter().zip(&mut held) {
            *place_of = keys.to_write(tx, place, tag).await?;
        }
        seal(draft, tags, &held)
    }

    /// The row at this position, found under this instant.
    pub(crate) fn row(
        &self,
        keys: &Keys,
        seq: i64,
        at: i64,
        sealed: &Sealed,
    ) -> Result<Vec<Value>, DbError> {
        let draft = &self.draft;
        let stored = |id: &str| keys.stored(draft.region, &draft.org, id);
        Ok(args![
            draft.org.as_str(),
            seq,
            at,
            &*draft.action,
            stored(&draft.user.id)?,
            &*draft.resource_type,
            stored(&draft.resource.id)?,
            &*draft.outcome,
            sealed.to_bytes(),
        ])
    }
}

fn tags(keys: &Keys, draft: &Draft) -> Result<[Tag; 3], DbError> {
    let tag = |class| keys.tag(draft.region, &draft.org, draft.holder(class));
    Ok([tag(Class::Core)?, tag(Class::Subject)?, tag(Class::Payload)?])
}

fn seal(draft: &Draft, tags: &[Tag; 3], held: &[Option<Arc<Key>>; 3]) -> Result<Sealed, DbError> {
    let [_, subject_of, payload_of] = tags.clone();
    Sealed::new(draft, [subject_of, payload_of], &held.each_ref().map(Option::as_deref))
        .map_err(|cause| DbError::unreadable("body", cause))
}

/// What an org's head row says before a group is written.
struct Head {
    frontier: Frontier,
    /// The earliest instant that an event may still be found under.
    earliest: i64,
}

/// Appends in the order given and says which position each event got.
///
/// INVARIANT: positions of an org are contiguous from 0. The head row is locked
/// until the commit, heads are locked in the order of org ids, and a rollback
/// gives the positions back.
///
/// INVARIANT: the head row holds the edge of the tree of all entries before its size, so
/// positions, entries and tree change together or not at all.
///
/// INVARIANT: `at` of an event is at most [`LATE_MAX_MICROS`] behind any `at` before it,
/// so a time is found by halving.
pub(crate) async fn append(
    tx: &mut Tx,
    keys: &Keys,
    entries: &[&Prepared],
) -> Result<Vec<i64>, DbError> {
    // Keys before heads, and both in the order of orgs: nodes never wait for each other in a ring.
    let mut sealed = Vec::with_capacity(entries.len());
    for entry in entries {
        sealed.push(entry.sealed(tx, keys).await?);
    }
    let mut heads = take(tx, entries).await?;
    let mut seqs = Vec::with_capacity(entries.len());
    let mut rows = Vec::with_capacity(entries.len());
    for (entry, sealed) in entries.iter().zip(&sealed) {
        let draft = &entry.draft;
        let Some(head) = heads.get_mut(draft.org.as_str()) else { continue };
        let leaf = Hash::of_leaf(&sealed.entry);
        let seq = head.frontier.append(leaf, |_, _| {});
        let seq = seq.map_err(|cause| DbError::unreadable("frontier", cause))?;
        let seq = i64::try_from(seq).map_err(|cause| DbError::unreadable("size", cause))?;
        let at = draft.at.as_microsecond().max(head.earliest);
        rows.push(entry.row(keys, seq, at, sealed)?);
        seqs.push(seq);
    }
    tx.many(&sql::APPEND, rows).await?;
    let edges = heads.iter().map(|(org, head)| args![org.as_str(), 0, 0, head.frontier.to_bytes()]);
    let edges: Vec<_> = edges.collect();
    tx.many(&sql::EDGE, edges).await?;
    Ok(seqs)
}

/// Takes the next positions of each org: its head stays locked until the commit.
async fn take(tx: &mut Tx, entries: &[&Prepared]) -> Result<BTreeMap<String, Head>, DbError> {
    let mut asked: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for entry in entries {
        let (count, newest) = asked.entry(entry.org.as_str()).or_default();
        *count += 1;
        *newest = entry.draft.at.as_microsecond().max(*newest);
    }
    let rows = asked.iter().map(|(org, (count, newest))| args![*org, *count, *newest]);
    let rows: Vec<_> = rows.collect();
    let mut heads = BTreeMap::new();
    for row in tx.many(&sql::TAKE, rows).await? {
        let org = row.text("org_id")?;
        let count = asked.get(org.as_str()).map(|(count, _)| *count).unwrap_or_default();
        let edge = row.opt_bytes("frontier")?;
        let frontier = edge.map_or_else(|| Ok(Frontier::new()), |edge| Frontier::from_bytes(&edge));
        let frontier = frontier.map_err(|cause| DbError::unreadable("frontier", cause))?;
        if i64::try_from(frontier.size()).ok() != Some(row.int("size")? - count) {
            return Err(DbError::says("append to the record", OTHER_SIZE.to_owned()));
        }
        heads.insert(org, Head { frontier, earliest: row.int("newest")? - LATE_MAX_MICROS });
    }
    Ok(heads)
}

/// Fails closed: somebody changed one of the two, or events of an earlier version wait to be
/// taken over.
const OTHER_SIZE: &str = "the tree and the record differ in size";
