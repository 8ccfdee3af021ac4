//! Signing in and out.

use access::{Caller, Origin};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::{Faults, Form, View, local, see_other};
use base::problem::Problem;
use base::secret::Secret;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PASSKEY_JS, elsewhere, onwards};
use crate::{Error, Identity, SignIn, cookie};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(page, sign_in)).routes(routes!(sign_out))
}

/// What an address may say beforehand. Others link here: what is unknown is passed over.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct Ask {
    org: Option<String>,
    next: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInForm {
    org: String,
    email: String,
    password: Secret,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "identity/sign-in.html")]
struct SignInPage<'a> {
    org: &'a str,
    email: &'a str,
    next: &'a str,
    /// Whether there are passkeys here.
    passkeys: bool,
    /// Where one signs in with an identity provider.
    elsewhere: Option<String>,
    faults: &'a Faults,
}

const TITLE: &str = "Sign in";

/// The page to sign in on.
#[utoipa::path(get, path = "/sign-in", tag = "console",
    params(("org" = Option<String>, Query, description = "the short name of the org"),
        ("next" = Option<String>, Query, description = "where to go on to")),
    security(()), responses((status = 200)))]
async fn page(
    State(identity): State<Identity>,
    headers: HeaderMap,
    Query(ask): Query<Ask>,
) -> Result<View, Problem> {
    let org = ask.org.as_deref().or_else(|| cookie::org(&headers)).unwrap_or_default();
    let next = local(ask.next.as_deref().unwrap_or_default());
    sign_in_page(&identity, (org, ""), next, &Faults::default())
}

/// Signs in and goes on to the page that was asked for.
#[utoipa::path(post, path = "/sign-in", tag = "console",
    security(()), responses((status = 303), (status = 422)))]
async fn sign_in(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Form(form): Form<SignInForm>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    let SignInForm { org, email, password, next } = form;
    let ask = SignIn { org, email, password };
    match identity.sign_in(&ask, origin).await {
        Ok(who) => {
            let next = onwards(&who.caller, local(&next));
            let mut answer = identity.with_session(&who, see_other(next));
            identity.remember_org(&mut answer, &ask.org);
            Ok(answer)
        }
        Err(error) => {
            let (status, faults) = refused(error)?;
            let typed = (ask.org.as_str(), ask.email.as_str());
            let page = sign_in_page(&identity, typed, local(&next), &faults)?;
            Ok(page.status(status).into_response())
        }
    }
}

fn sign_in_page(
    identity: &Identity,
    (org, email): (&str, &str),
    next: &str,
    faults: &Faults,
) -> Result<View, Problem> {
    let passkeys = identity.0.relying_party.why_not().is_none();
    let elsewhere = elsewhere(identity, next);
    let page = SignInPage { org, email, next, passkeys, elsewhere, faults };
    Ok(View::of(TITLE, &page)?.script(&PASSKEY_JS))
}

/// Signs out.
#[utoipa::path(post, path = "/sign-out", tag = "console",
    security(("key" = ["self"])), responses((status = 303)))]
async fn sign_out(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    identity.sign_out(&caller, &headers).await?;
    Ok(identity.without_session(see_other("/sign-in").said("You are signed out.")))
}

/// What is said above the form; one sentence whatever of the three was wrong.
fn refused(error: Error) -> Result<(StatusCode, Faults), Problem> {
    let again = |why: &str, secs| {
        let text = format!("{why} Try again in {}.", wait(secs));
        Ok((StatusCode::TOO_MANY_REQUESTS, Faults::general(text)))
    };
    match error {
        Error::SignIn => Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            Faults::general("Organization, e-mail address or password is wrong."),
        )),
        Error::SignInBySso => Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            Faults::general(
                "Organization, e-mail address or password is wrong. This organization signs in \
                 with its identity provider.",
            ),
        )),
        Error::LockedOut { retry_secs } => again("Too many failed sign-ins.", retry_secs),
        Error::TooManySignIns { retry_secs } => {
            again("Too many sign-ins from your network.", retry_secs)
        }
        Error::Problem(problem) if problem.code() == "address_not_allowed" => Ok((
            StatusCode::FORBIDDEN,
            Faults::general(
                "Your organization lets people in from its own networks only, and you are in \
                 none of them. Sign in from there, or ask an administrator to add your network.",
            ),
        )),
        other => Ok((StatusCode::UNPROCESSABLE_ENTITY, Faults::of(other)?)),
    }
}

/// How long to wait, in words, rounded up.
fn wait(secs: u64) -> String {
    match secs {
        0 | 1 => "a second".to_owned(),
        2..=59 => format!("{secs} seconds"),
        60 => "a minute".to_owned(),
        _ => format!("{} minutes", secs.div_ceil(60)),
    }
}
