//! What SAML providers read and send.

use access::Origin;
use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::see_other;
use base::problem::Problem;
use federation::saml::Incoming;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{form, handle, leaving, origin};
use crate::Sso;
use crate::accept::Posted;
use crate::left::Message;

/// Bytes of a posted form at most: 256 KiB of base64, escaped, and a relay state.
const FORM_BYTES_MAX: usize = 400 << 10;

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new()
        .routes(routes!(metadata))
        .routes(routes!(acs))
        .routes(routes!(logout_redirected, logout_posted))
}

/// The fields of a form that a provider lets the browser post.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// Our metadata as a service provider, for this connection.
#[utoipa::path(get, path = "/sso/{handle}/metadata", tag = "console",
    params(("handle" = String, Path, description = "the connection")),
    security(()), responses((status = 200), (status = 404)))]
async fn metadata(State(sso): State<Sso>, Path(name): Path<String>) -> Result<Response, Problem> {
    let handle = name.parse().map_err(|_| Problem::not_found())?;
    let xml = sso.metadata(&handle).await?;
    Ok(([(CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response())
}

/// The assertion consumer service: takes a response that a browser posts from its provider.
#[utoipa::path(post, path = "/sso/{handle}/acs", tag = "console",
    params(("handle" = String, Path, description = "the connection")),
    security(()), responses((status = 303), (status = 403)))]
async fn acs(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let fields: Fields = form(request, FORM_BYTES_MAX).await?;
    let posted =
        Posted { response: fields.response.unwrap_or_default(), relay_state: fields.relay_state };
    let accepted = sso.accept_saml(&handle(&name)?, origin(from), posted).await?;
    let mut response = see_other(accepted.path).into_response();
    if let Some(browser) = &accepted.browser {
        sso.mark(browser, &mut response);
    }
    Ok(response)
}

/// Single logout by redirect: a request of the provider, or its answer.
#[utoipa::path(get, path = "/sso/{handle}/slo", tag = "console",
    params(("handle" = String, Path, description = "the connection")),
    security(()), responses((status = 303), (status = 200), (status = 403)))]
async fn logout_redirected(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let value = |wanted: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    };
    let message = Message {
        incoming: Incoming::Redirect { query: &query },
        // Ours are letters and digits: another one is not ours, escaped or not.
        relay_state: value("RelayState"),
        is_request: value("SAMLRequest").is_some(),
    };
    let left = sso.logout_message(&handle(&name)?, origin(from), message).await?;
    leaving::left(left)
}

/// Single logout by a form.
#[utoipa::path(post, path = "/sso/{handle}/slo", tag = "console",
    params(("handle" = String, Path, description = "the connection")),
    security(()), responses((status = 303), (status = 200), (status = 403)))]
async fn logout_posted(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let fields: Fields = form(request, FORM_BYTES_MAX).await?;
    let is_request = fields.request.is_some();
    let text = fields.request.or(fields.response).unwrap_or_default();
    let message = Message {
        incoming: Incoming::Post { message: text.as_bytes() },
        relay_state: fields.relay_state.as_deref(),
        is_request,
    };
    let left = sso.logout_message(&handle(&name)?, origin(from), message).await?;
    leaving::left(left)
}
