//! What the database knows of an org, taken into memory.

use std::sync::atomic::Ordering;
use std::time::Duration;

use access::Scope;
use base::args;
use base::db::DbError;
use base::money::NanoCents;
use base::time::{At, day};
use tokio::time::timeout;

use crate::ceilings::{Ceilings, stored};
use crate::org::{Org, Spent};
use crate::shared::UNKNOWN;
use crate::subject::{Target, bare};
use crate::{Error, Limits, sql};

/// Longer than this no call waits for its org to be loaded.
const LOAD_TIMEOUT: Duration = Duration::from_secs(5);

impl Limits {
    /// Makes an org known. Of those who ask at once one reads; if it fails, the
    /// others share the failure instead of waiting one after the other.
    pub(crate) async fn load(&self, org: &Org, scope: &Scope) -> Result<(), Error> {
        let failures = org.failures();
        let read = async {
            let _turn = org.turn.lock().await;
            if org.is_known() {
                return Ok(());
            }
            if org.failures() != failures {
                return Err(Error::Unavailable);
            }
            let read = self.learn(org, scope).await;
            if read.is_err() {
                org.failed();
                self.0.counts.unloadable.inc();
            }
            read
        };
        timeout(LOAD_TIMEOUT, read).await.unwrap_or(Err(Error::Unavailable))
    }

    /// Has at hand what calls of this org are decided by, for when the database is away.
    pub async fn ready(&self, scope: &Scope) -> Result<(), Error> {
        let org = self.org(scope.org());
        org.stays.store(true, Ordering::Relaxed);
        if org.is_known() { Ok(()) } else { self.load(&org, scope).await }
    }

    /// Reads the limits, and the ledger of this month unless it counts already.
    async fn learn(&self, org: &Org, scope: &Scope) -> Result<(), Error> {
        let now = self.0.clock.now();
        if let Some(shared) = &org.shared {
            shared.knows_scope(scope);
            // Which change of the limits it is comes before the limits: they are no older.
            let version = self.bring_back_in_turn(shared, scope).await.unwrap_or(UNKNOWN);
            let ceilings = self.ceilings(scope).await.map_err(Error::Unloadable)?;
            org.learn(now, ceilings, version, Some(Vec::new()));
            return Ok(());
        }
        let spent =
            async { if org.counts() { Ok(None) } else { self.spent(scope, now).await.map(Some) } };
        let read = tokio::try_join!(self.ceilings(scope), spent);
        let (ceilings, spent) = read.map_err(Error::Unloadable)?;
        if let Some((place, note)) = self.noted(scope) {
            if note.limits == *ceilings.set_at() {
                let spent = note.bounds.iter().map(|(subject, most)| Spent::at_most(subject, most));
                // In its own day and month; later ones begin with nothing.
                org.learn(note.bounds.at(), ceilings, UNKNOWN, Some(spent.collect()));
                org.keep_on(place, note);
                return Ok(());
            }
            tracing::warn!(org.id = %scope.org(), "its limits changed just before: what was spent is not known");
        }
        org.learn(now, ceilings, UNKNOWN, spent);
        Ok(())
    }

    async fn ceilings(&self, scope: &Scope) -> Result<Ceilings, DbError> {
        let rows = self.0.databases.of(scope)?.all(sql::LIMITS, args![]).await?;
        let mut ceilings = Ceilings::default();
        for row in rows {
            let (level, subject) = (level(&row.text("level")?)?, row.text("subject")?);
            let target = Target::new(level, bare(&subject));
            let target = target.map_err(|cause| DbError::unreadable("subject", cause))?;
            ceilings.set(&target, Some(stored(&row)?), row.int("set_at")?);
        }
        Ok(ceilings)
    }

    /// What every subject spent this day and month, as the ledger has it.
    pub(crate) async fn spent(&self, scope: &Scope, now: At) -> Result<Vec<Spent>, DbError> {
        let today = day(now);
        let first = first_of_month(&today);
        let rows = self.0.databases.of(scope)?.all(sql::SPENT, args![first, today]).await?;
        let spent = rows.iter().map(|row| {
            Ok(Spent {
                subject: row.text("subject")?,
                day: NanoCents(row.int("day_spent")?),
                month: NanoCents(row.int("month_spent")?),
            })
        });
        spent.collect()
    }
}

/// The first day of the month of a day.
pub(crate) fn first_of_month(day: &str) -> String {
    format!("{}-01", day.rsplit_once('-').map_or(day, |(month, _)| month))
}

/// A stored level.
pub(crate) fn level(text: &str) -> Result<crate::Level, DbError> {
    let text = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
    serde::Deserialize::deserialize(text).map_err(|cause| DbError::unreadable("level", cause))
}
