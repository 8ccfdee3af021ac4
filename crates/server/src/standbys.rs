//! How the databases stand: whether what is acknowledged is on a second machine, and how often
//! connections had to be made anew.

use std::collections::BTreeMap;
use std::time::Duration;

use access::{Databases, Region};
use anyhow::Context as _;
use base::db::Standby;
use base::metrics::{Family, Gauge, Metrics};
use base::tasks::Tasks;

use crate::config::Config;
use crate::wire::House;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// By region.
type ByRegion = Family<[(&'static str, String); 1], Gauge>;

/// Looks after the databases of this node.
#[derive(Debug)]
pub(crate) struct Standbys {
    databases: Databases,
    production: bool,
    following: ByRegion,
    renewed: ByRegion,
    repeated: ByRegion,
}

impl Standbys {
    pub(crate) fn open(config: &Config, house: &House) -> Self {
        let metrics: &Metrics = &house.metrics;
        Self {
            databases: house.databases.clone(),
            production: config.production,
            following: metrics.register(
                "database_standbys",
                "Synchronous standbys that follow; below zero: it cannot be said",
                Family::default(),
            ),
            renewed: metrics.register(
                "database_renewed",
                "Times all connections to the database were made anew, since the start",
                Family::default(),
            ),
            repeated: metrics.register(
                "database_repeated",
                "Units of work and reads that the database undid and that were done again",
                Family::default(),
            ),
        }
    }

    /// In production: that a synchronous standby follows every database.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        for (region, db) in self.databases.iter().filter(|_| self.production) {
            let standby = db.standby().await.with_context(|| format!("the database `{region}`"))?;
            anyhow::ensure!(
                standby.is_safe(),
                "the database `{region}`: {standby}. `production = true` promises that what is \
                 acknowledged survives the loss of a machine"
            );
        }
        Ok(())
    }

    /// Tells how they stand, until the house closes.
    pub(crate) async fn watch(self, tasks: Tasks) {
        let mut known = BTreeMap::new();
        loop {
            for (region, db) in self.databases.iter() {
                let of = || [("region", region.to_string())];
                let health = db.health();
                let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                self.renewed.get_or_create(&of()).set(count(health.renewed));
                self.repeated.get_or_create(&of()).set(count(health.repeated));
                // A database that is away is told by whoever needs it.
                let Ok(standby) = db.standby().await else { continue };
                let follow = match standby {
                    Standby::Follows(follow) => count(follow),
                    Standby::NoneNamed
                    | Standby::NoneFollows
                    | Standby::Unsafe
                    | Standby::Embedded => 0,
                    Standby::Hidden => -1,
                };
                self.following.get_or_create(&of()).set(follow);
                if known.insert(region, standby) != Some(standby) && self.production {
                    tell(region, standby);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = tasks.stopping() => return,
            }
        }
    }
}

fn tell(region: Region, standby: Standby) {
    if standby.is_safe() {
        tracing::info!(%region, "{standby}");
    } else {
        tracing::error!(%region, "what is acknowledged may be lost with one machine: {standby}");
    }
}
