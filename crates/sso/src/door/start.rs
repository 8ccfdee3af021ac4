//! Where a sign-in begins, and where it ends after the provider.

use access::Origin;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base::http::{Path, Query};
use base::page::{Form, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{concluded, departure, handle, origin};
use crate::Sso;
use crate::finish::{Consent, Continued};
use crate::start::Beginning;

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(go_on, confirm))
}

/// How to begin. Providers link here too: what is unknown is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    next: String,
    begun: Option<String>,
    login_hint: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Ticket {
    #[serde(default)]
    ticket: String,
}

/// Somebody says that they want to be signed in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    ticket: String,
}

#[derive(Debug, Template)]
#[template(path = "sso/confirm.html")]
struct ConfirmPage<'a> {
    email: &'a str,
    connection: &'a str,
    handle: &'a str,
    ticket: &'a str,
}

/// Begins a sign-in: sends the browser to the identity provider.
#[utoipa::path(get, path = "/sso/{handle}/start", tag = "console",
    params(("handle" = String, Path, description = "the connection"),
        ("next" = Option<String>, Query, description = "where to go on to"),
        ("begun" = Option<String>, Query, description = "what a page of ours began"),
        ("login_hint" = Option<String>, Query, description = "who is expected")),
    security(()), responses((status = 303), (status = 200), (status = 403)))]
async fn start(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Problem> {
    let beginning = Beginning { next: ask.next, begun: ask.begun, hint: ask.login_hint };
    let departs = sso.start(&handle(&name)?, &headers, origin(from), beginning).await?;
    departure(&sso, departs)
}

/// Where the browser comes to with a response that was accepted: here it shows its cookie.
#[utoipa::path(get, path = "/sso/{handle}/continue", tag = "console",
    params(("handle" = String, Path, description = "the connection"),
        ("ticket" = String, Query, description = "the response that was accepted")),
    security(()), responses((status = 303), (status = 200), (status = 403)))]
async fn go_on(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(Ticket { ticket }): Query<Ticket>,
) -> Result<Response, Problem> {
    proceed(&sso, (&name, &ticket, Consent::Came), origin(from), &headers).await
}

/// Signs somebody in who came from their provider's portal, after they have said so.
#[utoipa::path(post, path = "/sso/{handle}/continue", tag = "console",
    params(("handle" = String, Path, description = "the connection")),
    security(()), responses((status = 303), (status = 403)))]
async fn confirm(
    State(sso): State<Sso>,
    from: Option<Extension<Origin>>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Form(Confirmed { ticket }): Form<Confirmed>,
) -> Result<Response, Problem> {
    proceed(&sso, (&name, &ticket, Consent::Clicked), origin(from), &headers).await
}

async fn proceed(
    sso: &Sso,
    (name, ticket, consent): (&str, &str, Consent),
    origin: Origin,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let proceeded = sso.proceed(&handle(name)?, origin, headers, (ticket, consent)).await;
    match proceeded? {
        Continued::Concluded(ended) => Ok(concluded(sso, ended)),
        Continued::Asks { email, connection } => {
            let page = ConfirmPage { email: &email, connection: &connection, handle: name, ticket };
            Ok(View::of("Sign in", &page)?.into_response())
        }
    }
}
