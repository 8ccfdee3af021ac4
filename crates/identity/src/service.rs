//! Service accounts: programs that act for an org under their own name.

use access::{Actor, Caller, Permission, ServiceId};
use audit::Event;
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::Checks;
use crate::org::exists;
use crate::rights::covers;
use crate::room::Work;
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Service {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ServiceId,
    /// What people call it.
    pub name: String,
    /// A built-in role or a custom one.
    pub role: String,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
}

/// A service account to be made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// What people call it.
    pub name: String,
    /// A built-in role or a custom one.
    pub role: String,
}

/// What can be changed of a service account.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServicePatch {
    /// What people call it.
    pub name: Option<String>,
    /// A built-in role or a custom one; needs `users:grant` too.
    pub role: Option<String>,
}

impl Service {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("service_id")?,
            name: row.text("name")?,
            role: row.text("role")?,
            created_at: row.at("created_at")?,
        })
    }
}

impl Identity {
    /// A page of service accounts.
    pub async fn services(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Service>, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let args = args![after.unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::SERVICE_PAGE, args).await?;
        let services = rows.iter().map(Service::of).collect::<Result<_, _>>()?;
        Ok(Page::of(services, limit, |service: &Service| service.id.to_string()))
    }

    /// Adds a service account.
    pub async fn create_service(
        &self,
        caller: &Caller,
        new: &NewService,
    ) -> Result<Service, Error> {
        let scope = caller.require(Permission::UsersCreate)?;
        caller.recent_factor()?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &new.name);
        checks.done()?;
        let at = self.now();
        let id = ServiceId::new(at);
        let service = Service { id, name, role: new.role.clone(), created_at: at };
        let mut work = self.begin(&scope).await?;
        work.giving(caller, "/role", &service.role).await?;
        let args = args![service.id.as_str(), &service.name, &service.role, at];
        let added = work.change.run(sql::SERVICE_ADD, args).await;
        added.map_err(|error| exists(error, "service account"))?;
        let event = Event::done("identity.service.created", "service", service.id.as_str());
        let changes = json!({"name": {"to": service.name}, "role": {"to": service.role}});
        self.commit(work, event.changes(changes)).await?;
        Ok(service)
    }

    /// Changes a service account's name or role. A new role holds for its keys at once.
    pub async fn change_service(
        &self,
        caller: &Caller,
        id: &ServiceId,
        patch: &ServicePatch,
    ) -> Result<Service, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let mut checks = Checks::default();
        let name = patch.name.as_ref().map(|name| checks.name("/name", name));
        checks.done()?;
        let held = self.reach_of_owner(caller, &Owner::Service(id.clone())).await?;
        let mut work = self.begin(&scope).await?;
        let before = work.service(id).await?;
        let name = name.unwrap_or_else(|| before.name.clone());
        let role = patch.role.clone().unwrap_or_else(|| before.role.clone());
        let after = Service { name, role, ..before.clone() };
        if after.role != before.role {
            if caller.actor == Actor::Service(id.clone()) {
                return Err(Error::OwnRole);
            }
            caller.require(Permission::UsersGrant)?;
            caller.recent_factor()?;
            covers(caller, held.or(work.role(&before.role).await?.unwrap_or_default()))?;
            work.giving(caller, "/role", &after.role).await?;
        }
        let args = args![id.as_str(), &after.name, &after.role];
        let changed = work.change.run(sql::SERVICE_CHANGE, args).await;
        changed.map_err(|error| exists(error, "service account"))?;
        let event = Event::done("identity.service.changed", "service", id.as_str());
        let event = event.changes(json!({
            "name": {"from": before.name, "to": after.name},
            "role": {"from": before.role, "to": after.role},
        }));
        self.commit(work, event).await?;
        Ok(after)
    }

    /// Removes a service account; its keys end at once.
    pub async fn remove_service(&self, caller: &Caller, id: &ServiceId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersDelete)?;
        caller.recent_factor()?;
        let held = self.reach_of_owner(caller, &Owner::Service(id.clone())).await?;
        let mut work = self.begin(&scope).await?;
        let before = work.service(id).await?;
        covers(caller, held.or(work.role(&before.role).await?.unwrap_or_default()))?;
        let at = self.now();
        work.change.run(sql::SERVICE_REMOVE, args![id.as_str(), at]).await?;
        work.change.run(sql::KEYS_REVOKE, args![id.as_str(), at]).await?;
        work.change.run(sql::GRANTS_DELETE, args![id.as_str()]).await?;
        let event = Event::done("identity.service.removed", "service", id.as_str());
        let changes = json!({"name": {"from": before.name}, "role": {"from": before.role}});
        self.commit(work, event.changes(changes)).await?;
        Ok(())
    }
}

impl Work {
    pub(crate) async fn service(&mut self, id: &ServiceId) -> Result<Service, Error> {
        let row = self.change.maybe(sql::SERVICE_ONE, args![id.as_str()]).await?;
        row.as_ref().map(Service::of).transpose()?.ok_or(Error::NotFound)
    }
}
