//! The record over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::explore::Events;
use crate::export::{Format, export};
use crate::views::{NewView, View, ViewId};
use crate::{Filter, Record};

/// The routes of this room.
pub fn routes(record: Record) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(jsonl))
        .routes(routes!(csv))
        .routes(routes!(views, save_view))
        .routes(routes!(remove_view))
        .routes(routes!(one))
        .with_state(record)
}

/// The events of the org, newest first. A page that is not full and has a `next` says in
/// `searched_to` how far back was looked.
#[utoipa::path(get, path = "/api/events", tag = "record", params(Filter),
    security(("key" = ["events:read"])), responses((status = 200, body = Events)))]
async fn list(
    caller: Caller,
    State(record): State<Record>,
    Query(filter): Query<Filter>,
) -> Result<Json<Events>, Problem> {
    Ok(Json(record.events(&caller, &filter).await?))
}

/// One event by its position in the org's record.
#[utoipa::path(get, path = "/api/events/{sequence}", tag = "record",
    params(("sequence" = i64, Path, description = "position in the record, from 0")),
    security(("key" = ["events:read"])), responses((status = 200, body = Value)))]
async fn one(
    caller: Caller,
    State(record): State<Record>,
    Path(sequence): Path<i64>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(record.event(&caller, sequence).await?))
}

/// All events that match, newest first, one JSON object a line.
#[utoipa::path(get, path = "/api/events.jsonl", tag = "record", params(Filter),
    security(("key" = ["events:export"])),
    responses((status = 200, content_type = "application/jsonl", body = String)))]
async fn jsonl(
    caller: Caller,
    State(record): State<Record>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    Ok(export(record, caller, filter, Format::Jsonl).await?)
}

/// All events that match, newest first, as a table for spreadsheets. No cell is a formula.
#[utoipa::path(get, path = "/api/events.csv", tag = "record", params(Filter),
    security(("key" = ["events:export"])),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn csv(
    caller: Caller,
    State(record): State<Record>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    Ok(export(record, caller, filter, Format::Csv).await?)
}

/// The caller's saved views by name, and behind them those that others share.
#[utoipa::path(get, path = "/api/events/views", tag = "record",
    security(("key" = ["events:read"])), responses((status = 200, body = Page<View>)))]
async fn views(caller: Caller, State(record): State<Record>) -> Result<Json<Page<View>>, Problem> {
    Ok(Json(record.views(&caller).await?))
}

/// Saves a filter under a name.
#[utoipa::path(post, path = "/api/events/views", tag = "record", request_body = NewView,
    security(("key" = ["events:read"])), responses((status = 201, body = View)))]
async fn save_view(
    caller: Caller,
    State(record): State<Record>,
    Json(body): Json<NewView>,
) -> Result<(StatusCode, Json<View>), Problem> {
    Ok((StatusCode::CREATED, Json(record.save_view(&caller, &body).await?)))
}

/// Removes one of the caller's saved views.
#[utoipa::path(delete, path = "/api/events/views/{id}", tag = "record",
    params(("id" = String, Path, description = "the view")),
    security(("key" = ["events:read"])), responses((status = 204)))]
async fn remove_view(
    caller: Caller,
    State(record): State<Record>,
    Path(id): Path<ViewId>,
) -> Result<StatusCode, Problem> {
    record.remove_view(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
