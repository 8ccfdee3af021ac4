//! Deleting what has expired, in the background.

use std::time::Duration;

use access::{Caller, Databases, OrgId, Region};
use audit::{Change, Record};
use base::args;
use base::db::{DbError, Within};
use base::tasks::Tasks;
use base::time::SharedClock;
use jiff::SignedDuration;

use crate::retention::DAYS_DEFAULT;
use crate::{events, sql};

/// How often expired conversations are looked for.
const TICK: Duration = Duration::from_mins(10);
/// Conversations of one org that one sweep deletes at most: the rest waits for the next.
const EXPIRE_AT_ONCE: i64 = 500;
/// Hours of a day of retention.
const DAY_HOURS: i64 = 24;

/// Deletes what has expired.
#[derive(Debug)]
pub(crate) struct Sweep {
    databases: Databases,
    clock: SharedClock,
    record: Record,
}

impl Sweep {
    pub(crate) fn new(databases: &Databases, clock: &SharedClock, record: &Record) -> Self {
        Self { databases: databases.clone(), clock: clock.clone(), record: record.clone() }
    }

    /// Until the server stops.
    pub(crate) async fn tend(self, tasks: Tasks) {
        while tokio::time::timeout(TICK, tasks.stopping()).await.is_err() {
            if let Err(error) = self.once().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "expired conversations could not be deleted"
                );
            }
        }
    }

    /// Once over every org of this node, and how many conversations were deleted.
    pub(crate) async fn once(&self) -> Result<u64, DbError> {
        let mut count = 0;
        for (region, db) in self.databases.iter() {
            let mut after = String::new();
            loop {
                let rows = db.all(&Within::node(), sql::ORGS, args![after.as_str()]).await?;
                let Some(last) = rows.last() else { break };
                after = last.text("org_id")?;
                for row in &rows {
                    let days = row.opt_int("retention_days")?.unwrap_or(DAYS_DEFAULT);
                    count += self.org(row.parse("org_id")?, region, days).await?;
                }
            }
        }
        Ok(count)
    }

    /// One event for each org and sweep that deleted something.
    async fn org(&self, org: OrgId, region: Region, days: i64) -> Result<u64, DbError> {
        let scope = Caller::node(org, region, "chat").itself();
        let age = SignedDuration::from_hours(days.saturating_mul(DAY_HOURS));
        let Ok(before) = self.clock.now().checked_sub(age) else { return Ok(0) };
        if self.databases.of(&scope)?.maybe(sql::EXPIRED, args![before]).await?.is_none() {
            return Ok(0);
        }
        let mut change = Change::begin(&self.record, &scope).await?;
        let count = change.run(sql::EXPIRE, args![before, EXPIRE_AT_ONCE]).await?;
        if count > 0 {
            change.commit(events::expired(scope.org().as_str(), count, days)).await?;
        }
        Ok(count)
    }
}
