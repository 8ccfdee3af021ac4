//! Leaving, here and at the provider.

use access::Caller;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base::page::see_other;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::leaving_page;
use crate::Sso;
use crate::left::Left;
use crate::start::Way;

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(out))
}

/// Signs out here, and then at the provider that let somebody in.
#[utoipa::path(post, path = "/sso/out", tag = "console",
    security(("key" = ["self"])), responses((status = 303), (status = 200)))]
async fn out(
    caller: Caller,
    State(sso): State<Sso>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let response = match sso.sign_out(&caller, &headers).await? {
        Some((way, browser)) => {
            let mut page = leaving_page("Signing out", &way)?;
            sso.mark(&browser, &mut page);
            page
        }
        None => see_other("/sign-in").said("You are signed out.").into_response(),
    };
    Ok(sso.0.identity.without_session(response))
}

/// What the browser sees that brought a logout.
pub(super) fn left(left: Left) -> Result<Response, Problem> {
    let said = match left {
        Left::Back(Way::Address(url)) => return Ok(see_other(url).into_response()),
        Left::Back(way @ Way::Form { .. }) => return leaving_page("Signing out", &way),
        Left::Everywhere => "You are signed out, here and at your identity provider.",
        Left::HereAlone => {
            "You are signed out here. Your identity provider did not say that it signed you out \
             everywhere."
        }
    };
    Ok(see_other("/sign-in").said(said).into_response())
}
