//! Carrying out what waited, when nothing blocks it any more.

use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::{Row, Within};

use crate::request::Request;
use crate::{Error, Privacy, sql};

/// How often erasures that wait are looked at; and at once when somebody lifts a hold.
const TICK: Duration = Duration::from_secs(30);

impl Privacy {
    /// Until the server stops.
    pub(crate) async fn tend(self) {
        loop {
            tokio::select! {
                () = self.0.tasks.stopping() => return,
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(TICK) => {}
            }
            // What went wrong is said where it did.
            let _told = self.sweep().await;
        }
    }

    /// Once over every org of this node, and how many people were erased. A region that could
    /// not be looked at is an error, after all others had their turn.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let (mut erased, mut whole) = (0, Ok(()));
        let regions: Vec<Region> = self.0.databases.iter().map(|(region, _)| region).collect();
        for region in regions {
            if let Err(error) = self.sweep_region(region, &mut erased).await {
                {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(%region, error, "erasures that wait could not be looked for");
                }
                whole = Err(error);
            }
        }
        whole.map(|()| erased)
    }

    async fn sweep_region(&self, region: Region, erased: &mut u64) -> Result<(), Error> {
        let (mut org, mut id) = (String::new(), String::new());
        loop {
            let db = self.0.databases.region(region)?;
            let args = args![org.as_str(), id.as_str()];
            let rows = db.all(&Within::node(), sql::REQUESTS_WAITING, args).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            (org, id) = (last.text("org_id")?, last.text("request_id")?);
            for row in &rows {
                match self.sweep_one(region, row).await {
                    Ok(done) => *erased += u64::from(done),
                    Err(Error::Db(error)) if error.is_unreachable() => return Err(error.into()),
                    // One that cannot be read or carried out does not keep the others.
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        let request = row.text("request_id")?;
                        tracing::warn!(error, request, "an erasure could not be carried out");
                    }
                }
            }
        }
    }

    async fn sweep_one(&self, region: Region, row: &Row) -> Result<bool, Error> {
        let of: OrgId = row.parse("org_id")?;
        let scope = Caller::node(of, region, "privacy").itself();
        self.go_on(&scope, &Request::read(row)?).await
    }
}
