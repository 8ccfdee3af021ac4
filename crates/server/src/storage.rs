//! Opening databases and root keys as the configuration says, and migrating.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;

use access::{Databases, Region};
use anyhow::Context as _;
use base::db::{Db, DbError, Migration};
use base::seal::RootKey;

use crate::config::{Config, Database, DatabaseName};
use crate::idempotency;

/// Every step of a region's database, room by room.
pub(crate) fn region_steps() -> Vec<Migration> {
    [
        audit::sql::MIGRATIONS,
        nodes::sql::MIGRATIONS,
        identity::sql::MIGRATIONS,
        limits::sql::MIGRATIONS,
        usage::sql::MIGRATIONS,
        patterns::sql::MIGRATIONS,
        privacy::sql::MIGRATIONS,
        chat::sql::MIGRATIONS,
        domains::sql::MIGRATIONS,
        sso::sql::MIGRATIONS,
        scim::sql::MIGRATIONS,
        guardrails::sql::MIGRATIONS,
        reviews::sql::MIGRATIONS,
        support::sql::MIGRATIONS,
        streams::sql::MIGRATIONS,
        idempotency::sql::MIGRATIONS,
    ]
    .concat()
}

/// The steps of a database, and its append-only tables.
fn steps(name: DatabaseName) -> (Vec<Migration>, Vec<&'static str>) {
    match name {
        DatabaseName::Directory => (regions::sql::MIGRATIONS.to_vec(), Vec::new()),
        DatabaseName::Us | DatabaseName::Eu | DatabaseName::Apac => {
            (region_steps(), [audit::sql::APPEND_ONLY, patterns::sql::APPEND_ONLY].concat())
        }
    }
}

/// Every database of the configuration.
pub(crate) fn names(config: &Config) -> Vec<DatabaseName> {
    let regions = config.regions.iter().map(|region| DatabaseName::from(*region));
    std::iter::once(DatabaseName::Directory).chain(regions).collect()
}

/// Opens a database. One that has steps to go is refused: `portico migrate` first.
pub(crate) async fn open(config: &Config, name: DatabaseName) -> anyhow::Result<Db> {
    let Database { url, .. } = config.database(name);
    let db = connect(name, &url).await?;
    let pending = db.pending(&steps(name).0).await.with_context(|| name.as_str())?;
    if let [first, ..] = pending.as_slice() {
        anyhow::bail!(
            "the database `{}` has {} migrations to go, first `{}`: run `portico migrate`",
            name.as_str(),
            pending.len(),
            first.name
        );
    }
    Ok(db)
}

/// The databases of a node.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    /// Of the regions that are served.
    pub(crate) databases: Databases,
    pub(crate) directory: Db,
    /// They stand in for others that are away. Where there were so many nodes, each admits its
    /// part.
    pub(crate) apart: Option<u32>,
}

impl Stores {
    /// Opens all of them.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let databases = regions(config).await?;
        let directory = open(config, DatabaseName::Directory).await?;
        Ok(Self { databases, directory, apart: None })
    }

    /// Empty ones in memory, in which what is missing of the real ones can be put.
    pub(crate) async fn empty(config: &Config, apart: u32) -> anyhow::Result<Self> {
        let mut databases = Vec::new();
        for region in &config.regions {
            databases.push((*region, empty((*region).into()).await?));
        }
        let directory = empty(DatabaseName::Directory).await?;
        Ok(Self { databases: Databases::new(databases), directory, apart: Some(apart) })
    }
}

async fn empty(name: DatabaseName) -> anyhow::Result<Db> {
    let db = Db::in_memory().await?;
    db.migrate(&steps(name).0).await?;
    Ok(db)
}

/// Whether a database of this node is behind a network.
pub(crate) fn is_remote(config: &Config) -> bool {
    names(config).into_iter().any(|name| config.database(name).url.starts_with("postgres"))
}

/// Whether something failed because a PostgreSQL is away, which is worth waiting for. The file
/// of an embedded database comes back by nobody's waiting.
pub(crate) fn is_away(config: &Config, error: &anyhow::Error) -> bool {
    is_remote(config)
        && error.chain().filter_map(<dyn std::error::Error>::downcast_ref).any(DbError::is_away)
}

/// Opens the database of every region that is served.
pub(crate) async fn regions(config: &Config) -> anyhow::Result<Databases> {
    let mut open = Vec::new();
    for region in &config.regions {
        open.push((*region, self::open(config, (*region).into()).await?));
    }
    Ok(Databases::new(open))
}

/// Refuses a role that could change the record or see every org: the tables must belong
/// to another one.
pub(crate) async fn check_roles(databases: &Databases) -> anyhow::Result<()> {
    for (region, db) in databases.iter() {
        let (_, append_only) = steps(region.into());
        let complaints = db.posture(&append_only).await?;
        anyhow::ensure!(
            complaints.is_empty(),
            "the database `{region}`: {}. Serve with a role that owns nothing (`url`), let another \
             one own the tables (`owner_url`), and run `portico migrate`, which grants what is needed",
            complaints.join("; ")
        );
    }
    Ok(())
}

/// The root key of every region that is served.
pub(crate) fn root_keys(config: &Config) -> anyhow::Result<BTreeMap<Region, RootKey>> {
    let read = |region: &Region| {
        let file = config.root_key_file((*region).into());
        let key = RootKey::load_or_create(&file);
        Ok((*region, key.with_context(|| format!("the root key {}", file.display()))?))
    };
    config.regions.iter().map(read).collect()
}

/// Applies what is pending, as the owner of the tables, and lets the application use
/// them. Gives the names of the steps by database.
pub(crate) async fn migrate(
    config: &Config,
) -> anyhow::Result<Vec<(&'static str, Vec<&'static str>)>> {
    let mut applied = Vec::new();
    for name in names(config) {
        let Database { url, owner_url, .. } = config.database(name);
        if let Some(file) = url.strip_prefix("sqlite://")
            && let Some(folder) = std::path::Path::new(file).parent()
        {
            // Nobody else on the machine may look in.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .with_context(|| format!("the folder {}", folder.display()))?;
        }
        let (steps, append_only) = steps(name);
        let owner = connect(name, owner_url.as_deref().unwrap_or(&url)).await?;
        let done = owner.migrate(&steps).await.with_context(|| name.as_str())?;
        if owner_url.is_some()
            && let Some(role) = role(&url)
        {
            owner.grant(&role, &append_only).await.with_context(|| name.as_str())?;
        }
        owner.close().await;
        applied.push((name.as_str(), done));
    }
    Ok(applied)
}

/// The database of a region as whoever owns its tables.
pub(crate) async fn owner(config: &Config, region: Region) -> anyhow::Result<Db> {
    let Database { url, owner_url, .. } = config.database(region.into());
    let url = owner_url.unwrap_or(url);
    let db = connect(region.into(), &url).await?;
    anyhow::ensure!(
        url.starts_with("sqlite:") || !db.posture(audit::sql::APPEND_ONLY).await?.is_empty(),
        "the database `{region}`: only the role that owns the tables moves events out of them: \
         name it as `owner_url`"
    );
    Ok(db)
}

async fn connect(name: DatabaseName, url: &str) -> anyhow::Result<Db> {
    Db::open(url).await.with_context(|| format!("the database `{}`", name.as_str()))
}

/// The role that a URL names.
fn role(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.split_once('@')?;
    Some(user.split(':').next().unwrap_or(user).to_owned())
}
