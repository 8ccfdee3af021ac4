//! Carrying out what waited, when nothing blocks it any more.

use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::Within;
use base::tasks::Tasks;

use crate::request::Request;
use crate::{Error, Privacy, sql};

/// How often erasures that wait are looked at; and at once when somebody lifts a hold.
const TICK: Duration = Duration::from_secs(30);

impl Privacy {
    /// Until the server stops.
    pub(crate) async fn tend(self, tasks: Tasks) {
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(TICK) => {}
            }
            if let Err(error) = self.sweep().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "erasures that wait could not be carried out");
            }
        }
    }

    /// Once over every org of this node, and how many people were erased.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let mut erased = 0;
        let regions: Vec<Region> = self.0.databases.iter().map(|(region, _)| region).collect();
        for region in regions {
            erased += self.sweep_region(region).await?;
        }
        Ok(erased)
    }

    async fn sweep_region(&self, region: Region) -> Result<u64, Error> {
        let (mut erased, mut org, mut id) = (0, String::new(), String::new());
        loop {
            let db = self.0.databases.region(region)?;
            let args = args![org.as_str(), id.as_str()];
            let rows = db.all(&Within::node(), sql::REQUESTS_WAITING, args).await?;
            let Some(last) = rows.last() else { return Ok(erased) };
            (org, id) = (last.text("org_id")?, last.text("request_id")?);
            for row in &rows {
                let of: OrgId = row.parse("org_id")?;
                let scope = Caller::node(of, region, "privacy").itself();
                // One that cannot be carried out does not keep the others.
                match self.go_on(&scope, &Request::read(row)?).await {
                    Ok(done) => erased += u64::from(done),
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        let request = row.text("request_id")?;
                        tracing::warn!(error, request, "an erasure could not be carried out");
                    }
                }
            }
        }
    }
}
