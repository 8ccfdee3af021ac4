//! Taking positions and writing events, inside somebody's transaction.

use std::collections::BTreeMap;

use access::{Caller, OrgId};
use base::args;
use base::db::{DbError, Tx};
use base::time::At;

use crate::event::{Entry, Event};
use crate::sql;

/// How far behind the newest event of its org an event can stand, in microseconds: what
/// waits in line, and clocks of nodes that differ. A later one (what an outage kept from
/// disk) is found where it came to the record; when it happened is in its body.
pub(crate) const LATE_MAX_MICROS: i64 = 5_000_000;

/// An event ready to be written: encoded once, off the database's path.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) org: OrgId,
    at: At,
    action: &'static str,
    user_id: String,
    resource_type: &'static str,
    pub(crate) resource_id: String,
    outcome: &'static str,
    body: String,
}

impl Prepared {
    /// `node` is noted with calls.
    pub(crate) fn new(caller: &Caller, event: &Event, node: Option<&str>, at: At) -> Self {
        let body = serde_json::to_string(&Entry::of(caller, event, node, at)).unwrap_or_default();
        Self {
            org: caller.org.clone(),
            at,
            action: event.action,
            user_id: caller.actor.id().to_owned(),
            resource_type: event.resource_type,
            resource_id: event.resource_id.clone(),
            outcome: event.outcome.as_str(),
            body,
        }
    }
}

/// Appends in the order given and says which position each event got.
///
/// INVARIANT: positions of an org are contiguous from 0. The head row is locked
/// until the commit, heads are locked in the order of org ids, and a rollback
/// gives the positions back.
///
/// INVARIANT: `at` of an event is at most [`LATE_MAX_MICROS`] behind any `at` before it,
/// so a time is found by halving.
pub(crate) async fn append(tx: &mut Tx, entries: &[&Prepared]) -> Result<Vec<i64>, DbError> {
    let mut asked: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for entry in entries {
        let (count, newest) = asked.entry(entry.org.as_str()).or_default();
        *count += 1;
        *newest = entry.at.as_microsecond().max(*newest);
    }
    let heads = asked.iter().map(|(org, (count, newest))| args![*org, *count, *newest]);
    let heads: Vec<_> = heads.collect();
    let mut next: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for row in tx.many(&sql::TAKE, heads).await? {
        let org = row.text("org_id")?;
        let count = asked.get(org.as_str()).map(|(count, _)| *count).unwrap_or_default();
        next.insert(org, (row.int("size")? - count, row.int("newest")? - LATE_MAX_MICROS));
    }
    let mut seqs = Vec::with_capacity(entries.len());
    let mut ats = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some((seq, earliest)) = next.get_mut(entry.org.as_str()) {
            seqs.push(*seq);
            ats.push(entry.at.as_microsecond().max(*earliest));
            *seq += 1;
        }
    }
    let rows: Vec<_> = entries
        .iter()
        .zip(seqs.iter().zip(ats))
        .map(|(entry, (seq, at))| {
            args![
                entry.org.as_str(),
                *seq,
                at,
                entry.action,
                entry.user_id.as_str(),
                entry.resource_type,
                entry.resource_id.as_str(),
                entry.outcome,
                entry.body.as_str(),
            ]
        })
        .collect();
    tx.many(&sql::APPEND, rows).await?;
    Ok(seqs)
}
