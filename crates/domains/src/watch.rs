//! Looking at proven domains again, every week.

use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::Within;

use crate::domain::DomainName;
use crate::{Domains, Error, sql};

/// How often it is looked for domains whose week is over.
const LOOK_EVERY: Duration = Duration::from_mins(10);

impl Domains {
    pub(crate) async fn work(self) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.tasks.stopping() => break,
                _ = tick.tick() => self.look_again().await,
            }
        }
    }

    /// Looks at every domain whose week is over. Called by the room itself.
    pub async fn look_again(&self) {
        for (org, region, domain) in self.due().await.unwrap_or_default() {
            let scope = Caller::node(org, region, "domains").itself();
            let looked = match self.one(&scope, &domain).await {
                Ok(before) => self.look(&scope, &before).await.map(drop),
                Err(error) => Err(error),
            };
            let ended = match looked {
                // Proven, but another org's meanwhile: as silent as a DNS that says nothing.
                Err(Error::NoAnswer | Error::Taken) => self.later(&scope, &domain).await,
                other => other,
            };
            if let Err(error) = ended {
                tracing::warn!(
                    org.id = %scope.org(),
                    error = &error as &dyn std::error::Error,
                    "a domain could not be looked at"
                );
            }
        }
    }

    async fn due(&self) -> Result<Vec<(OrgId, Region, DomainName)>, Error> {
        let mut due = Vec::new();
        for (region, db) in self.0.databases.iter() {
            let (mut org, mut domain) = (String::new(), String::new());
            loop {
                let args = args![&org, &domain, self.now()];
                let rows = db.all(&Within::node(), sql::DUE, args).await?;
                for row in &rows {
                    (org, domain) = (row.text("org_id")?, row.text("domain")?);
                    due.push((row.parse("org_id")?, region, row.parse("domain")?));
                }
                if rows.len() < 100 {
                    break;
                }
            }
        }
        Ok(due)
    }
}
