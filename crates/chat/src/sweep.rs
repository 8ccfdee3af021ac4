//! Deleting what has expired, in the background.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region};
use audit::{Change, Freeze, Record};
use base::args;
use base::db::{DbError, Row, Within};
use base::tasks::Tasks;
use base::time::SharedClock;
use jiff::SignedDuration;
use tokio::sync::Mutex;

use crate::kept::person_of;
use crate::retention::DAYS_DEFAULT;
use crate::{events, sql};

/// How often expired conversations are looked for.
const TICK: Duration = Duration::from_mins(10);
/// Expired conversations of one org that one sweep looks at: the rest waits for the next.
const EXPIRED_AT_ONCE: u16 = 500;
/// Hours of a day of retention.
const DAY_HOURS: i64 = 24;

/// Deletes what has expired.
#[derive(Debug)]
pub(crate) struct Sweep {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    freeze: Arc<dyn Freeze>,
    /// Where the next sweep of an org goes on that has more than one sweep looks at: what must be
    /// kept is passed by, and stands in nobody's way.
    places: Mutex<BTreeMap<OrgId, Place>>,
}

/// A conversation in the order of their last messages: when that was, and the id.
type Place = (i64, String);

impl Sweep {
    pub(crate) fn new(
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        freeze: &Arc<dyn Freeze>,
    ) -> Self {
        Self {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            freeze: Arc::clone(freeze),
            places: Mutex::default(),
        }
    }

    /// Until the server stops.
    pub(crate) async fn tend(self: Arc<Self>, tasks: Tasks) {
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
        // One sweep after the other.
        let mut places = self.places.lock().await;
        let (mut count, mut next) = (0, BTreeMap::new());
        for (region, db) in self.databases.iter() {
            let mut after = String::new();
            loop {
                let rows = db.all(&Within::node(), sql::ORGS, args![after.as_str()]).await?;
                let Some(last) = rows.last() else { break };
                after = last.text("org_id")?;
                for row in &rows {
                    let days = row.opt_int("retention_days")?.unwrap_or(DAYS_DEFAULT);
                    let org: OrgId = row.parse("org_id")?;
                    let from = places.remove(&org).unwrap_or_default();
                    let (deleted, place) = self.org(&org, region, days, &from).await?;
                    count += deleted;
                    next.extend(place.map(|place| (org, place)));
                }
            }
        }
        *places = next;
        Ok(count)
    }

    /// One event for each org and sweep that deleted something. Also says where to go on.
    async fn org(
        &self,
        org: &OrgId,
        region: Region,
        days: i64,
        from: &Place,
    ) -> Result<(u64, Option<Place>), DbError> {
        let scope = Caller::node(org.clone(), region, "chat").itself();
        let age = SignedDuration::from_hours(days.saturating_mul(DAY_HOURS));
        let Ok(before) = self.clock.now().checked_sub(age) else { return Ok((0, None)) };
        let args = args![before, from.0, from.1.as_str(), i64::from(EXPIRED_AT_ONCE)];
        let rows = self.databases.of(&scope)?.all(sql::EXPIRED, args).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok((0, None)) };
        let next = (rows.len() == usize::from(EXPIRED_AT_ONCE)).then(|| place(last)).transpose()?;
        let mut change = Change::begin(&self.record, &scope).await?;
        let frozen = self.freeze.frozen(&mut change).await?;
        let mut due = String::new();
        for row in &rows {
            let owner = row.text("owner_id")?;
            if frozen.keeps(person_of(&owner), row.at("updated_at")?).is_none() {
                due.push_str(&row.text("conversation_id")?);
            }
        }
        if due.is_empty() {
            return Ok((0, next));
        }
        let args = args![first.at("updated_at")?, last.at("updated_at")?, due];
        let count = change.run(sql::EXPIRE, args).await?;
        if count > 0 {
            change.commit(events::expired(scope.org().as_str(), count, days)).await?;
        }
        Ok((count, next))
    }
}

fn place(row: &Row) -> Result<Place, DbError> {
    Ok((row.int("updated_at")?, row.text("conversation_id")?))
}
