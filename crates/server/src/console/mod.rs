//! The console: every room's pages behind one shell.
//!
//! A room gives the content of `<main>`; here it gets its frame. A refusal of a page is
//! a page too: it says what is missing and whom to ask, or leads to the sign-in and
//! back.

mod home;
mod names;
mod nav;
mod problem;

pub(crate) use self::names::Known;
use self::names::Limitable;
pub(crate) use self::problem::Asked;

use std::sync::Arc;

use access::Caller;
use askama::Template as _;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::page::{self, Asset, Bare, Framed, Shell, Theme};
use base::problem::Problem;
use identity::Identity;
use support::Support;
use utoipa_axum::router::OpenApiRouter;

use crate::permits::Permits;
use crate::wire::House;

/// Bytes of one page at most.
const PAGE_MAX: usize = 8 << 20;

/// Every page, from every room.
pub(crate) fn pages(house: &House) -> OpenApiRouter {
    let known = Known(house.identity.clone());
    let limitable = Limitable { known: known.clone(), gateway: house.gateway.clone() };
    OpenApiRouter::new()
        .merge(home::routes(house))
        .merge(audit::pages(house.record.clone(), house.log.clone(), Arc::new(known)))
        .merge(chat::pages(house.chat.clone()))
        .merge(domains::pages(house.domains.clone()))
        .merge(regions::pages(house.regions.clone()))
        .merge(gateway::pages(house.gateway.clone()))
        .merge(guardrails::pages(house.guardrails.clone()))
        .merge(identity::pages(house.identity.clone()))
        .merge(limits::pages(house.limits.clone(), Arc::new(limitable)))
        .merge(patterns::pages(house.patterns.clone()))
        .merge(privacy::pages(house.privacy.clone()))
        .merge(reviews::pages(house.reviews.clone()))
        .merge(scim::pages(house.scim.clone()))
        .merge(sso::pages(house.sso.clone()))
        .merge(streams::pages(house.streams.clone()))
        .merge(support::pages(house.support.clone()))
        .merge(usage::pages(house.usage.clone()))
}

/// The files that pages need, from every room.
pub(crate) const ASSETS: &[&[&Asset]] = &[
    page::SHELL_ASSETS,
    audit::RECORD_ASSETS,
    chat::CHAT_ASSETS,
    identity::IDENTITY_ASSETS,
    sso::SSO_ASSETS,
];

/// Whether a path is a person's: whatever is not a program's.
pub(crate) fn is_page(path: &str) -> bool {
    !["/v1/", "/api/", "/assets/", "/scim/"].iter().any(|prefix| path.starts_with(prefix))
}

/// Whether somebody may go about: whoever has yet to show a second factor sees no ways
/// to go.
fn goes_about(caller: &Caller) -> bool {
    caller.standing.session.as_ref().is_none_or(|session| !session.confined)
}

/// What stands around every page.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    pub(crate) identity: Identity,
    pub(crate) support: Support,
    pub(crate) permits: Permits,
}

/// Puts the shell around what a room answers.
pub(crate) async fn frame(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let (headers, path) = (request.headers().clone(), request.uri().path().to_owned());
    let caller = request.extensions().get::<Caller>().filter(|caller| goes_about(caller)).cloned();
    let response = next.run(request).await;
    let Some(framed) = response.extensions().get::<Framed>().cloned() else { return response };
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, PAGE_MAX).await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return Problem::internal(&error).into_response(),
    };
    match console.around(caller.as_ref(), &headers, &path, &framed, &body).await {
        Ok(mut whole) => {
            *whole.status_mut() = parts.status;
            for (name, value) in &parts.headers {
                if name != CONTENT_TYPE && name != CONTENT_LENGTH {
                    whole.headers_mut().append(name, value.clone());
                }
            }
            whole
        }
        Err(problem) => problem.into_response(),
    }
}

impl Console {
    /// The whole page around a content.
    async fn around(
        &self,
        caller: Option<&Caller>,
        headers: &HeaderMap,
        path: &str,
        framed: &Framed,
        body: &str,
    ) -> Result<Response, Problem> {
        let (said, away) = page::taken(headers).unzip();
        let (title, scripts) = (framed.title.as_str(), framed.scripts.as_slice());
        let (theme, said) = (Theme::chosen(headers), said.as_deref());
        let text = match caller {
            Some(caller) => {
                let viewer = self.identity.viewer(caller).await?;
                let (sections, tabs) = nav::of(&self.permits, caller, path);
                let banner = self.support.banner(caller).await?;
                Shell {
                    title,
                    org: &viewer.org_name,
                    region: viewer.region.as_str(),
                    person: &viewer.name,
                    sections: &sections,
                    tabs: &tabs,
                    banner: banner.as_ref(),
                    said,
                    theme,
                    scripts,
                    body,
                }
                .render()
            }
            None => Bare { title, said, theme, scripts, body }.render(),
        };
        let mut response = page::html(text.map_err(|error| Problem::internal(&error))?);
        response.headers_mut().extend(away.map(|away| (SET_COOKIE, away)));
        Ok(response)
    }
}

/// Packs a page for a browser that unpacks it.
pub(crate) async fn packed(response: Response, asked: &HeaderMap) -> Response {
    let html = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/html")));
    if !html || !page::accepts_gzip(asked) || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, PAGE_MAX).await else {
        return Problem::not_found().into_response();
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, Body::from(page::gzip_fast(&bytes)))
}
