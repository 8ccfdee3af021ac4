//! One role of the org's own: what it permits, changed or deleted.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::args;
use base::http::Path;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::boxes::{Boxes, tidied};
use crate::pages::people::roles_offered::permissions;
use crate::{Error, Identity, Role, sql};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(one, change)).routes(routes!(remove))
}

/// What is ticked; nothing comes when nothing is.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TickedForm {
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Template)]
#[template(path = "identity/people/role.html")]
struct RolePage {
    role: Role,
    /// The viewer defines roles, and has all that this one permits.
    may_change: bool,
    /// The viewer defines roles.
    may_define: bool,
    boxes: Vec<Boxes>,
    faults: Faults,
}

/// One role of the org's own.
#[utoipa::path(get, path = "/roles/{name}", tag = "console",
    params(("name" = String, Path, description = "the role")),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn one(
    caller: Caller,
    State(identity): State<Identity>,
    Path(name): Path<String>,
) -> Result<View, Problem> {
    show(&identity, &caller, &name, None, Faults::default()).await
}

/// Changes what a role permits.
#[utoipa::path(post, path = "/roles/{name}", tag = "console",
    params(("name" = String, Path, description = "the role")),
    security(("key" = ["users:grant"])), responses((status = 303)))]
async fn change(
    caller: Caller,
    State(identity): State<Identity>,
    Path(name): Path<String>,
    Form(form): Form<TickedForm>,
) -> Result<Response, Problem> {
    match identity.change_role(&caller, &name, &tidied(&form.permissions)).await {
        Ok(role) => {
            let said = format!("{} was changed, for everybody who has it.", role.name);
            Ok(see_other(format!("/roles/{}", role.name)).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &name, Some(form.permissions), error).await,
    }
}

/// Deletes a role that nobody has any more.
#[utoipa::path(post, path = "/roles/{name}/remove", tag = "console",
    params(("name" = String, Path, description = "the role")),
    security(("key" = ["users:grant"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(identity): State<Identity>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    match identity.remove_role(&caller, &name).await {
        Ok(()) => Ok(see_other("/roles").said(format!("{name} was deleted.")).into_response()),
        Err(error) => again(&identity, &caller, &name, None, error).await,
    }
}

async fn again(
    identity: &Identity,
    caller: &Caller,
    name: &str,
    ticked: Option<Vec<String>>,
    error: Error,
) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = show(identity, caller, name, ticked, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    name: &str,
    ticked: Option<Vec<String>>,
    faults: Faults,
) -> Result<View, Problem> {
    let role = read(identity, caller, name).await?;
    let may_define = caller.access.may(Permission::UsersGrant);
    let page = RolePage {
        may_change: may_define && caller.access.wide().covers(permissions(&role)),
        may_define,
        boxes: Boxes::all(caller, ticked.as_ref().unwrap_or(&role.permissions)),
        role,
        faults,
    };
    View::of(format!("Role {name}"), &page)
}

async fn read(identity: &Identity, caller: &Caller, name: &str) -> Result<Role, Error> {
    let scope = caller.require(Permission::UsersRead)?;
    let row = identity.0.databases.of(&scope)?.maybe(sql::ROLE_ONE, args![name]).await?;
    let row = row.ok_or(Error::NotFound)?;
    Ok(Role { name: row.text("name")?, permissions: row.json("permissions")?, built_in: false })
}
