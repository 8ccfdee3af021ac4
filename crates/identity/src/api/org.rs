//! The org itself and its settings.

use access::Caller;
use axum::extract::State;
use base::http::Json;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Identity, Org, OrgPatch, Settings, SettingsPatch};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(org, change_org)).routes(routes!(settings, change_settings))
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
