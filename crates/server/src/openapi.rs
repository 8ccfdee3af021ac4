//! The `OpenAPI` document, made from the handlers, and the few open pages.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::wire::House;

#[derive(OpenApi)]
#[openapi(
    info(title = "Portico", description = "Every call is somebody's, permitted, limited, kept in \
        its region, and durably recorded before its answer is released. The scope beside the \
        security of an operation is the permission it needs; `self` needs only somebody. Errors \
        are RFC 9457 problems with a stable `code`."),
    modifiers(&Key)
)]
struct Document;

struct Key;

impl utoipa::Modify for Key {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("pk_…");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    }
}

/// Every route of our own API, with its documentation.
pub(crate) fn api(house: &House) -> OpenApiRouter {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(audit::routes(house.record.clone()))
        .merge(identity::routes(house.identity.clone()))
        .merge(limits::routes(house.limits.clone()))
        .merge(patterns::routes(house.patterns.clone()))
        .merge(regions::routes())
}

/// What anybody may read: the document, and a page that says what this is.
pub(crate) fn open_routes(document: &utoipa::openapi::OpenApi) -> anyhow::Result<Router> {
    let text = Bytes::from(serde_json::to_vec(document)?);
    let json = [(CONTENT_TYPE, "application/json")];
    Ok(Router::new()
        .route("/api/openapi.json", get(async move || (json, text)))
        .route("/", get(async || Html(include_str!("home.html")))))
}
