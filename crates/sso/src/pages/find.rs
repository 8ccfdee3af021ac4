//! Where somebody who is not signed in finds the way to their identity provider.

use access::{Caller, Origin};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::REFRESH;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::filters::percent_encoded;
use base::page::{View, local};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Error, Handle, Sso};

/// Characters of an org's short name or id at most.
const ORG_CHARS_MAX: usize = 63;

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(find))
}

/// Who asks. Others link here: what is unknown is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    org: String,
    next: String,
}

/// One way to sign in.
#[derive(Debug)]
struct WayIn {
    name: String,
    href: String,
}

#[derive(Debug, Template)]
#[template(path = "sso/find.html")]
struct FindPage<'a> {
    org: &'a str,
    next: &'a str,
    asked: bool,
    ways: Vec<WayIn>,
}

/// Finds the way to an org's identity provider.
#[utoipa::path(get, path = "/sso", tag = "console",
    params(("org" = Option<String>, Query, description = "the short name of the org"),
        ("next" = Option<String>, Query, description = "where to go on to")),
    security(()), responses((status = 200)))]
async fn find(
    State(sso): State<Sso>,
    origin: Option<Extension<Origin>>,
    Query(ask): Query<Ask>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    let (org, next) = (ask.org.trim(), local(&ask.next));
    let handles = sso.ways_in(org, &origin).await?;
    let ways = handles.into_iter().map(|(name, handle)| {
        let href = format!("/sso/{handle}/start?next={}", percent_encoded(next));
        WayIn { name, href }
    });
    let ways: Vec<_> = ways.collect();
    let only = match ways.as_slice() {
        [only] => HeaderValue::from_str(&format!("0;url={}", only.href)).ok(),
        _ => None,
    };
    let page = FindPage { org, next, asked: !org.is_empty(), ways };
    let mut response = View::of("Sign in with your organization", &page)?.into_response();
    response.headers_mut().extend(only.map(|only| (REFRESH, only)));
    Ok(response)
}

impl Sso {
    /// The active connections of an org. One that is not there looks like one that signs in
    /// otherwise.
    async fn ways_in(&self, org: &str, origin: &Origin) -> Result<Vec<(String, Handle)>, Error> {
        if org.is_empty() {
            return Ok(Vec::new());
        }
        self.0.turnstile.pass(origin.ip, self.now())?;
        if org.chars().count() > ORG_CHARS_MAX {
            return Ok(Vec::new());
        }
        let found = self.0.find_org.find(&org.to_lowercase()).await;
        let Some((org, region)) = found.map_err(Error::Problem)? else { return Ok(Vec::new()) };
        if !self.0.databases.serves(region) {
            return Ok(Vec::new());
        }
        let scope = Caller::answering(org, region, "sso", origin.clone()).itself();
        let all = self.active(&scope).await?;
        Ok(all
            .into_iter()
            .map(|known| {
                let handle = self.handle(&scope, &known.id);
                (known.name, handle)
            })
            .collect())
    }
}
