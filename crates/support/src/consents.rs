//! What orgs consented to, as identification asks for it at every request of a visit.

use access::{Caller, Databases, PermissionSet, Scope};
use audit::{Change, Event, Record};
use base::args;
use base::db::{DbError, Row};
use base::seal;
use base::time::{At, SharedClock};
use identity::{Ended, Left, Visit, Visited, Visits};
use jiff::SignedDuration;

use crate::sql;

/// A visit lasts this long at most: then a second factor is shown again.
pub const VISIT_SECS_MAX: i64 = 3600;

/// Answers identification. Stands on the databases alone, so that it is there before the
/// rooms that lean on identification.
#[derive(Debug, Clone)]
pub struct Consents {
    databases: Databases,
    clock: SharedClock,
    record: Record,
}

impl Consents {
    /// Reads from these databases.
    pub fn new(databases: &Databases, clock: &SharedClock, record: &Record) -> Self {
        Self { databases: databases.clone(), clock: clock.clone(), record: record.clone() }
    }

    async fn visit(&self, scope: &Scope, tag: &[u8; 32]) -> Result<Option<Visit>, DbError> {
        let db = self.databases.of(scope)?;
        let row = db.maybe(sql::VISIT_BY_TAG, args![tag.as_slice()]).await?;
        let Some(row) = row else { return Ok(None) };
        let known = row.bytes("tag")?;
        if !seal::equal(&known, tag) {
            return Ok(None);
        }
        visit(&row).map(Some)
    }

    async fn end(&self, visitor: &Caller) -> Result<(), DbError> {
        let Some(shown) = &visitor.standing.session else { return Ok(()) };
        let scope = visitor.itself();
        let mut change = Change::begin(&self.record, &scope).await?;
        let args = args![shown.id.as_str(), self.clock.now()];
        if change.run(sql::REQUEST_LEAVE, args).await? == 0 {
            return Ok(());
        }
        change.commit(Event::done("support.visit.left", "support_request", &*shown.id)).await?;
        Ok(())
    }
}

async fn end_all(change: &mut Change, at: At) -> Result<Vec<String>, DbError> {
    let by = change.scope().caller().actor.id().to_owned();
    let ended = change.all(sql::REQUESTS_END, args![by, at]).await?;
    ended.iter().map(|row| row.text("request_id")).collect()
}

fn visit(row: &Row) -> Result<Visit, DbError> {
    let granted: Vec<String> = row.json("granted")?;
    let permissions = PermissionSet::exactly(granted.iter().map(String::as_str))
        .map_err(|cause| DbError::unreadable("granted", cause))?;
    let entered_at = row.at("entered_at")?;
    let longest = entered_at + SignedDuration::from_secs(VISIT_SECS_MAX);
    Ok(Visit {
        request: row.text("request_id")?,
        operator: row.parse("operator_id")?,
        home: row.parse("home_id")?,
        home_region: row.parse("home_region")?,
        permissions,
        entered_at,
        until: row.at("until")?.min(longest),
        anywhere: row.opt_at("anywhere_at")?.is_some(),
    })
}

impl Visits for Consents {
    fn of<'a>(&'a self, scope: &'a Scope, tag: &'a [u8; 32]) -> Visited<'a> {
        Box::pin(self.visit(scope, tag))
    }

    fn leave<'a>(&'a self, visitor: &'a Caller) -> Left<'a> {
        Box::pin(self.end(visitor))
    }

    fn end_all<'a>(&'a self, change: &'a mut Change) -> Ended<'a> {
        Box::pin(end_all(change, self.clock.now()))
    }
}
