//! Sessions on which something runs at this moment: a call, an export, somebody who
//! follows the record. Whether one of them was ended, also by another process, is asked
//! four times a second, and at once when a verb of this process may have ended some.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Caller, Life, OrgId, Region, Watched};
use base::db::{DbError, Value};
use base::time::At;
use tokio::sync::Notify;

use crate::session::Session;
use crate::subject::SessionId;
use crate::{Identity, sql};

/// How often it is asked which of them were ended.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// How long the answer of one org is waited for: it must not hold up the others for long.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The sessions on which something runs. One on which nothing does any more is forgotten
/// at the next asking: so there are never more than were used within that time.
#[derive(Debug, Default)]
pub(crate) struct Running {
    sessions: Mutex<HashMap<SessionId, Run>>,
    ask: Notify,
}

/// One of them.
#[derive(Debug, Clone)]
struct Run {
    life: Watched,
    org: OrgId,
    region: Region,
    begun_at: At,
    expires_at: At,
}

impl Running {
    /// The life of a session that is good as far as the database said just now: the one
    /// that others of its requests run on, or else a new one, which ends with its
    /// member's. None if it was ended meanwhile.
    pub(crate) fn life(
        &self,
        session: &Session,
        (org, region): (&OrgId, Region),
        member: &Life,
    ) -> Option<Life> {
        let mut sessions = self.sessions();
        let held = sessions.get(&session.id).and_then(|run| run.life.held());
        let life = held.unwrap_or_else(|| {
            let life = member.child();
            let run = Run {
                life: life.watched(),
                org: org.clone(),
                region,
                begun_at: session.created_at,
                expires_at: session.expires_at,
            };
            sessions.insert(session.id.clone(), run);
            life
        });
        // INVARIANT: a session that was ended does not begin again.
        Some(life).filter(|life| !life.is_over())
    }

    /// Some session may just have been ended: asks now.
    pub(crate) fn ask(&self) {
        self.ask.notify_one();
    }

    /// Forgets those on which nothing runs any more, and gives the others by org.
    fn by_org(&self) -> HashMap<(OrgId, Region), Vec<(SessionId, Run)>> {
        let mut sessions = self.sessions();
        sessions.retain(|_, run| run.life.held().is_some_and(|life| !life.is_over()));
        let mut by_org: HashMap<_, Vec<_>> = HashMap::new();
        for (id, run) in sessions.iter() {
            let place = (run.org.clone(), run.region);
            by_org.entry(place).or_default().push((id.clone(), run.clone()));
        }
        by_org
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Run>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn end(&self) {
        if let Some(life) = self.life.held() {
            life.end();
        }
    }
}

impl Identity {
    /// Ends what runs on credentials that have ended, until the stop.
    pub(crate) async fn end_what_ended(self) {
        let mut every = tokio::time::interval(ASK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.tasks.stopping() => break,
                _ = every.tick() => {}
                () = self.0.running.ask.notified() => {}
            }
            let now = self.now();
            self.0.shelf.expire(now);
            for ((org, region), runs) in self.0.running.by_org() {
                self.end_expired(&org, &runs, now);
                self.end_ended(&org, region, &runs).await;
            }
        }
    }

    /// Ends those that somebody ended. When nobody can say, it is asked again: nothing new
    /// runs without the database.
    async fn end_ended(&self, org: &OrgId, region: Region, runs: &[(SessionId, Run)]) {
        let asked = tokio::time::timeout(ANSWER_WITHIN, self.still_open(org, region, runs)).await;
        match asked {
            Ok(Ok(open)) => {
                let over = runs.iter().filter(|(id, _)| !open.contains(id));
                over.for_each(|(_, run)| run.end());
            }
            Ok(Err(error)) => tracing::warn!(
                org.id = %org,
                error = &error as &dyn std::error::Error,
                "which sessions were ended is asked again"
            ),
            Err(slow) => tracing::warn!(
                org.id = %org,
                error = &slow as &dyn std::error::Error,
                "which sessions were ended is asked again"
            ),
        }
    }

    /// Ends those whose time is up. One on which something runs is not idle.
    fn end_expired(&self, org: &OrgId, runs: &[(SessionId, Run)], now: At) {
        let config = &self.0.config;
        let lifetime_secs = self
            .0
            .shelf
            .get(org)
            .map_or(config.session_lifetime_secs, |org| org.rules.lifetime_secs(config));
        let is_old = |run: &Run| {
            run.expires_at <= now || now.as_second() - run.begun_at.as_second() >= lifetime_secs
        };
        runs.iter().filter(|(_, run)| is_old(run)).for_each(|(_, run)| run.end());
    }

    /// Those of the sessions that nobody has ended.
    async fn still_open(
        &self,
        org: &OrgId,
        region: Region,
        runs: &[(SessionId, Run)],
    ) -> Result<Vec<SessionId>, DbError> {
        let node = Caller::node(org.clone(), region, "identity").itself();
        let db = self.0.databases.of(&node)?;
        let mut open = Vec::with_capacity(runs.len());
        for some in runs.chunks(sql::SESSIONS_ASKED) {
            // What is left of the places names nobody.
            let ids = some.iter().map(|(id, _)| id.as_str()).chain(std::iter::repeat(""));
            let args: Vec<Value> = ids.take(sql::SESSIONS_ASKED).map(Value::from).collect();
            for row in db.all(sql::SESSIONS_OPEN, args).await? {
                open.push(row.parse("session_id")?);
            }
        }
        Ok(open)
    }
}
