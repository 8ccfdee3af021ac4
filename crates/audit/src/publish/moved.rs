//! Several nodes publish the logs of a region. What one of them reads while another publishes is of
//! two moments and may not fit together: that is no fault of the record.

use std::time::Duration;

use base::args;
use base::db::DbError;

use super::fault::LogError;
use super::org::Place;
use crate::sql;

/// How often a start looks again while others publish, and how long it waits in between.
const LOOKS_MAX: usize = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How far a log was published: its checkpoint and, of a directory, its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    published: i64,
    epoch: i64,
}

impl Mark {
    /// How many epochs were written down.
    pub(super) fn epochs(self) -> Result<u64, LogError> {
        u64::try_from(self.epoch + 1).map_err(|cause| DbError::unreadable("epoch", cause).into())
    }
}

impl Place<'_> {
    pub(super) async fn mark(&self) -> Result<Mark, LogError> {
        let row = self.db()?.maybe(sql::LOG_MARK, args![]).await?;
        let of = |name| row.as_ref().map_or(Ok(-1), |row| row.int(name));
        Ok(Mark { published: of("published")?, epoch: of("epoch")? })
    }

    /// What was found since then, unless it is a fault and the log moved on meanwhile: then it must
    /// be looked at again. Where the record has a fault nobody publishes it, and nothing moves.
    pub(super) async fn unless_moved<T>(
        &self,
        since: Mark,
        found: Result<T, LogError>,
    ) -> Result<T, LogError> {
        match found {
            Err(LogError::Fault(_)) if self.mark().await? != since => Err(LogError::Moved),
            found => found,
        }
    }

    /// What is found while nothing moves.
    pub(super) async fn at_rest<T>(
        &self,
        look: impl AsyncFn() -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        for _ in 0..LOOKS_MAX {
            let since = self.mark().await?;
            let found = look().await;
            match self.unless_moved(since, found).await {
                Err(LogError::Moved) => tokio::time::sleep(LOOK_AGAIN).await,
                found => return found,
            }
        }
        Err(LogError::Moved)
    }
}
