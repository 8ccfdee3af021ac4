//! The record over HTTP.

use access::Caller;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use futures_util::stream;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Error, Filter, Record};

/// The routes of this room.
pub fn routes(record: Record) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(one))
        .with_state(record)
}

/// The events of the org, newest first.
#[utoipa::path(get, path = "/api/events", tag = "record", params(Filter),
    security(("key" = ["events:read"])), responses((status = 200, body = Page<Value>)))]
async fn list(
    caller: Caller,
    State(record): State<Record>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Value>>, Problem> {
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
async fn export(
    caller: Caller,
    State(record): State<Record>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    record.export(&caller, &filter).await?;
    let pages = stream::try_unfold(Some(i64::MAX), move |before| {
        let (record, caller, filter) = (record.clone(), caller.clone(), filter.clone());
        async move {
            let Some(before) = before else { return Ok(None) };
            let events = record.export_page(&caller, &filter, before).await?;
            let Some(last) = events.last() else { return Ok::<_, Error>(None) };
            let next = last["sequence"].as_i64().filter(|seq| *seq > 0);
            let mut lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
            lines.push('\n');
            Ok(Some((Bytes::from(lines), next)))
        }
    });
    let headers = [
        (CONTENT_TYPE, "application/jsonl"),
        (CONTENT_DISPOSITION, "attachment; filename=\"events.jsonl\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}
