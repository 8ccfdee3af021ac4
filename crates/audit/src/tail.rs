//! Following the record live.
//!
//! ```text
//! begins ──► recorded, once ──► 60 s of events ──► ends ──► comes again, is identified again
//!                                                             └── not recorded again; over
//!                                                                 after 10 minutes
//! ```
//! A connection ends with the session or key that it runs on. Whether a permission was
//! taken away this room cannot see: so a connection is short, and whoever comes again is
//! identified again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Caller, OrgId, Permission, Scope};
use base::args;
use base::db::DbError;
use base::tasks::Tasks;
use base::time::At;
use serde_json::Value;
use tokio::time::Instant;

use crate::describe::text;
use crate::explore::Error;
use crate::tiers::{Kept, Positions, Wanted};
use crate::{Filter, Record, sql, walk};

/// How long one connection lasts: the longest that somebody sees more who may not any more.
const CONNECTION: Duration = Duration::from_mins(1);
/// How long one goes on following before it takes a new beginning, which is recorded.
const FOLLOWED_SECS: i64 = 600;
/// How often a connection asks the record.
const EVERY: Duration = Duration::from_secs(1);
/// Connections of one org to one node at most.
const TAILS_OF_ORG_MAX: usize = 20;
/// Beginnings that a node remembers at most; one that is forgotten is recorded again.
const BEGINNINGS_MAX: usize = 10_000;
/// Events that one asking gives at most.
const EVENTS_MAX: i64 = 100;
/// Whoever is further behind than this is told how many were left out, and sees the newest.
const BEHIND_MAX: i64 = 2_000;
/// Events in which reading the record records itself: whoever reads does not see their own.
const READINGS: [&str; 3] = ["audit.event.read", "audit.events.read", "audit.events.followed"];

/// Who follows the record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tails {
    inner: Arc<Mutex<Inner>>,
    /// Runs nothing: what tails watch for the end of this node.
    ending: Tasks,
}

#[derive(Debug, Default)]
struct Inner {
    connections: HashMap<OrgId, usize>,
    /// When a person began to follow with a filter.
    begun: HashMap<(OrgId, String, String), At>,
}

/// One connection of an org; gives its place back when dropped.
#[derive(Debug)]
struct Place {
    tails: Tails,
    org: OrgId,
}

/// What a tail has to tell.
#[derive(Debug)]
pub(crate) enum Told {
    /// New events, oldest first, and the position behind all that was looked at.
    Events(Vec<Value>, i64),
    /// So many events came faster than they can be shown.
    LeftOut(i64),
}

/// A connection that follows the record.
#[derive(Debug)]
pub(crate) struct Tail {
    record: Record,
    scope: Scope,
    filter: Filter,
    next: i64,
    ends_at: Instant,
    asked: bool,
    _place: Place,
}

impl Record {
    /// Ends the connections of those who follow, so that a node that is to stop need not
    /// wait a minute for them. Their browsers go on at another node.
    pub fn stop_following(&self) {
        self.tails.ending.stop();
    }

    /// Begins to follow the record behind a position, or goes on. Nothing if this tail has
    /// lasted as long as a tail can.
    pub(crate) async fn follow(
        &self,
        caller: &Caller,
        filter: &Filter,
        goes_on_behind: Option<i64>,
    ) -> Result<Option<Tail>, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        filter.check()?;
        let place = self.tails.take(&caller.org).ok_or(Error::TooManyTails)?;
        let key = (caller.org.clone(), caller.actor.id().to_owned(), filter.query());
        let now = self.clock.now();
        let begun = self.tails.begun(&key).filter(|_| goes_on_behind.is_some());
        match begun {
            Some(begun) if now.as_second() - begun.as_second() >= FOLLOWED_SECS => return Ok(None),
            Some(_) => {}
            None => {
                self.read(caller, "audit.events.followed", filter).await?;
                self.tails.begins(key, now);
            }
        }
        let db = self.databases().of(&scope)?;
        let size = db.maybe(sql::SIZE, args![]).await?;
        let size = size.map(|row| row.int("size")).transpose()?.unwrap_or_default();
        let behind = goes_on_behind.or_else(|| filter.after.as_ref()?.parse().ok());
        let next = behind.map_or(size, |behind| behind.saturating_add(1).clamp(0, size));
        Ok(Some(Tail {
            record: self.clone(),
            scope,
            filter: filter.clone(),
            next,
            ends_at: Instant::now() + CONNECTION,
            asked: false,
            _place: place,
        }))
    }
}

