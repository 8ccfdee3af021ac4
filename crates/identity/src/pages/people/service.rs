//! One service account: what it may and why, its keys, and what can be changed of it.

mod change;

use access::{Actor, Caller, Permission, PermissionSet, ServiceId};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::args;
use base::http::Path;
use base::page::filters;
use base::page::{Faults, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::effective::{self, Part};
use super::grants::{self, Given};
use super::keys::Keys;
use super::roles_offered::{Offer, Roles};
use super::who::Names;
use crate::subject::Owner;
use crate::{Error, Identity, Service, sql};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(one)).merge(change::routes())
}

/// What can be changed of a service account, as typed. Without a role it stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    name: String,
    #[serde(default)]
    role: Option<String>,
}

/// What the viewer may do with a service account that has a role of such permissions.
struct May {
    caller: Caller,
    own: bool,
    role: PermissionSet,
}

impl May {
    fn has(&self, permission: Permission) -> bool {
        self.caller.access.may(permission)
    }

    fn covers(&self) -> bool {
        self.caller.access.wide().covers(self.role)
    }

    fn change(&self) -> bool {
        self.has(Permission::UsersUpdate)
    }

    fn change_role(&self) -> bool {
        self.change() && self.has(Permission::UsersGrant) && self.covers() && !self.own
    }

    fn make_keys(&self) -> bool {
        self.has(Permission::UsersKeys) && self.covers()
    }

    fn give(&self) -> bool {
        self.has(Permission::UsersGrant)
    }

    fn remove(&self) -> bool {
        self.has(Permission::UsersDelete) && self.covers()
    }

    fn see_record(&self) -> bool {
        self.has(Permission::EventsRead)
    }
}

#[derive(Template)]
#[template(path = "identity/people/service.html")]
struct ServicePage {
    service: Service,
    may: May,
    form: ChangeForm,
    roles: Vec<Offer>,
    parts: Vec<Part>,
    grants: Vec<Given>,
    keys: Keys,
    faults: Faults,
}

/// One service account.
#[utoipa::path(get, path = "/services/{id}", tag = "console",
    params(("id" = String, Path, description = "the service account")),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn one(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<ServiceId>,
) -> Result<View, Problem> {
    show(&identity, &caller, &id, None, Faults::default()).await
}

/// The page again, with what was typed and what is wrong with it.
async fn again(
    identity: &Identity,
    caller: &Caller,
    id: &ServiceId,
    typed: Option<ChangeForm>,
    error: Error,
) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = show(identity, caller, id, typed, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    id: &ServiceId,
    typed: Option<ChangeForm>,
    faults: Faults,
) -> Result<View, Problem> {
    let service = read(identity, caller, id).await?;
    let org = identity.own(caller).await?;
    let holder = org.holder(&Owner::Service(id.clone())).ok_or(Error::NotFound)?;
    let sources = effective::sources(&holder.access);
    let names = Names::look_up(identity, caller, effective::ids(&sources)).await?;
    let roles = Roles::read(identity, caller).await?;
    let form = typed.unwrap_or_else(|| ChangeForm { name: service.name.clone(), role: None });
    let page = ServicePage {
        may: May {
            caller: caller.clone(),
            own: caller.actor == Actor::Service(id.clone()),
            role: roles.permits(&service.role).unwrap_or_default(),
        },
        roles: roles.offered(caller, form.role.as_ref().unwrap_or(&service.role)),
        parts: effective::parts(&holder.access, &sources, &names),
        grants: grants::of(identity, caller, id.as_str()).await?,
        keys: Keys::of(identity, caller, id.as_str()).await?,
        service,
        form,
        faults,
    };
    View::of(&*page.service.name, &page)
}

async fn read(identity: &Identity, caller: &Caller, id: &ServiceId) -> Result<Service, Error> {
    let scope = caller.require(Permission::UsersRead)?;
    let db = identity.0.databases.of(&scope)?;
    let row = db.maybe(sql::SERVICE_ONE, args![id.as_str()]).await?.ok_or(Error::NotFound)?;
    Ok(Service {
        id: row.parse("service_id")?,
        name: row.text("name")?,
        role: row.text("role")?,
        created_at: row.at("created_at")?,
    })
}
