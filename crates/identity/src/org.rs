//! An org: its name and its home.

use access::{Caller, OrgId, Permission, Region};
use audit::{Change, Event};
use base::args;
use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::{Checks, PeopleChecks as _};
use crate::{Error, Identity, sql};

/// An org, as its members see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Org {
    /// Its id.
    #[schema(value_type = String)]
    pub id: OrgId,
    /// What people call it.
    pub name: String,
    /// Its short name, as in addresses and at sign-in.
    pub slug: String,
    /// Where its data stays.
    #[schema(value_type = String)]
    pub region: Region,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
}

/// An org to be made. Its id and region are those of the caller.
#[derive(Debug, Clone)]
pub struct NewOrg {
    /// What people call it.
    pub name: String,
    /// Its short name; the directory sees to it that nobody else has it.
    pub slug: String,
}

/// What can be changed of an org.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgPatch {
    /// What people call it.
    pub name: String,
}

impl NewOrg {
    /// Whether it can be made, before its short name is claimed in the directory.
    pub fn check(&self) -> Result<(), Error> {
        let mut checks = Checks::default();
        checks.name("/name", &self.name);
        checks.slug("/slug", &self.slug);
        Ok(checks.done()?)
    }
}

impl Org {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("org_id")?,
            name: row.text("name")?,
            slug: row.text("slug")?,
            region: row.parse("region")?,
            created_at: row.at("created_at")?,
        })
    }
}

impl Identity {
    /// Makes an org in the caller's region, under the caller's org id.
    pub async fn create_org(&self, caller: &Caller, new: &NewOrg) -> Result<Org, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &new.name);
        checks.slug("/slug", &new.slug);
        checks.done()?;
        let org = Org {
            id: caller.org.clone(),
            name,
            slug: new.slug.clone(),
            region: caller.region,
            created_at: self.now(),
        };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![&org.name, &org.slug, org.region.as_str(), org.created_at];
        change.run(sql::ORG_ADD, args).await.map_err(|error| exists(error, "org"))?;
        let event = Event::done("identity.org.created", "org", org.id.as_str());
        change
            .commit(event.changes(json!({
                "name": {"to": org.name}, "slug": {"to": org.slug}, "region": {"to": org.region},
            })))
            .await?;
        self.own(caller).await?;
        Ok(org)
    }

    /// The caller's org.
    pub async fn org(&self, caller: &Caller) -> Result<Org, Error> {
        caller.require(Permission::SettingsRead)?;
        Ok(self.own(caller).await?.org.clone())
    }

    /// Renames the caller's org.
    pub async fn change_org(&self, caller: &Caller, patch: &OrgPatch) -> Result<Org, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &patch.name);
        checks.done()?;
        let mut work = self.begin(&scope).await?;
        let row = work.change.maybe(sql::ORG_READ, args![]).await?.ok_or(Error::NotFound)?;
        let before = Org::of(&row)?;
        work.change.run(sql::ORG_RENAME, args![&name]).await?;
        let event = Event::done("identity.org.changed", "org", before.id.as_str())
            .changes(json!({"name": {"from": before.name, "to": name}}));
        self.commit(work, event).await?;
        Ok(Org { name, ..before })
    }
}

/// A unique name that is taken already.
pub(crate) fn exists(error: DbError, what: &'static str) -> Error {
    if error.is_conflict() { Error::Exists(what) } else { Error::Db(error) }
}
