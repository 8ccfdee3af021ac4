//! Pages for whoever has a link: an invitation, or one to set a new password. The link's
//! secret goes from the address into a hidden field and is shown nowhere.

use access::Origin;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use base::secret::Secret;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{alike, onwards};
use crate::{Accept, Error, Identity, LinkFor, ResetPassword, SignIn};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(invitation, join)).routes(routes!(forgotten, reset))
}

/// The address that was handed over.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct Link {
    #[serde(default = "nothing")]
    token: Secret,
}

fn nothing() -> Secret {
    Secret::new(String::new())
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct JoinForm {
    token: Secret,
    name: String,
    password: Secret,
    again: Secret,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetForm {
    token: Secret,
    password: Secret,
    again: Secret,
}

#[derive(Debug, Template)]
#[template(path = "identity/join.html")]
struct JoinPage<'a> {
    link: &'a LinkFor,
    token: &'a str,
    called: &'a str,
    faults: &'a Faults,
}

#[derive(Debug, Template)]
#[template(path = "identity/reset.html")]
struct ResetPage<'a> {
    link: &'a LinkFor,
    token: &'a str,
    faults: &'a Faults,
}

#[derive(Debug, Template)]
#[template(path = "identity/link-dead.html")]
pub(super) struct DeadPage {
    pub(super) title: &'static str,
    pub(super) ask: &'static str,
}

/// An invitation.
#[utoipa::path(get, path = "/join", tag = "console",
    params(("token" = String, Query, description = "the secret of the link")),
    security(()), responses((status = 200), (status = 410)))]
async fn invitation(
    State(identity): State<Identity>,
    Query(Link { token }): Query<Link>,
) -> Result<View, Problem> {
    match identity.invitation_for(&token).await {
        Ok(link) => join_page(&link, &token, "", &Faults::default()),
        Err(error) => dead(error),
    }
}

/// Accepts an invitation and signs in.
#[utoipa::path(post, path = "/join", tag = "console",
    security(()), responses((status = 303), (status = 410), (status = 422)))]
async fn join(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Form(form): Form<JoinForm>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    let link = match identity.invitation_for(&form.token).await {
        Ok(link) => link,
        Err(error) => return Ok(dead(error)?.into_response()),
    };
    let JoinForm { token, name, password, again } = form;
    let accept = Accept { token, name, password };
    let faults = match alike(&accept.password, &again) {
        Err(faults) => faults,
        Ok(()) => match identity.accept(&accept, origin.clone()).await {
            Ok(_) => return Ok(enter(&identity, link, accept.password, origin).await),
            Err(error) => match faults_or_dead(error)? {
                Ok(faults) => faults,
                Err(dead) => return Ok(dead.into_response()),
            },
        },
    };
    let page = join_page(&link, &accept.token, &accept.name, &faults)?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Whoever just joined has proved who they are; if they cannot be signed in from here,
/// they are told so where they sign in.
async fn enter(identity: &Identity, link: LinkFor, password: Secret, origin: Origin) -> Response {
    let ask = SignIn { org: link.org_slug, email: link.email, password };
    let mut answer = match identity.sign_in(&ask, origin).await {
        Ok(who) => {
            let said = format!("Welcome to {}.", link.org_name);
            identity.with_session(&who, see_other(onwards(&who.caller, "/")).said(said))
        }
        Err(_) => see_other("/sign-in").said("You have joined. Sign in to go on.").into_response(),
    };
    identity.remember_org(&mut answer, &ask.org);
    answer
}

/// A link to set a new password.
#[utoipa::path(get, path = "/reset", tag = "console",
    params(("token" = String, Query, description = "the secret of the link")),
    security(()), responses((status = 200), (status = 410)))]
async fn forgotten(
    State(identity): State<Identity>,
    Query(Link { token }): Query<Link>,
) -> Result<View, Problem> {
    match identity.password_link_for(&token).await {
        Ok(link) => reset_page(&link, &token, &Faults::default()),
        Err(error) => dead(error),
    }
}

/// Sets a new password.
#[utoipa::path(post, path = "/reset", tag = "console",
    security(()), responses((status = 303), (status = 410), (status = 422)))]
async fn reset(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Form(form): Form<ResetForm>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    let link = match identity.password_link_for(&form.token).await {
        Ok(link) => link,
        Err(error) => return Ok(dead(error)?.into_response()),
    };
    let ResetForm { token, password, again } = form;
    let ask = ResetPassword { token, password };
    let faults = match alike(&ask.password, &again) {
        Err(faults) => faults,
        Ok(()) => match identity.reset_password(&ask, origin).await {
            Ok(_) => {
                let said = "Your new password is set. Sign in with it.";
                let mut answer = see_other("/sign-in").said(said).into_response();
                identity.remember_org(&mut answer, &link.org_slug);
                return Ok(answer);
            }
            Err(error) => match faults_or_dead(error)? {
                Ok(faults) => faults,
                Err(dead) => return Ok(dead.into_response()),
            },
        },
    };
    let page = reset_page(&link, &ask.token, &faults)?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

fn join_page(
    link: &LinkFor,
    token: &Secret,
    called: &str,
    faults: &Faults,
) -> Result<View, Problem> {
    let page = JoinPage { link, token: token.reveal(), called, faults };
    View::of(format!("Join {}", link.org_name), &page)
}

fn reset_page(link: &LinkFor, token: &Secret, faults: &Faults) -> Result<View, Problem> {
    let page = ResetPage { link, token: token.reveal(), faults };
    View::of("Set a new password", &page)
}

/// What can be mended in the form, or the page that says that the link cannot be used.
fn faults_or_dead(error: Error) -> Result<Result<Faults, View>, Problem> {
    if matches!(error, Error::Invitation | Error::PasswordLink) {
        return Ok(Err(dead(error)?));
    }
    Ok(Ok(Faults::of(error)?))
}

/// The page that says that a link cannot be used, and what to do.
fn dead(error: Error) -> Result<View, Problem> {
    let (title, ask) = match error {
        Error::Invitation => {
            ("This invitation cannot be used", "Ask whoever invited you to invite you again.")
        }
        Error::PasswordLink => (
            "This link cannot be used",
            "Ask an administrator of your organization for a new one. A newer link makes \
             older ones worthless.",
        ),
        other => return Err(other.into()),
    };
    Ok(View::of(title, &DeadPage { title, ask })?.status(StatusCode::GONE))
}
