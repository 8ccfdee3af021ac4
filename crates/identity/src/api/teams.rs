//! Teams and service accounts.

use access::{Caller, MemberId, ServiceId, TeamId};
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Identity, NewService, Service, ServicePatch, Team, TeamName};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(rename, remove))
        .routes(routes!(join, leave))
        .routes(routes!(services, add_service))
        .routes(routes!(change_service, remove_service))
}

/// The teams of the org, with their members.
#[utoipa::path(get, path = "/api/teams", tag = "identity", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200, body = Page<Team>)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Team>>, Problem> {
    Ok(Json(identity.teams(&caller, page.after.as_deref(), page.limit).await?))
}

/// Adds a team.
#[utoipa::path(post, path = "/api/teams", tag = "identity", request_body = TeamName,
    security(("key" = ["users:create"])), responses((status = 201, body = Team)))]
async fn add(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<TeamName>,
) -> Result<(StatusCode, Json<Team>), Problem> {
    Ok((StatusCode::CREATED, Json(identity.add_team(&caller, &body.name).await?)))
}

/// Renames a team.
#[utoipa::path(patch, path = "/api/teams/{id}", tag = "identity", request_body = TeamName,
    params(("id" = String, Path, description = "the team")),
    security(("key" = ["users:update"])), responses((status = 200, body = Team)))]
async fn rename(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
    Json(body): Json<TeamName>,
) -> Result<Json<Team>, Problem> {
    Ok(Json(identity.rename_team(&caller, &id, &body.name).await?))
}

/// Deletes a team; its members lose what they had through it.
#[utoipa::path(delete, path = "/api/teams/{id}", tag = "identity",
    params(("id" = String, Path, description = "the team")),
    security(("key" = ["users:delete"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
) -> Result<StatusCode, Problem> {
    identity.remove_team(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a member into a team.
#[utoipa::path(put, path = "/api/teams/{id}/members/{member}", tag = "identity",
    params(("id" = String, Path, description = "the team"),
        ("member" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 204)))]
async fn join(
    caller: Caller,
    State(identity): State<Identity>,
    Path((id, member)): Path<(TeamId, MemberId)>,
) -> Result<StatusCode, Problem> {
    identity.add_to_team(&caller, &id, &member).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a member out of a team.
#[utoipa::path(delete, path = "/api/teams/{id}/members/{member}", tag = "identity",
    params(("id" = String, Path, description = "the team"),
        ("member" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 204)))]
async fn leave(
    caller: Caller,
    State(identity): State<Identity>,
    Path((id, member)): Path<(TeamId, MemberId)>,
) -> Result<StatusCode, Problem> {
    identity.take_from_team(&caller, &id, &member).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The service accounts of the org.
#[utoipa::path(get, path = "/api/services", tag = "identity", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200, body = Page<Service>)))]
async fn services(
    caller: Caller,
    State(identity): State<Identity>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Service>>, Problem> {
    Ok(Json(identity.services(&caller, page.after.as_deref(), page.limit).await?))
}

/// Adds a service account.
#[utoipa::path(post, path = "/api/services", tag = "identity", request_body = NewService,
    security(("key" = ["users:create"])), responses((status = 201, body = Service)))]
async fn add_service(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<NewService>,
) -> Result<(StatusCode, Json<Service>), Problem> {
    Ok((StatusCode::CREATED, Json(identity.create_service(&caller, &body).await?)))
}

/// Changes a service account's name or role.
#[utoipa::path(patch, path = "/api/services/{id}", tag = "identity", request_body = ServicePatch,
    params(("id" = String, Path, description = "the service account")),
    security(("key" = ["users:update"])), responses((status = 200, body = Service)))]
async fn change_service(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<ServiceId>,
    Json(body): Json<ServicePatch>,
) -> Result<Json<Service>, Problem> {
    Ok(Json(identity.change_service(&caller, &id, &body).await?))
}

/// Removes a service account; its keys end at once.
#[utoipa::path(delete, path = "/api/services/{id}", tag = "identity",
    params(("id" = String, Path, description = "the service account")),
    security(("key" = ["users:delete"])), responses((status = 204)))]
async fn remove_service(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<ServiceId>,
) -> Result<StatusCode, Problem> {
    identity.remove_service(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
