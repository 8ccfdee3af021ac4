//! The room over HTTP: what an org's region is, and what that means.

use access::{Caller, Region};
use axum::extract::State;
use axum::http::StatusCode;
use base::http::Json;
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::order::{MoveView, Order, Regions};

/// Where the org is at home.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RegionView {
    /// `us`, `eu` or `apac`.
    #[schema(value_type = String)]
    region: Region,
    /// What stays there, in a sentence.
    meaning: String,
    /// Its last move, if it ever moved or was ordered to.
    #[serde(rename = "move", skip_serializing_if = "Option::is_none")]
    last_move: Option<MoveView>,
}

/// The routes of this room.
pub fn routes(regions: Regions) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(mine)).routes(routes!(order, withdraw)).with_state(regions)
}

/// The region of the caller's org, what that means, and how far its move is.
#[utoipa::path(get, path = "/api/region", tag = "regions", security(("key" = ["self"])),
    responses((status = 200, body = RegionView)))]
async fn mine(caller: Caller, State(regions): State<Regions>) -> Result<Json<RegionView>, Problem> {
    let region = caller.region;
    let meaning = format!(
        "Rows, keys, records and model calls of this organization stay in `{region}`; \
         no fallback leaves it, and a node of another region refuses before it reads a body."
    );
    let last_move = regions.last_move(&caller).await?;
    Ok(Json(RegionView { region, meaning, last_move }))
}

/// Orders the organization to move to another region. The operator carries it out, while the
/// organization is served; its keys, sessions and record stay what they are.
#[utoipa::path(put, path = "/api/region/move", tag = "regions", request_body = Order,
    security(("key" = ["region:move"])),
    responses((status = 200, body = MoveView), (status = 409), (status = 422)))]
async fn order(
    caller: Caller,
    State(regions): State<Regions>,
    Json(body): Json<Order>,
) -> Result<Json<MoveView>, Problem> {
    Ok(Json(regions.order(&caller, &body).await?))
}

/// Takes the order back, as long as the operator has not begun.
#[utoipa::path(delete, path = "/api/region/move", tag = "regions",
    security(("key" = ["region:move"])), responses((status = 204), (status = 409)))]
async fn withdraw(caller: Caller, State(regions): State<Regions>) -> Result<StatusCode, Problem> {
    regions.withdraw(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
