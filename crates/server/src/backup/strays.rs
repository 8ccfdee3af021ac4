//! Logs that lie where a restored directory does not look for them: it is of before their org
//! moved. The database that was restored with it has the org where it was; there its log must
//! lie as well, so that both go on together. The move is undone, as is all that was decided since.

use access::{OrgId, Region};
use anyhow::Context as _;
use serde::Serialize;

use crate::wire::House;

/// An org whose log lies in another region than its home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Stray {
    pub(crate) org: OrgId,
    /// Where its log lies.
    pub(crate) from: Region,
    /// Where the directory has its home.
    pub(crate) to: Region,
}

/// Every such org of these regions.
pub(crate) async fn strays(house: &House, regions: &[Region]) -> anyhow::Result<Vec<Stray>> {
    let mut strays = Vec::new();
    for from in regions {
        for org in house.log.lying(*from).await? {
            let home = house.directory.home(&org).await?;
            strays.extend(home.filter(|home| home.region != *from).map(|home| Stray {
                org,
                from: *from,
                to: home.region,
            }));
        }
    }
    Ok(strays)
}

impl Stray {
    /// Takes its log back to its home. While no node serves either region.
    pub(crate) async fn take_back(&self, house: &House) -> anyhow::Result<()> {
        let Self { org, from, to } = self;
        let taken = house.log.take_back(org, (*from, *to)).await;
        taken.with_context(|| format!("the log of {org}, from `{from}` back to `{to}`"))?;
        Ok(())
    }
}
