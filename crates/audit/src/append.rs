//! Taking positions and writing events, inside somebody's transaction.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::{DbError, Row, Tx, Value};
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
    tags: [Tag; 3],
    /// The ids of who and what as columns hold them.
    columns: [String; 2],
    sealed: Option<Sealed>,
}

/// The keys of a group of events, by org and tag; none: it was destroyed.
pub(crate) type Held = BTreeMap<(OrgId, Tag), Option<Arc<Key>>>;

impl Prepared {
    /// `node` is noted with calls.
    pub(crate) fn new(
        keys: &Keys,
        caller: &Caller,
        event: &Event,
        node: Option<&str>,
        at: At,
    ) -> Result<Self, DbError> {
        Self::of(keys, Draft::new(caller, event, node, at)?)
    }

    pub(crate) fn of(keys: &Keys, draft: Draft) -> Result<Self, DbError> {
        let (region, org) = (draft.region, draft.org.clone());
        let tag = |class| keys.tag(region, &org, draft.holder(class));
        let tags = [tag(Class::Core)?, tag(Class::Subject)?, tag(Class::Payload)?];
        let stored = |id: &str| keys.stored(region, &org, id);
        let columns = [stored(&draft.user.id)?, stored(&draft.resource.id)?];
        let at_hand = tags.each_ref().map(|tag| keys.at_hand(&org, tag));
        let sealed = match at_hand {
            [Some(core), Some(subject), Some(payload)] => {
                Some(seal(&draft, &tags, &[core.key(), subject.key(), payload.key()])?)
            }
            _ => None,
        };
        Ok(Self { resource_id: draft.resource.id.clone(), org, draft, tags, columns, sealed })
    }

    /// Whether it was sealed already: nobody needs to be asked for keys.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    pub(crate) fn region(&self) -> Region {
        self.draft.region
    }

    /// Sealed as it is written.
    pub(crate) fn sealed(&self, held: &Held) -> Result<Cow<'_, Sealed>, DbError> {
        if let Some(sealed) = &self.sealed {
            return Ok(Cow::Borrowed(sealed));
        }
        let key = |tag: &Tag| held.get(&(self.org.clone(), tag.clone())).cloned().flatten();
        Ok(Cow::Owned(seal(&self.draft, &self.tags, &self.tags.each_ref().map(key))?))
    }

    /// The row at this position, found under this instant.
    pub(crate) fn row(&self, seq: i64, at: i64, sealed: &Sealed) -> Vec<Value> {
        let (draft, [user, resource]) = (&self.draft, &self.columns);
        args![
            self.org.as_str(),
            seq,
            at,
            &*draft.action,
            user.as_str(),
            &*draft.resource_type,
            resource.as_str(),
            &*draft.outcome,
            sealed.to_bytes(),
        ]
    }
}

/// The keys of events that were not sealed yet; those that nobody has are made in this
/// transaction. In the order of orgs and tags, so that transactions that make the same keys
/// wait for each other and never in a circle.
pub(crate) async fn keys_of(
    tx: &mut Tx,
    keys: &Keys,
    entries: &[&Prepared],
) -> Result<Held, DbError> {
    let unsealed = entries.iter().filter(|entry| entry.sealed.is_none());
    let wanted: BTreeMap<(OrgId, Tag), Region> = unsealed
        .flat_map(|entry| entry.tags.iter().map(move |tag| (entry, tag)))
        .map(|(entry, tag)| ((entry.org.clone(), tag.clone()), entry.draft.region))
        .collect();
    let mut held = Held::new();
    for ((org, tag), region) in wanted {
        let key = keys.to_write(tx, (region, &org), &tag).await?;
        held.insert((org, tag), key);
    }
    Ok(held)
}

fn seal(draft: &Draft, tags: &[Tag; 3], keys: &[Option<Arc<Key>>; 3]) -> Result<Sealed, DbError> {
    let [_, subject_of, payload_of] = tags.clone();
    Sealed::new(draft, [subject_of, payload_of], &keys.each_ref().map(Option::as_deref))
        .map_err(|cause| DbError::unreadable("body", cause))
}

/// The edge that a head row holds; that of an empty tree where it holds none.
pub(crate) fn edge_of(row: &Row) -> Result<Frontier, DbError> {
    let edge = row.opt_bytes("frontier")?;
    edge.map_or_else(|| Ok(Frontier::new()), |edge| Frontier::from_bytes(&edge))
        .map_err(|cause| DbError::unreadable("frontier", cause))
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
    // Keys before heads, and both in the order of orgs: nobody waits in a circle.
    let keys = keys_of(tx, keys, entries).await?;
    let mut heads = take(tx, entries).await?;
    let mut seqs = Vec::with_capacity(entries.len());
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(head) = heads.get_mut(entry.org.as_str()) else { continue };
        let sealed = entry.sealed(&keys)?;
        let leaf = Hash::of_leaf(&sealed.entry);
        let seq = head.frontier.append(leaf, |_, _| {});
        let seq = seq.map_err(|cause| DbError::unreadable("frontier", cause))?;
        let seq = i64::try_from(seq).map_err(|cause| DbError::unreadable("size", cause))?;
        let at = entry.draft.at.as_microsecond().max(head.earliest);
        rows.push(entry.row(seq, at, &sealed));
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
        let frontier = edge_of(&row)?;
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
