//! One's own second factors.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Path, Query};
use base::page::{Faults, View, filters, local, see_other};
use base::problem::Problem;
use base::secret::Secret;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::confirm::Next;
use super::device::device;
use super::{PASSKEY_JS, with_next};
use crate::factor::{is_confined, own_session};
use crate::{Error, Identity, OwnFactors, PasskeyId};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(remove_passkey))
        .routes(routes!(recovery_codes))
}

#[derive(Debug, Template)]
#[template(path = "identity/factors.html")]
struct FactorsPage<'a> {
    factors: OwnFactors,
    /// What a passkey of this device could be called.
    device: String,
    next: &'a str,
    /// This page, with where to go on to.
    back: String,
    /// Nothing else is open yet.
    first: bool,
    faults: Faults,
}

#[derive(Debug, Template)]
#[template(path = "identity/recovery-codes.html")]
struct CodesPage {
    text: String,
}

/// One's own second factors.
#[utoipa::path(get, path = "/account/factors", tag = "console",
    params(("next" = Option<String>, Query, description = "where to go on to")),
    security(("key" = ["self"])), responses((status = 200)))]
async fn page(
    caller: Caller,
    State(identity): State<Identity>,
    Query(Next { next }): Query<Next>,
) -> Result<View, Problem> {
    own_session(&caller)?;
    factors_page(&identity, &caller, local(&next), Faults::default()).await
}

pub(super) async fn factors_page(
    identity: &Identity,
    caller: &Caller,
    next: &str,
    faults: Faults,
) -> Result<View, Problem> {
    let factors = identity.factors(caller).await?;
    let device = device(caller.origin.user_agent.as_deref());
    let (back, first) = (with_next("/account/factors", next), is_confined(caller));
    let page = FactorsPage { factors, device, next, back, first, faults };
    Ok(View::of("Second factors", &page)?.script(&PASSKEY_JS))
}

/// Says what was done, or on the same page why it was not.
pub(super) async fn done(
    identity: &Identity,
    caller: &Caller,
    ended: Result<(), Error>,
    (next, said): (&str, &str),
) -> Result<Response, Problem> {
    let Err(error) = ended else {
        return Ok(see_other(with_next("/account/factors", next)).said(said).into_response());
    };
    let page = factors_page(identity, caller, next, Faults::of(error)?).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Removes a passkey.
#[utoipa::path(post, path = "/account/factors/passkeys/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the passkey")),
    security(("key" = ["self"])), responses((status = 303), (status = 422)))]
async fn remove_passkey(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<PasskeyId>,
) -> Result<Response, Problem> {
    let ended = identity.remove_passkey(&caller, &id).await;
    let said = "The passkey was removed. Your device may still offer it: it opens nothing here.";
    done(&identity, &caller, ended, ("/", said)).await
}

/// Makes recovery codes, and shows them this once.
#[utoipa::path(post, path = "/account/factors/recovery-codes", tag = "console",
    security(("key" = ["self"])), responses((status = 200), (status = 422)))]
async fn recovery_codes(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Response, Problem> {
    match identity.make_recovery_codes(&caller).await {
        Ok(made) => {
            let codes: Vec<_> = made.codes.iter().map(Secret::reveal).collect();
            let page = CodesPage { text: codes.join("\n") };
            Ok(View::of("Recovery codes", &page)?.into_response())
        }
        Err(error) => done(&identity, &caller, Err(error), ("/", "")).await,
    }
}
