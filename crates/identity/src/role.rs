//! Roles: the four built-in ones, and those that an org defines beside them.

use access::{Caller, Permission, PermissionSet, Role as BuiltIn};
use audit::Event;
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::{Checks, PeopleChecks as _};
use crate::org::exists;
use crate::rights::covers;
use crate::room::Work;
use crate::{Error, Identity, sql};

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Role {
    /// What it is given by.
    pub name: String,
    /// What it permits, as written: `patterns:read`, `users:*`.
    pub permissions: Vec<String>,
    /// It is one of the four that every org has.
    pub built_in: bool,
}

/// A role to be defined.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// 2 to 41 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// What it permits: `patterns:read`, `users:*`.
    pub permissions: Vec<String>,
}

/// What a role permits.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolePermissions {
    /// What it permits: `patterns:read`, `users:*`.
    pub permissions: Vec<String>,
}

impl Role {
    fn of(row: &Row) -> Result<Self, DbError> {
        let (name, permissions) = (row.text("name")?, row.json("permissions")?);
        Ok(Self { name, permissions, built_in: false })
    }

    fn built_in(role: BuiltIn) -> Self {
        let permissions = role.definition().iter().map(|text| (*text).to_owned()).collect();
        Self { name: role.to_string(), permissions, built_in: true }
    }
}

impl Identity {
    /// A page of roles; the built-in ones stand in front of the first.
    pub async fn roles(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Role>, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let args = args![after.unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::ROLE_PAGE, args).await?;
        let roles = rows.iter().map(Role::of).collect::<Result<Vec<_>, _>>()?;
        let mut page = Page::of(roles, limit, |role| role.name.clone());
        if after.is_none() {
            page.items.splice(0..0, BuiltIn::ALL.map(Role::built_in));
        }
        Ok(page)
    }

    /// Defines a role. An unknown permission is refused, not ignored.
    pub async fn add_role(&self, caller: &Caller, new: &NewRole) -> Result<Role, Error> {
        let scope = caller.require(Permission::UsersGrant)?;
        caller.recent_factor()?;
        let mut checks = Checks::default();
        checks.role_name("/name", &new.name);
        let permissions = permissions(checks, &new.permissions)?;
        covers(caller, permissions)?;
        let mut work = self.begin(&scope).await?;
        let args = args![&new.name, json!(new.permissions).to_string(), self.now()];
        let added = work.change.run(sql::ROLE_ADD, args).await;
        added.map_err(|error| exists(error, "role"))?;
        let event = Event::done("identity.role.created", "role", &*new.name)
            .changes(json!({"permissions": {"to": new.permissions}}));
        self.commit(work, event).await?;
        let (name, permissions) = (new.name.clone(), new.permissions.clone());
        Ok(Role { name, permissions, built_in: false })
    }

    /// Changes what a role permits, for everybody who has it, at once.
    pub async fn change_role(
        &self,
        caller: &Caller,
        name: &str,
        texts: &[String],
    ) -> Result<Role, Error> {
        let scope = caller.require(Permission::UsersGrant)?;
        caller.recent_factor()?;
        let after = permissions(Checks::default(), texts)?;
        let mut work = self.begin(&scope).await?;
        let before = work.custom(name).await?;
        let before_too = work.role(name).await?.unwrap_or_default().or(after);
        work.gives(caller, before_too)?;
        work.change.run(sql::ROLE_CHANGE, args![name, json!(texts).to_string()]).await?;
        let event = Event::done("identity.role.changed", "role", name)
            .changes(json!({"permissions": {"from": before.permissions, "to": texts}}));
        self.commit(work, event).await?;
        Ok(Role { permissions: texts.to_vec(), ..before })
    }

    /// Deletes a role that nobody has any more.
    pub async fn remove_role(&self, caller: &Caller, name: &str) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersGrant)?;
        caller.recent_factor()?;
        let mut work = self.begin(&scope).await?;
        let before = work.custom(name).await?;
        let in_keys = format!("%\"{name}\"%");
        if work.change.maybe(sql::ROLE_USES, args![name, in_keys]).await?.is_some() {
            return Err(Error::RoleInUse);
        }
        work.change.run(sql::ROLE_DELETE, args![name]).await?;
        let event = Event::done("identity.role.deleted", "role", name)
            .changes(json!({"permissions": {"from": before.permissions}}));
        self.commit(work, event).await?;
        Ok(())
    }
}

impl Work {
    async fn custom(&mut self, name: &str) -> Result<Role, Error> {
        let row = self.change.maybe(sql::ROLE_ONE, args![name]).await?;
        row.as_ref().map(Role::of).transpose()?.ok_or(Error::NotFound)
    }
}

/// Every permission that does not exist is named by its place.
fn permissions(mut checks: Checks, texts: &[String]) -> Result<PermissionSet, Error> {
    if texts.is_empty() || texts.len() > Permission::ALL.len() {
        checks.refuse("/permissions", "must have at least one entry and not more than there are");
    }
    let mut set = PermissionSet::EMPTY;
    for (place, text) in texts.iter().enumerate() {
        match PermissionSet::parse([text.as_str()]) {
            Ok(named) => set = set.or(named),
            Err(error) => checks.refuse(&format!("/permissions/{place}"), error.to_string()),
        }
    }
    checks.done()?;
    Ok(set)
}
