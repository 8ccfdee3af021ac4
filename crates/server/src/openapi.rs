//! The `OpenAPI` document, made from the handlers.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Redirect;
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document31;
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
        .merge(audit::log_routes(house.log.clone()))
        .merge(chat::routes(house.chat.clone()))
        .merge(domains::routes(house.domains.clone()))
        .merge(gateway::api_routes(house.gateway.clone()))
        .merge(guardrails::routes(house.guardrails.clone()))
        .merge(identity::routes(house.identity.clone()))
        .merge(limits::routes(house.limits.clone()))
        .merge(patterns::routes(house.patterns.clone()))
        .merge(privacy::routes(house.privacy.clone()))
        .merge(regions::routes(house.regions.clone()))
        .merge(reviews::routes(house.reviews.clone()))
        .merge(scim::api(house.scim.clone()))
        .merge(sso::routes(house.sso.clone()))
        .merge(streams::routes(house.streams.clone()))
        .merge(support::routes(house.support.clone()))
        .merge(usage::routes(house.usage.clone()))
}

/// What anybody may read: the document of the API, and that of the console's pages, which
/// says what each page and each form needs.
pub(crate) fn open_routes(api: &Document31, pages: &Document31) -> anyhow::Result<Router> {
    // Where browsers look beside a page that names no icon: a document, a download.
    let icon = async || Redirect::permanent(base::page::ICON_SVG.url());
    let mut routes = Router::new().route("/favicon.ico", get(icon));
    for (path, document) in [("/api/openapi.json", api), ("/api/console.json", pages)] {
        let text = Bytes::from(serde_json::to_vec(document)?);
        let json = [(CONTENT_TYPE, "application/json")];
        routes = routes.route(path, get(async move || (json, text)));
    }
    Ok(routes)
}
