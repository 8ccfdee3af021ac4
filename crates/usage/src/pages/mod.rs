//! What people see of usage.

mod address;
mod chart;
mod days;
mod overview;
mod ranking;
mod tiles;
mod wording;

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::Query;
use base::page::View;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::address::Address;
use crate::Usage;

/// The pages of this room.
pub fn pages(usage: Usage) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(overview)).with_state(usage)
}

/// What was used, in pictures. Whoever lacks `settings:read` sees what they used themselves.
#[utoipa::path(get, path = "/usage", tag = "console", params(Address),
    security(("key" = ["self"])), responses((status = 200)))]
async fn overview(
    caller: Caller,
    State(usage): State<Usage>,
    Query(address): Query<Address>,
) -> Result<View, Problem> {
    let page = usage.overview(&caller, address).await?;
    let status = if page.faults.any() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(View::of("Usage", &page)?.status(status))
}
