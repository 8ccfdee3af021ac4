//! What this room does by itself: reads providers again, warns of certificates that expire,
//! forgets what has expired.

use std::time::Duration;

use access::{Caller, OrgId, Region, Scope};
use audit::Change;
use base::args;
use base::db::{Statement, Within};
use base::time::At;

use crate::connection::Known;
use crate::{ConnectionId, Error, Sso, events, sql};

/// How often there is something to do.
const TICK: Duration = Duration::from_mins(1);
/// How often certificates are looked at, in ticks.
const CERTIFICATES_EVERY: u32 = 60;
/// Days before the end at which is warned.
const WARN_DAYS: [i64; 3] = [3, 14, 30];
/// Seconds of a day.
const DAY_SECS: i64 = 86_400;

impl Sso {
    /// Until the server stops.
    pub(crate) async fn tend(self) {
        let tasks = self.0.tasks.clone();
        let mut tick: u32 = 0;
        while tokio::time::timeout(TICK, tasks.stopping()).await.is_err() {
            let done = self.tend_once(tick.is_multiple_of(CERTIFICATES_EVERY)).await;
            if let Err(error) = done {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "identity providers could not be looked after"
                );
            }
            tick = tick.wrapping_add(1);
        }
    }

    async fn tend_once(&self, certificates: bool) -> Result<(), Error> {
        self.forget().await?;
        self.refresh_due().await?;
        if certificates {
            self.warn().await?;
        }
        Ok(())
    }

    /// Reads the providers again whose time it is, and says how many those were.
    pub async fn refresh_due(&self) -> Result<u64, Error> {
        let mut count = 0;
        let now = self.now();
        for (scope, id) in self.every(sql::DUE, Some(now)).await? {
            match self.one(&scope, &id).await {
                Ok(known) => self.read_again(&scope, &known).await?,
                Err(Error::NotFound) => continue,
                Err(other) => return Err(other),
            }
            count += 1;
        }
        Ok(count)
    }

    /// Warns of certificates that expire, once at each of 30, 14 and 3 days before.
    pub async fn warn(&self) -> Result<u64, Error> {
        let mut count = 0;
        for (scope, id) in self.every(sql::EVERY, None).await? {
            let known = match self.one(&scope, &id).await {
                Ok(known) => known,
                Err(Error::NotFound) => continue,
                Err(other) => return Err(other),
            };
            let Some((whose, at)) = known.expires() else { continue };
            let days = (at.as_second() - self.now().as_second()).div_euclid(DAY_SECS);
            let Some(step) = WARN_DAYS.into_iter().find(|step| days < *step) else { continue };
            if known.warned_days.is_some_and(|warned| warned <= step) {
                continue;
            }
            let mut change = Change::begin(&self.0.record, &scope).await?;
            change.run(sql::WARNED, args![id.as_str(), step]).await?;
            change.commit(events::expiring(&id, whose, at, days)).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Connections of every org of this node.
    async fn every(
        &self,
        statement: Statement,
        due: Option<At>,
    ) -> Result<Vec<(Scope, ConnectionId)>, Error> {
        let mut all = Vec::new();
        for (region, db) in self.0.databases.iter() {
            let (mut org, mut connection) = (String::new(), String::new());
            loop {
                let mut args = args![org.as_str(), connection.as_str()];
                args.extend(due.map(base::db::Value::from));
                let rows = db.all(&Within::node(), statement, args).await?;
                let Some(last) = rows.last() else { break };
                (org, connection) = (last.text("org_id")?, last.text("connection_id")?);
                for row in &rows {
                    let scope = node(row.parse("org_id")?, region);
                    all.push((scope, row.parse("connection_id")?));
                }
            }
        }
        Ok(all)
    }
}

impl Known {
    /// When nobody could sign in any more unless something is done, and whose certificate it
    /// is. Of the provider's the last one counts: two are live while one follows the other.
    pub(crate) fn expires(&self) -> Option<(&'static str, At)> {
        let theirs = self.provider.as_ref()?.certificates_expire_at().into_iter().max();
        let ours = self.keys.first().map(federation::saml::Keypair::expires_at);
        let theirs = theirs.map(|at| ("provider", at));
        [theirs, ours.map(|at| ("ours", at))].into_iter().flatten().min_by_key(|(_, at)| *at)
    }
}

fn node(org: OrgId, region: Region) -> Scope {
    Caller::node(org, region, "sso").itself()
}
