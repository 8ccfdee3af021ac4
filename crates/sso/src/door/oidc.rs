//! What `OpenID` providers send.

use access::Origin;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::{Json, Path, Query};
use base::problem::Problem;
use federation::oidc::Returned;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{concluded, form, handle, leaving, origin};
use crate::left::backchannel_error;
use crate::{Error, Sso};

/// Bytes of a posted logout token at most.
const LOGOUT_BYTES_MAX: usize = 64 << 10;

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new()
        .routes(routes!(callback))
        .routes(routes!(left))
        .routes(routes!(backchannel))
}

/// The answer to our own logout.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CameBack {
    state: String,
}

#[derive(Debug, Deserialize)]
struct LogoutToken {
    logout_token: String,
}

/// Takes what a browser brings back from its provider, and signs in.
#[utoipa::path(get, path = "/sso/{handle}/callback", tag = "console",
    params(("handle" = String, Path, description = "the connection"),
        ("state" = Option<String>, Query, description = "what we sent along"),
        ("code" = Option<String>, Query, description = "becomes a token, once")),
    security(()), responses((status = 303), (status = 403), (status = 503)))]
async fn callback(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(returned): Query<Returned>,
) -> Result<Response, Problem> {
    let ended = sso.accept_oidc(&handle(&name)?, origin(from), &headers, returned).await?;
    Ok(concluded(&sso, ended))
}

/// Where a browser comes back to after leaving its provider.
#[utoipa::path(get, path = "/sso/{handle}/left", tag = "console",
    params(("handle" = String, Path, description = "the connection"),
        ("state" = Option<String>, Query, description = "what we sent along")),
    security(()), responses((status = 303), (status = 403)))]
async fn left(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    Path(name): Path<String>,
    Query(CameBack { state }): Query<CameBack>,
) -> Result<Response, Problem> {
    leaving::left(sso.came_back(&handle(&name)?, origin(from), &state).await?)
}

/// Takes a logout token: somebody left at the provider, whose sessions here end at once.
#[utoipa::path(post, path = "/sso/{handle}/backchannel", tag = "console",
    params(("handle" = String, Path, description = "the connection")),
    security(()), responses((status = 200), (status = 400)))]
async fn backchannel(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let LogoutToken { logout_token } = form(request, LOGOUT_BYTES_MAX).await?;
    let handle = match handle(&name) {
        Ok(handle) => sso.backchannel(&handle, origin(from), &logout_token).await,
        Err(error) => Err(error),
    };
    let no_store = [(CACHE_CONTROL, "no-store")];
    match handle {
        Ok(()) => Ok((StatusCode::OK, no_store).into_response()),
        Err(Error::Refused(_)) => {
            Ok((StatusCode::BAD_REQUEST, no_store, Json(backchannel_error())).into_response())
        }
        Err(other) => Err(other.into()),
    }
}
