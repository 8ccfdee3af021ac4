//! The heads of the orgs: how large each record is, and the edge of its tree.
//!
//! A node remembers the heads that it moved last, and moves them on in one statement that
//! holds only where nobody else moved them meanwhile: where the database has that very size and
//! edge. Where somebody did, it asks first.
//! It also remembers what it moved them by, until that is published: see [`Fresh`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::OrgId;
use base::args;
use base::db::{DbError, Row, Tx};
use tlog::{Frontier, Hash};
use tokio::sync::Notify;

use crate::entry::Entry;
use crate::fresh::Fresh;
use crate::grown::Followers;
use crate::sql;

/// Orgs whose heads a node remembers, each at most two kilobytes; beyond that it forgets
/// all, and asks for them anew.
const REMEMBERED_MAX: usize = 16_384;
/// How far behind the newest event of its org an event can stand, in microseconds: what
/// waits in line, and clocks of nodes that differ. A later one (what an outage kept from
/// disk) is found where it came to the record; when it happened is in its body.
pub(crate) const LATE_MAX_MICROS: i64 = 5_000_000;

/// The end of an org's record.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    frontier: Frontier,
    /// The newest instant that an event is found under.
    newest: i64,
}

/// What a group adds to the record of one org.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    leaves: Vec<Hash>,
    entries: Vec<Entry>,
    newest: i64,
}

/// A head that was moved on.
#[derive(Debug)]
pub(crate) struct Moved {
    /// The next position of the group.
    pub(crate) next: i64,
    /// The head behind the whole group.
    pub(crate) head: Head,
    /// The whole group.
    entries: Vec<Entry>,
}

/// By org, in the order in which heads are locked.
pub(crate) type ByOrg<T> = BTreeMap<OrgId, T>;

/// The heads that this node moved last.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    known: Mutex<HashMap<OrgId, Head>>,
    fresh: Mutex<Fresh>,
    crowded: Notify,
    pub(crate) followers: Followers,
}

impl Growth {
    pub(crate) fn add(&mut self, entry: Entry, at: i64) {
        self.leaves.push(Hash::of_leaf(&entry));
        self.entries.push(entry);
        self.newest = self.newest.max(at);
    }

    fn count(&self) -> i64 {
        i64::try_from(self.leaves.len()).unwrap_or(i64::MAX)
    }
}

impl Head {
    fn size(&self) -> Result<i64, DbError> {
        i64::try_from(self.frontier.size()).map_err(|cause| DbError::unreadable("size", cause))
    }

    /// The earliest instant that an event may be found under.
    pub(crate) fn earliest(&self) -> i64 {
        self.newest - LATE_MAX_MICROS
    }

    fn moved(self, by: &Growth) -> Result<Moved, DbError> {
        let next = self.size()?;
        let Self { mut frontier, newest } = self;
        for leaf in &by.leaves {
            let added = frontier.append(*leaf, |_, _| {});
            added.map_err(|cause| DbError::unreadable("frontier", cause))?;
        }
        let head = Self { frontier, newest: newest.max(by.newest) };
        Ok(Moved { next, head, entries: by.entries.clone() })
    }
}

impl Heads {
    /// Moves the heads on. They stay locked until the commit, and are remembered behind it:
    /// [`Heads::remember`].
    ///
    /// INVARIANT: heads are locked in the order of org ids.
    pub(crate) async fn moved(
        &self,
        tx: &mut Tx,
        growth: &ByOrg<Growth>,
    ) -> Result<ByOrg<Moved>, DbError> {
        let mut moved = match self.remembered(growth) {
            Some(known) => go_on(tx, growth, known).await?,
            None => ByOrg::new(),
        };
        let mut asked = Vec::with_capacity(growth.len() - moved.len());
        for one in growth {
            if !moved.contains_key(one.0) {
                asked.push(one);
            }
        }
        if !asked.is_empty() {
            // What was remembered of them is not so, however large it is.
            for (org, _) in &asked {
                self.known().remove(*org);
            }
            moved.extend(take(tx, &asked).await?);
        }
        Ok(moved)
    }

    /// The heads of all of these orgs, if all are remembered.
    fn remembered(&self, growth: &ByOrg<Growth>) -> Option<ByOrg<Head>> {
        let remembered = self.known();
        growth.keys().map(|org| Some((org.clone(), remembered.get(org)?.clone()))).collect()
    }

