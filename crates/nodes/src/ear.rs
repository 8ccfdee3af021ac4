//! Listening to one writer: what it changed since it was last asked.
//!
//! Instants of different writers are never compared: each has its own place. A change can
//! become visible later than a younger one, by as long as its commit took, so every asking
//! goes a little further back, and forgets nothing of that stretch.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use access::OrgId;
use base::args;
use base::db::{Db, DbError, Within};
use tokio::time::Instant;

use crate::sql;

/// How much later than a younger one a change may become visible, in microseconds. Its
/// instant is taken last before the commit, and the database undoes what stands still for
/// longer than [`base::db::IDLE_MAX`].
const LATE_MAX_MICROS: i64 = 30_000_000;
/// A command that was silent for this long is asked less often, and how often then.
const SILENT: Duration = Duration::from_secs(30);
const SILENT_EVERY: Duration = Duration::from_secs(5);
/// How long an answer may take: a database that does not answer is not waited for.
const WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Ear {
    /// The newest instant that was heard.
    newest: i64,
    /// What was heard of the last stretch: version and instant, by org and room.
    heard: HashMap<(OrgId, String), (i64, i64)>,
    /// Since when nothing was heard.
    silent_since: Instant,
    asked: Option<Instant>,
}

impl Ear {
    /// Of a writer that was there before this node: what it changed long ago cannot be
    /// remembered here.
    pub(crate) async fn from_now(db: &Db, instance: &str) -> Result<Self, DbError> {
        let newest = within(db.maybe(&Within::node(), sql::NEWEST, args![instance])).await?;
        let newest = newest.map(|row| row.int("at")).transpose()?;
        Ok(Self { newest: newest.unwrap_or_default(), ..Self::new() })
    }

    /// Of a writer that came later: all of it is news.
    pub(crate) fn new() -> Self {
        let silent_since = Instant::now();
        Self { newest: 0, heard: HashMap::new(), silent_since, asked: None }
    }

    pub(crate) fn silence(&self) -> Duration {
        self.silent_since.elapsed()
    }

    /// Whether it is time to ask again.
    pub(crate) fn is_due(&self, serves: bool) -> bool {
        let rests = |asked: Instant| asked.elapsed() < SILENT_EVERY;
        serves || self.silence() < SILENT || !self.asked.is_some_and(rests)
    }

    /// Tells `tell` of every org and room that the writer changed since the last time. What
    /// could not be told, or was cut off, is told again.
    pub(crate) async fn listen<T: Future<Output = Result<(), DbError>>>(
        &mut self,
        db: &Db,
        instance: &str,
        mut tell: impl FnMut(OrgId, String) -> T,
    ) -> Result<(), DbError> {
        self.asked = Some(Instant::now());
        let (mut at, mut org, mut room) =
            (self.newest - LATE_MAX_MICROS, String::new(), String::new());
        loop {
            let args = args![instance, at, org.as_str(), room.as_str()];
            let rows = within(db.all(&Within::node(), sql::NEWS, args)).await?;
            let Some(last) = rows.last() else { break };
            (at, org, room) = (last.int("at")?, last.text("org_id")?, last.text("room")?);
            for row in &rows {
                let place = (row.parse::<OrgId>("org_id")?, row.text("room")?);
                let (version, at) = (row.int("version")?, row.int("at")?);
                if self.heard.get(&place).is_none_or(|(known, _)| *known < version) {
                    tell(place.0.clone(), place.1.clone()).await?;
                    self.heard.insert(place, (version, at));
                    self.silent_since = Instant::now();
                }
                self.newest = self.newest.max(at);
            }
        }
        let old = self.newest - LATE_MAX_MICROS;
        self.heard.retain(|_, (_, at)| *at >= old);
        Ok(())
    }
}

/// A database that answers nothing is as good as one that answers with an error.
pub(crate) async fn within<T>(
    asked: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    let slow = |slow| DbError::elsewhere("say what other nodes changed in time", slow);
    tokio::time::timeout(WITHIN, asked).await.map_err(slow)?
}
