//! Showing a second factor: behind the password, and again before what is sensitive.

use access::{Caller, Method};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::{Faults, Form, View, local, see_other};
use base::problem::Problem;
use base::secret::Secret;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PASSKEY_JS, elsewhere, with_next};
use crate::factor::is_confined;
use crate::{Identity, OwnFactors, ShowFactor};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(page, confirm))
}

/// Where to go on to. Others link here: what is unknown is passed over.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmForm {
    code: Secret,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "identity/confirm.html")]
struct ConfirmPage<'a> {
    next: &'a str,
    /// It is the second step of a sign-in.
    first: bool,
    factors: &'a OwnFactors,
    elsewhere: Option<String>,
    faults: &'a Faults,
}

impl ConfirmPage<'_> {
    fn passkeys(&self) -> bool {
        !self.factors.passkeys.is_empty() && self.factors.no_passkeys.is_none()
    }

    fn codes(&self) -> bool {
        self.factors.app.is_some() || self.factors.recovery_codes_left > 0
    }

    /// There is nothing to show here: the identity provider vouches again.
    fn again(&self) -> bool {
        self.factors.is_empty()
    }
}

/// The page to show a second factor on.
#[utoipa::path(get, path = "/account/confirm", tag = "console",
    params(("next" = Option<String>, Query, description = "where to go on to")),
    security(("key" = ["self"])), responses((status = 200), (status = 303)))]
async fn page(
    caller: Caller,
    State(identity): State<Identity>,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Problem> {
    let next = local(&next);
    let Some(session) = &caller.standing.session else {
        return Ok(see_other(next).into_response());
    };
    let factors = identity.factors_of(&caller).await?;
    let vouched = matches!(session.method, Method::Saml | Method::Oidc) && !session.confined;
    if factors.is_empty() && !vouched {
        return Ok(see_other(with_next("/account/factors", next)).into_response());
    }
    Ok(confirm_page(&identity, &caller, &factors, next, &Faults::default())?.into_response())
}

/// Shows a code, and goes on.
#[utoipa::path(post, path = "/account/confirm", tag = "console",
    security(("key" = ["self"])), responses((status = 303), (status = 422), (status = 429)))]
async fn confirm(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response, Problem> {
    let next = local(&form.next);
    let shown = ShowFactor { code: Some(form.code), ceremony: None, response: None };
    let Err(error) = identity.show_factor(&caller, &shown).await else {
        return Ok(see_other(next).into_response());
    };
    let problem = Problem::from(error);
    let status = problem.status();
    let faults = Faults::of(problem)?;
    let factors = identity.factors_of(&caller).await?;
    let page = confirm_page(&identity, &caller, &factors, next, &faults)?;
    Ok(page.status(status).into_response())
}

fn confirm_page(
    identity: &Identity,
    caller: &Caller,
    factors: &OwnFactors,
    next: &str,
    faults: &Faults,
) -> Result<View, Problem> {
    let first = is_confined(caller);
    let page = ConfirmPage { next, first, factors, elsewhere: elsewhere(identity, next), faults };
    let title = if first { "One more step" } else { "Confirm that it is you" };
    Ok(View::of(title, &page)?.script(&PASSKEY_JS))
}
