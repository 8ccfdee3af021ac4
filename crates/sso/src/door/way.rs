//! Sending a browser to a provider.

use askama::Template;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFRESH};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use base::page::{Asset, View, see_other};
use base::problem::Problem;

use crate::Sso;
use crate::start::{Departure, Way};

/// Submits the form on the way to a provider, so that nobody has to click.
pub(crate) static SUBMIT_JS: Asset =
    Asset::script("submit.js", include_bytes!("../../assets/submit.js"));

#[derive(Debug, Template)]
#[template(path = "sso/leaving.html")]
struct LeavingPage<'a> {
    title: &'a str,
    way: &'a Way,
}

/// Sends the browser on its way.
pub(crate) fn departure(sso: &Sso, departs: Departure) -> Result<Response, Problem> {
    let Departure { browser, way, from_page } = departs;
    let mut response = match &way {
        Way::Address(url) if !from_page => see_other(url.as_str()).into_response(),
        Way::Address(_) | Way::Form { .. } => {
            leaving_page("On to your identity provider", &way)?.into_response()
        }
    };
    sso.mark(&browser, &mut response);
    Ok(response)
}

/// A page that goes on by itself, and has a button for browsers in which it does not.
pub(crate) fn leaving_page(title: &str, way: &Way) -> Result<Response, Problem> {
    let page = View::of(title, &LeavingPage { title, way })?;
    Ok(match way {
        Way::Address(url) => with(page.into_response(), REFRESH, &format!("0;url={url}")),
        Way::Form { action, .. } => {
            // A provider sends a form on between its own hosts, which nobody knows before.
            let scheme = if action.starts_with("https:") { "https:" } else { "https: http:" };
            let policy = format!(
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                 connect-src 'self'; form-action {scheme}; frame-ancestors 'none'; \
                 base-uri 'none'"
            );
            let page = page.script(&SUBMIT_JS).into_response();
            with(page, CONTENT_SECURITY_POLICY, &policy)
        }
    })
}

fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    response.headers_mut().extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    response
}
