//! The buttons of a connection's page.

use access::Caller;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::see_other;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::one::{Typed, again};
use crate::door::leaving_page;
use crate::start::{Begun, Way};
use crate::{ConnectionId, Error, Sso};

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(activate))
        .routes(routes!(deactivate))
        .routes(routes!(vouch))
        .routes(routes!(refresh))
        .routes(routes!(rotate))
        .routes(routes!(retire))
        .routes(routes!(remove))
}

/// Begins a test sign-in.
#[utoipa::path(post, path = "/connections/{id}/test", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200), (status = 422)))]
async fn test(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match sso.begin_test(&caller, &id, &headers).await {
        Ok(begun) => go_on(&sso, "Test the sign-in", begun),
        Err(error) => again(&sso, &caller, &id, error, Typed::default()).await,
    }
}

/// Lets people sign in through it.
#[utoipa::path(post, path = "/connections/{id}/activate", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn activate(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    let done = sso.activate(&caller, &id).await.map(drop);
    said(&sso, &caller, &id, done, "People can sign in through it now.").await
}

/// Lets nobody sign in through it any more.
#[utoipa::path(post, path = "/connections/{id}/deactivate", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn deactivate(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    let done = sso.deactivate(&caller, &id).await.map(drop);
    let text = "Nobody can sign in through it any more. Sessions that there are go on.";
    said(&sso, &caller, &id, done, text).await
}

/// Answers for the provider.
#[utoipa::path(post, path = "/connections/{id}/vouch", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn vouch(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    let done = sso.vouch(&caller, &id).await.map(drop);
    said(&sso, &caller, &id, done, "It lets in everybody who may no more than you.").await
}

/// Reads the provider again.
#[utoipa::path(post, path = "/connections/{id}/refresh", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn refresh(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    let read = sso.refresh(&caller, &id).await;
    let text = match &read {
        Ok(it) if it.fault.is_some() => "It could not be read; what was read before holds on.",
        Ok(_) | Err(_) => "The provider was read again.",
    };
    said(&sso, &caller, &id, read.map(drop), text).await
}

/// Makes a new key of our own.
#[utoipa::path(post, path = "/connections/{id}/keys", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn rotate(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    let done = sso.rotate_key(&caller, &id).await.map(drop);
    let text = "The new key signs from now on. Give our metadata to the provider again.";
    said(&sso, &caller, &id, done, text).await
}

/// Gives the older key up.
#[utoipa::path(post, path = "/connections/{id}/keys/retire", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn retire(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    let done = sso.retire_key(&caller, &id).await.map(drop);
    said(&sso, &caller, &id, done, "The older key is gone.").await
}

/// Removes the connection.
#[utoipa::path(post, path = "/connections/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn remove(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Response, Problem> {
    match sso.remove(&caller, &id).await {
        Ok(()) => Ok(see_other("/connections")
            .said("The connection was removed. Members stay.")
            .into_response()),
        Err(error) => again(&sso, &caller, &id, error, Typed::default()).await,
    }
}

/// Goes on to the provider from a form of ours: by a page, for a form of the console may
/// lead nowhere else.
pub(super) fn go_on(sso: &Sso, title: &str, begun: Begun) -> Result<Response, Problem> {
    let mut response = leaving_page(title, &Way::Address(begun.path))?;
    sso.mark(&begun.browser, &mut response);
    Ok(response)
}

async fn said(
    sso: &Sso,
    caller: &Caller,
    id: &ConnectionId,
    done: Result<(), Error>,
    text: &str,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(see_other(format!("/connections/{id}")).said(text).into_response()),
        Err(error) => again(sso, caller, id, error, Typed::default()).await,
    }
}
