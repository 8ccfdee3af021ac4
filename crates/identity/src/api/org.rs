//! The org itself and its settings.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Identity, MemberSession, Org, OrgPatch, Revoke, Revoked, SessionId, Settings, SettingsPatch,
};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(org, change_org))
        .routes(routes!(settings, change_settings))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
        .routes(routes!(revoke))
}

/// The org.
#[utoipa::path(get, path = "/api/org", tag = "identity",
    security(("key" = ["settings:read"])), responses((status = 200, body = Org)))]
async fn org(caller: Caller, State(identity): State<Identity>) -> Result<Json<Org>, Problem> {
    Ok(Json(identity.org(&caller).await?))
}

/// Renames the org.
#[utoipa::path(patch, path = "/api/org", tag = "identity", request_body = OrgPatch,
    security(("key" = ["settings:update"])), responses((status = 200, body = Org)))]
async fn change_org(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<OrgPatch>,
) -> Result<Json<Org>, Problem> {
    Ok(Json(identity.change_org(&caller, &body).await?))
}

/// What the org decided about sessions and addresses.
#[utoipa::path(get, path = "/api/org/settings", tag = "identity",
    security(("key" = ["settings:read"])), responses((status = 200, body = Settings)))]
async fn settings(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Json<Settings>, Problem> {
    Ok(Json(identity.settings(&caller).await?))
}

/// Changes what the org decides about sessions and addresses, at once.
#[utoipa::path(patch, path = "/api/org/settings", tag = "identity",
    request_body = SettingsPatch, security(("key" = ["settings:update"])),
    responses((status = 200, body = Settings)))]
async fn change_settings(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<SettingsPatch>,
) -> Result<Json<Settings>, Problem> {
    Ok(Json(identity.change_settings(&caller, &body).await?))
}

/// The live sessions of everybody who may not more than the caller, the newest first.
#[utoipa::path(get, path = "/api/org/sessions", tag = "identity", params(Paging),
    security(("key" = ["users:update"])), responses((status = 200, body = Page<MemberSession>)))]
async fn sessions(
    caller: Caller,
    State(identity): State<Identity>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<MemberSession>>, Problem> {
    Ok(Json(identity.org_sessions(&caller, page.after.as_deref(), page.limit).await?))
}

/// Ends one session of a member, with everything that runs on it.
#[utoipa::path(delete, path = "/api/org/sessions/{id}", tag = "identity",
    params(("id" = String, Path, description = "the session")),
    security(("key" = ["users:update"])), responses((status = 204)))]
async fn end_session(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    identity.end_session_of_org(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of the org, revokes all its keys, or both, with everything that runs
/// on them: all but the session or key that asks. Needs `users:keys` too.
#[utoipa::path(post, path = "/api/org/revoke", tag = "identity", request_body = Revoke,
    security(("key" = ["settings:update"])), responses((status = 200, body = Revoked)))]
async fn revoke(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<Revoke>,
) -> Result<Json<Revoked>, Problem> {
    Ok(Json(identity.revoke_org(&caller, body).await?))
}
