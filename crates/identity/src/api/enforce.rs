//! Single sign-on as the only way in, who gets in when it fails, and helping whoever
//! lost their second factors.

use access::{Caller, MemberId};
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Path};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Enforce, Enforcement, Identity};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(enforcement, enforce))
        .routes(routes!(mark, unmark))
        .routes(routes!(reset))
}

/// Whether single sign-on is enforced, and who gets in when it fails.
#[utoipa::path(get, path = "/api/org/sso", tag = "identity",
    security(("key" = ["users:read"])), responses((status = 200, body = Enforcement)))]
async fn enforcement(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Json<Enforcement>, Problem> {
    Ok(Json(identity.enforcement(&caller).await?))
}

/// Makes identity providers the only way in, or not any more. Two acting owners with a
/// passkey must be marked to get in when they fail.
#[utoipa::path(put, path = "/api/org/sso", tag = "identity", request_body = Enforce,
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn enforce(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<Enforce>,
) -> Result<StatusCode, Problem> {
    identity.enforce_sso(&caller, body.on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Marks an acting owner with a passkey to get in when identity providers fail.
#[utoipa::path(put, path = "/api/members/{id}/break-glass", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn mark(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<StatusCode, Problem> {
    identity.set_break_glass(&caller, &id, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the mark back. While single sign-on is enforced somebody else must have it.
#[utoipa::path(delete, path = "/api/members/{id}/break-glass", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn unmark(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<StatusCode, Problem> {
    identity.set_break_glass(&caller, &id, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes away all second factors of a member who lost them, and ends their sessions.
#[utoipa::path(delete, path = "/api/members/{id}/factors", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 204)))]
async fn reset(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<StatusCode, Problem> {
    identity.reset_factors(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
