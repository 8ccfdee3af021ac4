//! What only the operator says of the record.

use access::Region;
use base::problem::Problem;
use clap::Subcommand;
use serde_json::json;

use super::bootstrap::{With, operator};
use super::say;
use super::tier::Tier;

/// `portico record …`
#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Says that somebody looked at what a witness contradicted: the alarm ends.
    Acknowledge {
        /// The name of the witness's keys.
        #[arg(long)]
        witness: String,
        #[command(flatten)]
        log: Which,
        #[command(flatten)]
        with: With,
    },
    /// Moves old months of the record from the database to the archive beside its log.
    Tier(Tier),
}

/// Which log the witness contradicted.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// That of an organization: its id or its short name.
    #[arg(long)]
    org: Option<String>,
    /// That of the directory of a region: us, eu or apac.
    #[arg(long)]
    directory: Option<Region>,
}

impl RecordCommand {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (witness, Which { org, directory }, with) = match self {
            Self::Acknowledge { witness, log, with } => (witness, log, with),
            Self::Tier(tier) => return Box::pin(tier.run()).await,
        };
        let house = with.house().await?;
        if let Some(org) = &org {
            let caller = operator(&house, org).await?;
            house.log.acknowledge(&caller, &witness).await.map_err(Problem::from)?;
        }
        if let Some(region) = directory {
            let done = house.log.acknowledge_directory(region, &witness).await;
            done.map_err(Problem::from)?;
        }
        let value = json!({ "witness": witness, "org": org, "directory": directory });
        say(with.json, &value, &format!("acknowledged: what {witness} said"));
        house.close().await;
        Ok(())
    }
}