    /// To be told when the commit succeeded. One that overtook another loses.
    pub(crate) fn remember(&self, moved: ByOrg<Moved>) {
        self.followers.tell(moved.keys());
        let mut remembered = self.known();
        if remembered.len() + moved.len() > REMEMBERED_MAX {
            remembered.clear();
        }
        let mut fresh = self.fresh();
        for (org, Moved { head, entries, .. }) in moved {
            fresh.add(&org, head.frontier.size(), entries);
            let known = remembered.entry(org).or_insert_with(|| head.clone());
            if known.frontier.size() < head.frontier.size() {
                *known = head;
            }
        }
        if fresh.is_crowded() {
            // Of whichever region it is: each looks, and is told again.
            self.crowded.notify_waiters();
        }
    }

    /// Waits until so much is remembered that it is time to publish.
    pub(crate) async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// The entries of an org from one position to before another, if this node wrote all of
    /// them and nobody took them. Whoever takes them makes sure that they lead to the head.
    pub(crate) fn take_fresh(&self, org: &OrgId, from: u64, to: u64) -> Option<Vec<Entry>> {
        self.fresh().take(org, from, to)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<OrgId, Head>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves on the heads that are as this node left them. The others are locked, not moved.
async fn go_on(
    tx: &mut Tx,
    growth: &ByOrg<Growth>,
    known: ByOrg<Head>,
) -> Result<ByOrg<Moved>, DbError> {
    let mut moved = ByOrg::new();
    let mut rows = Vec::with_capacity(known.len());
    for ((org, before), growth) in known.into_iter().zip(growth.values()) {
        let expected = before.frontier.to_bytes();
        let one = before.moved(growth)?;
        let (head, edges) = (&one.head, [one.head.frontier.to_bytes(), expected].concat());
        rows.push(args![org.as_str(), head.size()?, head.newest, edges, one.next]);
        moved.insert(org, one);
    }
    let mut held = BTreeSet::new();
    for row in tx.many(&sql::MOVE, rows).await? {
        // No row was there that could have moved: somebody took it away.
        if row.int("expected")? >= 0 {
            return Err(DbError::says("append to the record", OTHER_SIZE.to_owned()));
        }
        held.insert(row.text("org_id")?);
    }
    moved.retain(|org, _| held.contains(org.as_str()));
    Ok(moved)
}

/// Asks for the heads, locks them and moves them on.
async fn take(tx: &mut Tx, growth: &[(&OrgId, &Growth)]) -> Result<ByOrg<Moved>, DbError> {
    let mut rows = Vec::with_capacity(growth.len());
    for (org, by) in growth {
        rows.push(args![org.as_str(), by.count(), by.newest]);
    }
    let mut found = BTreeMap::new();
    for row in tx.many(&sql::TAKE, rows).await? {
        found.insert(row.text("org_id")?, row);
    }
    let (mut moved, mut edges) = (ByOrg::new(), Vec::with_capacity(growth.len()));
    for (org, by) in growth {
        let row = found.get(org.as_str());
        let row = row.ok_or_else(|| DbError::says("append to the record", NO_HEAD.to_owned()))?;
        let before = Head { frontier: edge_of(row)?, newest: row.int("newest")? };
        if before.size()? != row.int("size")? - by.count() {
            return Err(DbError::says("append to the record", OTHER_SIZE.to_owned()));
        }
        let one = before.moved(by)?;
        edges.push(args![org.as_str(), 0, 0, one.head.frontier.to_bytes()]);
        moved.insert((*org).clone(), one);
    }
    tx.many(&sql::EDGE, edges).await?;
    Ok(moved)
}

/// The edge that a head row holds; that of an empty tree where it holds none.
pub(crate) fn edge_of(row: &Row) -> Result<Frontier, DbError> {
    let edge = row.opt_bytes("frontier")?;
    edge.map_or_else(|| Ok(Frontier::new()), |edge| Frontier::from_bytes(&edge))
        .map_err(|cause| DbError::unreadable("frontier", cause))
}

/// Fails closed: somebody changed one of the two, or events of an earlier version wait to be
/// taken over.
const OTHER_SIZE: &str = "the tree and the record differ in size";
const NO_HEAD: &str = "a head was not given back";
