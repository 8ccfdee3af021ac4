//! The catalogue over our own API, beside `OpenAI`'s list of models.

use access::Caller;
use axum::extract::State;
use base::http::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Gateway;
use crate::view::CatalogueView;

/// The routes of this room on our own API. Those of `OpenAI` are in [`crate::routes`].
pub fn api_routes(gateway: Gateway) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(models)).with_state(gateway)
}

/// The models of the org's region: what they do and cost, who serves them, how those do,
/// and whether the caller may call them.
#[utoipa::path(get, path = "/api/models", tag = "models",
    security(("key" = ["self"])), responses((status = 200, body = CatalogueView)))]
async fn models(caller: Caller, State(gateway): State<Gateway>) -> Json<CatalogueView> {
    Json(gateway.catalogue_view(&caller))
}
