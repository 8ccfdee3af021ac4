//! Taking positions and writing events, inside somebody's transaction.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::{DbError, Tx, Value};
use base::time::At;

use crate::entry::{Class, Draft, Sealed};
use crate::event::{Event, Outcome};
use crate::heads::{ByOrg, Growth, Heads, Moved};
use crate::keys::{Key, Keys, Tag};
use crate::rider::{Committed, Passed};
use crate::sql;

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
        let tag = |holder| keys.tag(region, &org, holder);
        let subject = tag(draft.holder(Class::Subject))?;
        // Often what was done is its doer's own, as a call is.
        let alike = draft.holder(Class::Payload) == draft.holder(Class::Subject);
        let payload = if alike { subject.clone() } else { tag(draft.holder(Class::Payload))? };
        let columns = [
            Keys::column(&draft.user.id, &subject),
            Keys::column(&draft.resource.id, &tag(&draft.resource.holder)?),
        ];
        let tags = [tag(draft.holder(Class::Core))?, subject, payload];
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

    /// The id of what it was done to, as its column holds it.
    pub(crate) fn stored_resource(&self) -> &str {
        let [_, resource] = &self.columns;
        resource
    }

    /// Whether this is what was stored of it.
    pub(crate) fn is_stored_as(&self, body: &[u8]) -> Result<bool, DbError> {
        let stored = Sealed::from_bytes(body);
        let stored = stored.map_err(|cause| DbError::unreadable("body", cause))?;
        Ok(stored.nonce == self.draft.nonce)
    }

    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The call has an end already: see [`Draft::only_reports`].
    pub(crate) fn only_reports(self, keys: &Keys) -> Result<Self, DbError> {
        let mut draft = self.draft;
        draft.only_reports()?;
        Self::of(keys, draft)
    }

    /// What is told of it once it is committed.
    pub(crate) fn committed<'a>(
        &'a self,
        (seq, at): (i64, i64),
        call: Option<&'a Passed>,
    ) -> Option<Committed<'a>> {
        let (org, action, outcome) = (&self.org, &*self.draft.action, &*self.draft.outcome);
        let (at, outcome) = (At::from_microsecond(at).ok()?, Outcome::of(outcome)?);
        Some(Committed { org, seq, at, action, outcome, call })
    }

    /// Whether whoever did it is forgotten: see [`Keys::is_gone`].
    pub(crate) async fn is_nobodys(&self, tx: &mut Tx, keys: &Keys) -> Result<bool, DbError> {
        let [_, subject, _] = &self.tags;
        keys.is_gone(tx, &self.org, subject).await
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

/// What was appended: the position of each event, and the heads to remember once it is
/// committed.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) seqs: Vec<i64>,
    /// The instant that each is found under, in microseconds.
    pub(crate) ats: Vec<i64>,
    pub(crate) heads: ByOrg<Moved>,
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
/// INVARIANT: `at` of an event is at most [`LATE_MAX_MICROS`](crate::heads::LATE_MAX_MICROS)
/// behind any `at` before it, so a time is found by halving.
pub(crate) async fn append(
    tx: &mut Tx,
    keys: &Keys,
    heads: &Heads,
    entries: &[&Prepared],
) -> Result<Appended, DbError> {
    // Keys before heads, and both in the order of orgs: nobody waits in a circle.
    let keys = keys_of(tx, keys, entries).await?;
    let mut growth = ByOrg::<Growth>::new();
    let mut sealed = Vec::with_capacity(entries.len());
    for entry in entries {
        let one = entry.sealed(&keys)?;
        let growth = growth.entry(entry.org.clone()).or_default();
        growth.add(one.entry, entry.draft.at.as_microsecond());
        sealed.push(one);
    }
    let mut moved = heads.moved(tx, &growth).await?;
    let mut seqs = Vec::with_capacity(entries.len());
    let mut ats = Vec::with_capacity(entries.len());
    let mut rows = Vec::with_capacity(entries.len());
    for (entry, sealed) in entries.iter().zip(&sealed) {
        let Some(Moved { next, head, .. }) = moved.get_mut(&entry.org) else { continue };
        let at = entry.draft.at.as_microsecond().max(head.earliest());
        rows.push(entry.row(*next, at, sealed));
        seqs.push(*next);
        ats.push(at);
        *next += 1;
    }
    tx.many(&sql::APPEND, rows).await?;
    Ok(Appended { seqs, ats, heads: moved })
}
