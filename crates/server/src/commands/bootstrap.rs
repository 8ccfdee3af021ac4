//! What an operator does before anybody can sign in. Every act is in the org's record,
//! under the operator's name.

use std::path::Path;

use access::{Caller, OrgId, Region};
use anyhow::Context as _;
use base::problem::Problem;
use base::secret::Secret;
use base::time::SystemClock;
use clap::Subcommand;
use serde_json::json;

use super::moves::MoveOrg;
use super::{ConfigFile, say};
use crate::config::{self, Config};
use crate::wire::House;

/// The record's name for whoever sits at the command line.
pub(crate) const OPERATOR: &str = "operator";

/// Which configuration, and how to print.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct With {
    #[command(flatten)]
    file: ConfigFile,
    /// Print as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// `portico org …`
#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Creates an organization in its home region.
    Create {
        /// Its name, as people read it.
        #[arg(long)]
        name: String,
        /// Its short name, unique over all regions: lower-case letters, digits, hyphens.
        #[arg(long)]
        slug: String,
        /// Where its data stays: us, eu or apac.
        #[arg(long)]
        region: Region,
        #[command(flatten)]
        with: With,
    },
    /// Ends all access to an organization at once, with everything that runs on it.
    Revoke {
        /// The organization: its id or its short name.
        #[arg(long)]
        org: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        with: With,
    },
    /// Moves an organization to another region, as one of its owners has ordered; goes on
    /// where an earlier run was cut off.
    Move(MoveOrg),
}

/// What `portico org revoke` ends.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct What {
    /// The sessions of all members.
    #[arg(long)]
    sessions: bool,
    /// The keys of all members and service accounts, for good.
    #[arg(long)]
    keys: bool,
}

/// `portico member …`
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Adds a member. The password is read from standard input.
    Create {
        /// The organization: its id or its short name.
        #[arg(long)]
        org: String,
        /// The member's e-mail address.
        #[arg(long)]
        email: String,
        /// The member's name.
        #[arg(long)]
        name: String,
        /// org:owner, org:admin, org:member, org:viewer or a custom role.
        #[arg(long, default_value = "org:member")]
        role: String,
        #[command(flatten)]
        with: With,
    },
}

/// `portico key …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes an API key and prints it, once.
    Create {
        /// The organization: its id or its short name.
        #[arg(long)]
        org: String,
        /// The member or service account it belongs to: an id (`mem_…`, `svc_…`).
        #[arg(long)]
        owner: String,
        /// What the key is for.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        with: With,
    },
}

impl OrgCommand {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create { name, slug, region, with } => {
                let house = with.house().await?;
                let org = create_org(&house, &name, &slug, region).await?;
                let value = json!({ "id": org, "name": name, "slug": slug, "region": region });
                say(with.json, &value, &format!("{org} {name} ({slug}) in {region}"));
                house.close().await;
            }
            Self::Move(options) => Box::pin(options.run()).await?,
            Self::Revoke { org, what: What { sessions, keys }, with } => {
                let house = with.house().await?;
                let caller = operator(&house, &org).await?;
                let what = identity::Revoke { sessions, keys };
                let ended =
                    house.identity.revoke_org(&caller, what).await.map_err(Problem::from)?;
                say(with.json, &serde_json::to_value(ended)?, &ended.sentence());
                house.close().await;
            }
        }
        Ok(())
    }
}

/// Claims the home in the directory, then creates the org in its region. Cut off between the
/// two, it goes on with what was claimed when it is asked again.
pub(crate) async fn create_org(
    house: &House,
    name: &str,
    slug: &str,
    region: Region,
) -> anyhow::Result<OrgId> {
    anyhow::ensure!(house.databases.serves(region), "this node does not serve `{region}`");
    let new = identity::NewOrg { name: name.to_owned(), slug: slug.to_owned() };
    new.check().map_err(Problem::from)?;
    let org = OrgId::new(house.clock.now());
    let org = match house.directory.claim(&org, region, slug).await {
        Ok(claimed) => claimed.org,
        Err(taken @ regions::Error::Taken(_)) => {
            claimed(house, slug, region).await?.ok_or(taken)?
        }
        Err(error) => return Err(error.into()),
    };
    let caller = Caller::operator(org.clone(), region, OPERATOR);
    house.identity.create_org(&caller, &new).await.map_err(Problem::from)?;
    Ok(org)
}

/// The org that has this short name and this home, and was never created in it.
async fn claimed(house: &House, slug: &str, region: Region) -> anyhow::Result<Option<OrgId>> {
    let home = house.directory.by_slug(slug).await?;
    let Some(home) = home.filter(|home| home.region == region) else { return Ok(None) };
    let caller = Caller::operator(home.org.clone(), region, OPERATOR);
    match house.identity.org(&caller).await {
        Ok(_) => return Ok(None),
        Err(identity::Error::NotFound) => {}
        Err(error) => return Err(Problem::from(error).into()),
    }
    let behind = house.log.behind(region).await?;
    anyhow::ensure!(
        behind.iter().all(|it| it.org != home.org),
        "`{slug}` was created, and the restored database lacks it: run `portico restore replay`"
    );
    Ok(Some(home.org))
}

impl MemberCommand {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::Create { org, email, name, role, with } = self;
        let house = with.house().await?;
        let caller = operator(&house, &org).await?;
        let mut password = String::new();
        std::io::stdin().read_line(&mut password).context("the password on standard input")?;
        let password = Some(Secret::new(password.trim_end_matches(['\r', '\n']).to_owned()));
        let new = identity::NewMember { email, name, role, password };
        let member = house.identity.add_member(&caller, &new).await.map_err(Problem::from)?;
        let value = serde_json::to_value(&member)?;
        say(with.json, &value, &format!("{} {} {}", member.id, member.email, member.role));
        house.close().await;
        Ok(())
    }
}

impl KeyCommand {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::Create { org, owner, name, with } = self;
        let house = with.house().await?;
        let caller = operator(&house, &org).await?;
        let new = identity::NewKey { owner: Some(owner.clone()), name, ..Default::default() };
        let made = house.identity.create_key(&caller, &new).await.map_err(Problem::from)?;
        let value = json!({ "id": made.key.id, "owner": owner, "key": made.secret.reveal() });
        say(with.json, &value, made.secret.reveal());
        house.close().await;
        Ok(())
    }
}

/// The operator, acting in an org.
pub(super) async fn operator(house: &House, org: &str) -> anyhow::Result<Caller> {
    let home = match org.parse::<OrgId>() {
        Ok(id) => house.directory.home(&id).await?,
        Err(_) => house.directory.by_slug(org).await?,
    };
    let home = home.with_context(|| format!("there is no organization `{org}`"))?;
    Ok(Caller::operator(home.org, home.region, OPERATOR))
}

impl With {
    pub(super) async fn house(&self) -> anyhow::Result<House> {
        open(self.config()?).await
    }

    pub(super) fn config(&self) -> anyhow::Result<Config> {
        Ok(beside(self.file.load()?))
    }
}

/// The rooms of the cell with this configuration, opened by a command.
pub(super) async fn house(file: &Path) -> anyhow::Result<House> {
    open(beside(config::load(file)?)).await
}

async fn open(config: Config) -> anyhow::Result<House> {
    House::open(&config, std::sync::Arc::new(SystemClock)).await
}

/// Under a name of its own: the serving node's open calls are not ours to close.
fn beside(mut config: Config) -> Config {
    config.node.push_str("-cli");
    config
}
