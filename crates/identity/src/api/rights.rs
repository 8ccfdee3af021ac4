//! Roles, grants, and why somebody may or may not.

use access::{Caller, Permission};
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Check, Checked, Grant, GrantId, Identity, NewGrant, NewRole, Role, RolePermissions};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(permissions))
        .routes(routes!(roles, add_role))
        .routes(routes!(change_role, remove_role))
        .routes(routes!(grants, add_grant))
        .routes(routes!(remove_grant))
        .routes(routes!(check))
}

/// Which grants.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListGrants {
    /// Those of this member, team, key or service account only.
    subject: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items on a page: 1 to 200, 50 if not given.
    limit: Option<u32>,
}

/// Every permission there is.
#[utoipa::path(get, path = "/api/permissions", tag = "identity",
    security(("key" = ["self"])), responses((status = 200, body = Value)))]
async fn permissions(_caller: Caller) -> Json<Value> {
    let all: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    Json(json!({ "items": all }))
}

/// The roles of the org: the four built-in ones and its own.
#[utoipa::path(get, path = "/api/roles", tag = "identity", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200, body = Page<Role>)))]
async fn roles(
    caller: Caller,
    State(identity): State<Identity>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Role>>, Problem> {
    Ok(Json(identity.roles(&caller, page.after.as_deref(), page.limit).await?))
}

/// Defines a role.
#[utoipa::path(post, path = "/api/roles", tag = "identity", request_body = NewRole,
    security(("key" = ["users:grant"])), responses((status = 201, body = Role)))]
async fn add_role(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<NewRole>,
) -> Result<(StatusCode, Json<Role>), Problem> {
    Ok((StatusCode::CREATED, Json(identity.add_role(&caller, &body).await?)))
}

/// Changes what a role of the org permits.
#[utoipa::path(put, path = "/api/roles/{name}", tag = "identity", request_body = RolePermissions,
    params(("name" = String, Path, description = "the role")),
    security(("key" = ["users:grant"])), responses((status = 200, body = Role)))]
async fn change_role(
    caller: Caller,
    State(identity): State<Identity>,
    Path(name): Path<String>,
    Json(body): Json<RolePermissions>,
) -> Result<Json<Role>, Problem> {
    Ok(Json(identity.change_role(&caller, &name, &body.permissions).await?))
}

/// Deletes a role that nobody has any more.
#[utoipa::path(delete, path = "/api/roles/{name}", tag = "identity",
    params(("name" = String, Path, description = "the role")),
    security(("key" = ["users:grant"])), responses((status = 204)))]
async fn remove_role(
    caller: Caller,
    State(identity): State<Identity>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    identity.remove_role(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The roles that were given beside the members' own.
#[utoipa::path(get, path = "/api/grants", tag = "identity", params(ListGrants),
    security(("key" = ["users:read"])), responses((status = 200, body = Page<Grant>)))]
async fn grants(
    caller: Caller,
    State(identity): State<Identity>,
    Query(list): Query<ListGrants>,
) -> Result<Json<Page<Grant>>, Problem> {
    let (subject, after) = (list.subject.as_deref(), list.after.as_deref());
    Ok(Json(identity.grants(&caller, subject, after, list.limit).await?))
}

/// Gives a role to a member, a team, a key or a service account.
#[utoipa::path(post, path = "/api/grants", tag = "identity", request_body = NewGrant,
    security(("key" = ["users:grant"])), responses((status = 201, body = Grant)))]
async fn add_grant(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<NewGrant>,
) -> Result<(StatusCode, Json<Grant>), Problem> {
    Ok((StatusCode::CREATED, Json(identity.add_grant(&caller, &body).await?)))
}

/// Takes a grant back.
#[utoipa::path(delete, path = "/api/grants/{id}", tag = "identity",
    params(("id" = String, Path, description = "the grant")),
    security(("key" = ["users:grant"])), responses((status = 204)))]
async fn remove_grant(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<GrantId>,
) -> Result<StatusCode, Problem> {
    identity.remove_grant(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decides without acting, and says why.
#[utoipa::path(post, path = "/api/access/check", tag = "identity", request_body = Check,
    security(("key" = ["self"])), responses((status = 200, body = Checked)))]
async fn check(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<Check>,
) -> Result<Json<Checked>, Problem> {
    Ok(Json(identity.check_access(&caller, &body).await?))
}
