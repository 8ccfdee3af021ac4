//! The room over HTTP: what an org's region is, and what that means.

use access::{Caller, Region};
use base::http::Json;
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the org is at home.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RegionView {
    /// `us`, `eu` or `apac`.
    #[schema(value_type = String)]
    region: Region,
    /// What stays there, in a sentence.
    meaning: String,
}

/// The routes of this room.
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(mine))
}

/// The region of the caller's org, and what that means.
#[utoipa::path(get, path = "/api/region", tag = "regions", security(("key" = ["self"])),
    responses((status = 200, body = RegionView)))]
async fn mine(caller: Caller) -> Result<Json<RegionView>, Problem> {
    let region = caller.region;
    let meaning = format!(
        "Rows, keys, records and model calls of this organization stay in `{region}`; \
         no fallback leaves it, and a node of another region refuses before it reads a body."
    );
    Ok(Json(RegionView { region, meaning }))
}