impl Tail {
    /// What came since the last time; nothing when the connection ends.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, DbError> {
        if std::mem::replace(&mut self.asked, true) {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.scope.caller().standing.life.ended() => return Ok(None),
                () = self.record.tails.ending.stopping() => return Ok(None),
            }
        }
        let over = self.scope.caller().standing.life.is_over();
        if over || Instant::now() >= self.ends_at || self.record.tails.ending.is_stopping() {
            return Ok(None);
        }
        let db = self.record.databases().of(&self.scope)?;
        let size = db.maybe(sql::SIZE, args![]).await?;
        let size = size.map(|row| row.int("size")).transpose()?.unwrap_or_default();
        let behind = size - self.next;
        if behind > BEHIND_MAX {
            self.next = size - EVENTS_MAX;
            return Ok(Some(Told::LeftOut(behind - EVENTS_MAX)));
        }
        if behind <= 0 {
            return Ok(Some(Told::Events(Vec::new(), self.next - 1)));
        }
        let limits = args![self.next, size];
        let filter = self.record.as_stored(&self.scope, &self.filter)?;
        let args = [limits, walk::narrowing(&filter), args![EVENTS_MAX]].concat();
        let limit = usize::try_from(EVENTS_MAX).unwrap_or(usize::MAX);
        let positions = Positions::all(self.next, size).at_most(limit);
        let wanted = Wanted::at_any_time(&filter);
        let at = (&db, &self.scope);
        let matches = |row: &Kept| wanted.matches(row);
        let rows = self.record.rows_that(at, (sql::TAIL, args), positions, &matches).await?;
        let full = rows.len() >= limit;
        let last = rows.last().map(|row| row.int("seq")).transpose()?;
        self.next = last.filter(|_| full).map_or(size, |last| last + 1);
        let mut events = self.record.shown(&db, &self.scope, &rows).await?;
        events.retain(|event| !self.is_own_reading(event));
        Ok(Some(Told::Events(events, self.next - 1)))
    }

    fn is_own_reading(&self, event: &Value) -> bool {
        text(event, "userId") == self.scope.caller().actor.id()
            && READINGS.contains(&text(event, "action"))
    }
}

impl Tails {
    fn take(&self, org: &OrgId) -> Option<Place> {
        let mut inner = self.inner();
        let connections = inner.connections.entry(org.clone()).or_default();
        if *connections >= TAILS_OF_ORG_MAX {
            return None;
        }
        *connections += 1;
        Some(Place { tails: self.clone(), org: org.clone() })
    }

    fn begun(&self, key: &(OrgId, String, String)) -> Option<At> {
        self.inner().begun.get(key).copied()
    }

    fn begins(&self, key: (OrgId, String, String), now: At) {
        let mut inner = self.inner();
        // Twice as long as a tail lasts: one that comes again too late is told so.
        let recent = |at: &At| now.as_second() - at.as_second() < 2 * FOLLOWED_SECS;
        inner.begun.retain(|_, at| recent(at));
        if inner.begun.len() >= BEGINNINGS_MAX {
            inner.begun.clear();
        }
        inner.begun.insert(key, now);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.tails.inner();
        if let Some(connections) = inner.connections.get_mut(&self.org) {
            *connections -= 1;
            if *connections == 0 {
                inner.connections.remove(&self.org);
            }
        }
    }
}
