//! What browsers and identity providers meet: open paths, which carry the connection in
//! their address.

mod leaving;
mod oidc;
mod saml;
mod start;
mod way;

use access::Origin;
use axum::Extension;
use axum::response::{IntoResponse, Response};
use base::page::see_other;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::way::{SUBMIT_JS, departure, leaving_page};
use crate::finish::Concluded;
use crate::{Error, Handle, Refused, Sso};

pub(crate) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new()
        .merge(start::routes())
        .merge(saml::routes())
        .merge(oidc::routes())
        .merge(leaving::routes())
}

/// The connection of an address. What names none looks like one that refuses.
fn handle(text: &str) -> Result<Handle, Error> {
    text.parse().map_err(|_| Refused::not_active().into())
}

/// Where a request of nobody yet came from.
fn origin(origin: Option<Extension<Origin>>) -> Origin {
    origin.map(|Extension(origin)| origin).unwrap_or_default()
}

/// Where the browser goes when a sign-in has ended.
fn concluded(sso: &Sso, ended: Concluded) -> Response {
    match ended {
        Concluded::SignedIn(who, next) => sso.0.identity.with_session(&who, see_other(next)),
        Concluded::Tested(id) => see_other(format!("/connections/{id}#test")).into_response(),
        Concluded::Connected => see_other("/me/providers")
            .said("You are connected: from now on you can sign in through it.")
            .into_response(),
    }
}

/// A form of another site, within a bound.
async fn form<T: serde::de::DeserializeOwned>(
    request: axum::extract::Request,
    bytes_max: usize,
) -> Result<T, Problem> {
    let body = base::http::read(request, bytes_max).await?;
    serde_html_form::from_bytes(&body)
        .map_err(|_| Problem::bad_request("malformed_form", "this is not a form"))
}
