//! What holds and the retention keep from being deleted, for the rooms that delete.

use async_trait::async_trait;
use audit::{Change, Freeze, Frozen, HoldOn};
use base::args;
use base::db::DbError;
use base::time::SharedClock;

use crate::{Retention, sql};

/// Tells it. Needs nothing but the time, so rooms have it before this one is opened.
#[derive(Debug, Clone)]
pub struct Freezer(SharedClock);

impl Freezer {
    /// By this clock.
    pub fn new(clock: &SharedClock) -> Self {
        Self(clock.clone())
    }
}

#[async_trait]
impl Freeze for Freezer {
    async fn frozen(&self, change: &mut Change) -> Result<Frozen, DbError> {
        change.run(sql::TURN, args![]).await?;
        let now = self.0.now();
        let rows = change.all(sql::HOLDS_NOW, args![now]).await?;
        let holds = rows.iter().map(|row| {
            Ok(HoldOn { person: row.opt_text("person_id")?, until: row.opt_at("until")? })
        });
        let holds = holds.collect::<Result<_, DbError>>()?;
        let retention = Retention::of(change.maybe(sql::RETENTION, args![]).await?.as_ref())?;
        Ok(Frozen::new(now, holds, retention.lasts()))
    }
}
