//! The room over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Path};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::read::{Draft, Validated, Vocabulary};
use crate::{
    Guardrail, GuardrailId, GuardrailPatch, Guardrails, NewGuardrail, Overview, Simulate,
    Simulation, Zone,
};

/// The routes of this room.
pub fn routes(guardrails: Guardrails) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(vocabulary))
        .routes(routes!(validate))
        .routes(routes!(simulate))
        .routes(routes!(set_zone))
        .routes(routes!(one, change, remove))
        .with_state(guardrails)
}

/// All guardrails of the org; at most 20.
#[utoipa::path(get, path = "/api/guardrails", tag = "guardrails",
    security(("key" = ["settings:read"])), responses((status = 200, body = Overview)))]
async fn list(
    caller: Caller,
    State(guardrails): State<Guardrails>,
) -> Result<Json<Overview>, Problem> {
    Ok(Json(guardrails.all(&caller).await?))
}

/// Makes a guardrail. It holds at once, unless it is made switched off.
#[utoipa::path(post, path = "/api/guardrails", tag = "guardrails", request_body = NewGuardrail,
    security(("key" = ["settings:guardrails"])), responses((status = 201, body = Guardrail)))]
async fn create(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Json(new): Json<NewGuardrail>,
) -> Result<(StatusCode, Json<Guardrail>), Problem> {
    Ok((StatusCode::CREATED, Json(guardrails.create(&caller, &new).await?)))
}

/// What policies can speak of, as a schema in Cedar's own language.
#[utoipa::path(get, path = "/api/guardrails/schema", tag = "guardrails",
    security(("key" = ["settings:read"])), responses((status = 200, body = Vocabulary)))]
async fn vocabulary(
    caller: Caller,
    State(guardrails): State<Guardrails>,
) -> Result<Json<Vocabulary>, Problem> {
    Ok(Json(guardrails.vocabulary(&caller)?))
}

/// Looks at a policy without keeping it: what is wrong with it, and where.
#[utoipa::path(post, path = "/api/guardrails/validate", tag = "guardrails", request_body = Draft,
    security(("key" = ["settings:guardrails"])), responses((status = 200, body = Validated)))]
async fn validate(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Json(draft): Json<Draft>,
) -> Result<Json<Validated>, Problem> {
    Ok(Json(guardrails.validate(&caller, &draft)?))
}

/// What policies would have refused in the last seven days. The look at the record is
/// recorded.
#[utoipa::path(post, path = "/api/guardrails/simulate", tag = "guardrails",
    request_body = Simulate, security(("key" = ["settings:guardrails"])),
    responses((status = 200, body = Simulation)))]
async fn simulate(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Json(what): Json<Simulate>,
) -> Result<Json<Simulation>, Problem> {
    Ok(Json(guardrails.simulate(&caller, &what).await?))
}

/// Sets the time zone in which policies read hours and days.
#[utoipa::path(put, path = "/api/guardrails/zone", tag = "guardrails", request_body = Zone,
    security(("key" = ["settings:guardrails"])), responses((status = 200, body = Zone)))]
async fn set_zone(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Json(zone): Json<Zone>,
) -> Result<Json<Zone>, Problem> {
    Ok(Json(guardrails.set_zone(&caller, &zone).await?))
}

/// One guardrail.
#[utoipa::path(get, path = "/api/guardrails/{id}", tag = "guardrails",
    params(("id" = String, Path, description = "the guardrail")),
    security(("key" = ["settings:read"])), responses((status = 200, body = Guardrail)))]
async fn one(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
) -> Result<Json<Guardrail>, Problem> {
    Ok(Json(guardrails.one(&caller, &id).await?))
}

/// Changes a guardrail, or switches it on or off.
#[utoipa::path(patch, path = "/api/guardrails/{id}", tag = "guardrails",
    params(("id" = String, Path, description = "the guardrail")),
    request_body = GuardrailPatch,
    security(("key" = ["settings:guardrails"])), responses((status = 200, body = Guardrail)))]
async fn change(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
    Json(patch): Json<GuardrailPatch>,
) -> Result<Json<Guardrail>, Problem> {
    Ok(Json(guardrails.change(&caller, &id, &patch).await?))
}

/// Removes a guardrail.
#[utoipa::path(delete, path = "/api/guardrails/{id}", tag = "guardrails",
    params(("id" = String, Path, description = "the guardrail")),
    security(("key" = ["settings:guardrails"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
) -> Result<StatusCode, Problem> {
    guardrails.remove(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
