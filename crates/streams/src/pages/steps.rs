//! What is done to one sink from its page.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::one::page;
use crate::{ChangeSink, Error, Replay, SetAside, SinkId, Streams};

pub(super) fn routes() -> OpenApiRouter<Streams> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(retry))
        .routes(routes!(set_aside))
        .routes(routes!(replay))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(rotate))
        .routes(routes!(remove))
}

/// Where a replay begins, as it is typed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Again {
    from: String,
}

async fn told<T>(
    streams: &Streams,
    caller: &Caller,
    id: &SinkId,
    done: Result<T, Error>,
    said: &str,
) -> Result<Response, Problem> {
    match done {
        Ok(_) => Ok(see_other(format!("/streams/{id}")).said(said).into_response()),
        Err(error) => {
            let page = page(streams, caller, id, None, None, Faults::of(error)?).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// Sends a test item, and shows what the sink said.
#[utoipa::path(post, path = "/streams/{id}/test", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200)))]
async fn test(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Response, Problem> {
    let trial = streams.test(&caller, &id).await?;
    let page = page(&streams, &caller, &id, None, Some(trial), Faults::default()).await?;
    Ok(page.into_response())
}

/// Tries a sink again now.
#[utoipa::path(post, path = "/streams/{id}/retry", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303)))]
async fn retry(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Response, Problem> {
    let done = streams.retry(&caller, &id).await;
    told(&streams, &caller, &id, done, "It is tried again now.").await
}

/// Goes on without what the sink refused.
#[utoipa::path(post, path = "/streams/{id}/set-aside", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303), (status = 422)))]
async fn set_aside(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
    Form(meant): Form<SetAside>,
) -> Result<Response, Problem> {
    let done = streams.set_aside(&caller, &id, &meant).await;
    told(&streams, &caller, &id, done, "The stream goes on; a notice takes its place.").await
}

/// Sends everything again from an index on.
#[utoipa::path(post, path = "/streams/{id}/replay", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303), (status = 422)))]
async fn replay(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
    Form(Again { from }): Form<Again>,
) -> Result<Response, Problem> {
    // What is no number is no index of the record either.
    let replay = Replay { from: from.trim().parse().unwrap_or(-1) };
    let done = streams.replay(&caller, &id, &replay).await;
    told(&streams, &caller, &id, done, "It is sent again from there.").await
}

/// Keeps a sink still.
#[utoipa::path(post, path = "/streams/{id}/pause", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303)))]
async fn pause(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Response, Problem> {
    let wanted = ChangeSink { paused: Some(true), ..ChangeSink::default() };
    let done = streams.change(&caller, &id, wanted).await;
    told(&streams, &caller, &id, done, "It is paused.").await
}

/// Lets a sink go on.
#[utoipa::path(post, path = "/streams/{id}/resume", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303)))]
async fn resume(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Response, Problem> {
    let wanted = ChangeSink { paused: Some(false), ..ChangeSink::default() };
    let done = streams.change(&caller, &id, wanted).await;
    told(&streams, &caller, &id, done, "It goes on.").await
}

/// Makes a new secret of a webhook, and shows it once.
#[utoipa::path(post, path = "/streams/{id}/rotate", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 201), (status = 422)))]
async fn rotate(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Response, Problem> {
    let done = match streams.rotate(&caller, &id).await {
        Ok(mut made) => match made.secret.take() {
            Some(secret) => return super::secret_page(made, secret),
            None => Ok(()),
        },
        Err(error) => Err(error),
    };
    told(&streams, &caller, &id, done, "It has a new secret.").await
}

/// Removes a sink.
#[utoipa::path(post, path = "/streams/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Response, Problem> {
    streams.remove(&caller, &id).await?;
    Ok(see_other("/streams").said("The stream was removed.").into_response())
}
