//! Streams over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Path};
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ChangeSink, Made, NewSink, Replay, SetAside, Sink, SinkId, Streams, Trial};

/// The room's routes.
pub fn routes(streams: Streams) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, remove))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(retry))
        .routes(routes!(set_aside))
        .routes(routes!(replay))
        .with_state(streams)
}

/// The sinks of an org.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SinkList {
    items: Vec<Sink>,
}

/// Where the org's record flows to, and how far each sink has it.
#[utoipa::path(get, path = "/api/streams", tag = "streams",
    security(("key" = ["events:read"])), responses((status = 200, body = SinkList)))]
async fn list(caller: Caller, State(streams): State<Streams>) -> Result<Json<SinkList>, Problem> {
    Ok(Json(SinkList { items: streams.list(&caller).await? }))
}

/// Makes a sink.
#[utoipa::path(post, path = "/api/streams", tag = "streams", request_body = NewSink,
    security(("key" = ["events:export"])),
    responses((status = 201, body = Made), (status = 422)))]
async fn create(
    caller: Caller,
    State(streams): State<Streams>,
    Json(body): Json<NewSink>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    Ok((StatusCode::CREATED, Json(streams.create(&caller, body).await?)))
}

/// One sink.
#[utoipa::path(get, path = "/api/streams/{id}", tag = "streams",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:read"])), responses((status = 200, body = Sink)))]
async fn get(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Json<Sink>, Problem> {
    Ok(Json(streams.get(&caller, &id).await?))
}

/// Changes, pauses or resumes a sink.
#[utoipa::path(patch, path = "/api/streams/{id}", tag = "streams", request_body = ChangeSink,
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200, body = Sink), (status = 422)))]
async fn change(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
    Json(body): Json<ChangeSink>,
) -> Result<Json<Sink>, Problem> {
    Ok(Json(streams.change(&caller, &id, body).await?))
}

/// Removes a sink.
#[utoipa::path(delete, path = "/api/streams/{id}", tag = "streams",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<StatusCode, Problem> {
    streams.remove(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new secret of a webhook; the one before signs beside it for a day.
#[utoipa::path(post, path = "/api/streams/{id}/rotate", tag = "streams",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200, body = Made), (status = 409)))]
async fn rotate(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Json<Made>, Problem> {
    Ok(Json(streams.rotate(&caller, &id).await?))
}

/// Sends one test item, and tells what the sink answered.
#[utoipa::path(post, path = "/api/streams/{id}/test", tag = "streams",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200, body = Trial)))]
async fn test(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Json<Trial>, Problem> {
    Ok(Json(streams.test(&caller, &id).await?))
}

/// Tries a sink again now, whatever it refused before.
#[utoipa::path(post, path = "/api/streams/{id}/retry", tag = "streams",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200, body = Sink)))]
async fn retry(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<Json<Sink>, Problem> {
    Ok(Json(streams.retry(&caller, &id).await?))
}

/// Goes on without the item that the sink refused; a notice takes its place in the stream.
#[utoipa::path(post, path = "/api/streams/{id}/set-aside", tag = "streams",
    request_body = SetAside, params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200, body = Sink), (status = 409)))]
async fn set_aside(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
    Json(body): Json<SetAside>,
) -> Result<Json<Sink>, Problem> {
    Ok(Json(streams.set_aside(&caller, &id, &body).await?))
}

/// Sends everything again from an index on.
#[utoipa::path(post, path = "/api/streams/{id}/replay", tag = "streams",
    request_body = Replay, params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 200, body = Sink), (status = 422)))]
async fn replay(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
    Json(body): Json<Replay>,
) -> Result<Json<Sink>, Problem> {
    Ok(Json(streams.replay(&caller, &id, &body).await?))
}
