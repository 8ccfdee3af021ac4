//! Pages of setup links: made by an admin, opened by whoever connects the identity provider.

use access::{Caller, Origin};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Path, Query};
use base::page::filters;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use base::secret::Secret;
use base::time::At;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::links::DeadPage;
use crate::mail::link;
use crate::pages::address::Here;
use crate::subject::SetupId;
use crate::{Error, Identity, NewSetup, SetupFor, SetupLink};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(end))
        .routes(routes!(offered, begin))
}

#[derive(Template)]
#[template(path = "identity/setup-links.html")]
struct LinksPage {
    rows: Vec<SetupLink>,
    now: At,
    /// The link that was just made.
    made: Option<String>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "identity/setup.html")]
struct SetupPage<'a> {
    found: &'a SetupFor,
    token: &'a str,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Opened {
    #[schema(value_type = String)]
    token: Secret,
}

/// The links that were made.
#[utoipa::path(get, path = "/setup-links", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn list(caller: Caller, State(identity): State<Identity>) -> Result<View, Problem> {
    show(&identity, &caller, None, Faults::default()).await
}

/// Makes a link.
#[utoipa::path(post, path = "/setup-links", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 201), (status = 422)))]
async fn make(
    caller: Caller,
    State(identity): State<Identity>,
    here: Here,
    Form(form): Form<NewSetup>,
) -> Result<View, Problem> {
    match identity.make_setup(&caller, &form).await {
        Ok(issued) => {
            let made = Some(link(&here.0, "setup", &issued.token));
            let page = show(&identity, &caller, made, Faults::default()).await?;
            Ok(page.status(StatusCode::CREATED))
        }
        Err(error) => {
            let page = show(&identity, &caller, None, Faults::of(error)?).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// Ends a link.
#[utoipa::path(post, path = "/setup-links/{id}/end", tag = "console",
    params(("id" = String, Path, description = "the link")),
    security(("key" = ["users:connections"])), responses((status = 303)))]
async fn end(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<SetupId>,
) -> Result<Response, Problem> {
    identity.end_setup(&caller, &id).await?;
    Ok(see_other("/setup-links").said("The link was ended.").into_response())
}

/// What a link is for.
#[utoipa::path(get, path = "/setup", tag = "console",
    params(("token" = String, Query, description = "the secret of the link")),
    security(()), responses((status = 200), (status = 410)))]
async fn offered(
    State(identity): State<Identity>,
    Query(Opened { token }): Query<Opened>,
) -> Result<View, Problem> {
    match identity.setup_for(&token).await {
        Ok(found) => {
            let page = SetupPage { found: &found, token: token.reveal() };
            View::of(format!("Set up single sign-on for {}", found.org_name), &page)
        }
        Err(error) => dead(error),
    }
}

/// Opens a link in this browser.
#[utoipa::path(post, path = "/setup", tag = "console",
    security(()), responses((status = 303), (status = 410)))]
async fn begin(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Form(form): Form<Opened>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    match identity.begin_setup(&form.token, origin).await {
        Ok((guest, found)) => {
            let said = "Choose your identity provider, test the sign-in, then switch it on.";
            let answer = see_other("/connections").said(said);
            Ok(identity.with_token(&guest, found.expires_at, answer))
        }
        Err(error) => Ok(dead(error)?.into_response()),
    }
}

fn dead(error: Error) -> Result<View, Problem> {
    match error {
        Error::Setup => {
            let title = "This link cannot be used";
            let ask = "Ask whoever sent it for a new one.";
            Ok(View::of(title, &DeadPage { title, ask })?.status(StatusCode::GONE))
        }
        other => Err(other.into()),
    }
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    made: Option<String>,
    faults: Faults,
) -> Result<View, Problem> {
    let rows = identity.setups(caller).await?;
    let now = identity.now();
    View::of("Setup links", &LinksPage { rows, now, made, faults })
}
