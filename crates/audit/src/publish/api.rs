//! The published log over HTTP, under the paths of C2SP `tlog-tiles`; receipts and evidence.

use access::Caller;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::evidence::Period;
use super::{Log, LogKeys, Of, Receipt, WitnessState};
use crate::journal::PendingReceipt;

/// The routes of the log.
pub fn log_routes(log: Log) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(tile))
        .routes(routes!(keys))
        .routes(routes!(directory_checkpoint))
        .routes(routes!(directory_tile))
        .routes(routes!(directory_keys))
        .routes(routes!(witnesses))
        .routes(routes!(receipt))
        .routes(routes!(evidence))
        .with_state(log)
}

/// The newest signed checkpoint of the org's log: C2SP `tlog-checkpoint`, with an Ed25519 and
/// an ML-DSA-44 signature.
#[utoipa::path(get, path = "/api/record/log/checkpoint", tag = "record",
    security(("key" = ["events:read"])),
    responses((status = 200, content_type = "text/plain", body = String)))]
async fn checkpoint(caller: Caller, State(log): State<Log>) -> Result<impl IntoResponse, Problem> {
    let note = log.checkpoint(&caller, Of::Own).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note))
}

/// A tile or an entry bundle of the org's log: C2SP `tlog-tiles`, as `0/x001/234.p/17` or
/// `entries/000`. It holds commitments, never values.
#[utoipa::path(get, path = "/api/record/log/tile/{*path}", tag = "record",
    params(("path" = String, Path, description = "as C2SP writes it, behind `tile/`")),
    security(("key" = ["events:read"])),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn tile(
    caller: Caller,
    State(log): State<Log>,
    Path(path): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let bytes = log.tile(&caller, Of::Own, &path).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes))
}

/// The keys that checkpoints are verified with, and when each was in use.
#[utoipa::path(get, path = "/api/record/log/keys", tag = "record",
    security(("key" = ["events:read"])), responses((status = 200, body = LogKeys)))]
async fn keys(caller: Caller, State(log): State<Log>) -> Result<Json<LogKeys>, Problem> {
    Ok(Json(log.keys(&caller, Of::Own).await?))
}

/// The newest signed checkpoint of the directory of this cell: one head over the heads of all
/// its orgs, none of which can be told from another.
#[utoipa::path(get, path = "/api/record/directory/checkpoint", tag = "record",
    security(("key" = ["events:read"])),
    responses((status = 200, content_type = "text/plain", body = String)))]
async fn directory_checkpoint(
    caller: Caller,
    State(log): State<Log>,
) -> Result<impl IntoResponse, Problem> {
    let note = log.checkpoint(&caller, Of::Directory).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note))
}

/// A tile or an entry bundle of the directory's log.
#[utoipa::path(get, path = "/api/record/directory/tile/{*path}", tag = "record",
    params(("path" = String, Path, description = "as C2SP writes it, behind `tile/`")),
    security(("key" = ["events:read"])),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn directory_tile(
    caller: Caller,
    State(log): State<Log>,
    Path(path): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let bytes = log.tile(&caller, Of::Directory, &path).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes))
}

/// The keys that the directory is verified with, and when each was in use.
#[utoipa::path(get, path = "/api/record/directory/keys", tag = "record",
    security(("key" = ["events:read"])), responses((status = 200, body = LogKeys)))]
async fn directory_keys(caller: Caller, State(log): State<Log>) -> Result<Json<LogKeys>, Problem> {
    Ok(Json(log.keys(&caller, Of::Directory).await?))
}

/// What the witnesses of the org's log, and of the directory, said.
#[utoipa::path(get, path = "/api/record/witnesses", tag = "record",
    security(("key" = ["events:read"])), responses((status = 200, body = Page<WitnessState>)))]
async fn witnesses(
    caller: Caller,
    State(log): State<Log>,
) -> Result<Json<Page<WitnessState>>, Problem> {
    Ok(Json(Page { items: log.witnesses(&caller).await?, next: None }))
}

/// The receipt of a call: its event, what the record commits to, and the proof that it does.
/// For whoever made the call, and for whoever may read the record; with `Accept: text/plain`
/// the proof alone, as C2SP `tlog-proof` writes it. What is not published yet is published
/// now. A call that went on while the database of the record was away is `pending` until it is
/// back.
#[utoipa::path(get, path = "/api/receipts/{id}", tag = "record",
    params(("id" = String, Path, description = "the call, as in the header `portico-receipt`")),
    security(("key" = ["self"])), responses((status = 200, body = Receipt), (status = 202, body = PendingReceipt)))]
async fn receipt(
    caller: Caller,
    State(log): State<Log>,
    Path(id): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    Ok(log.told_of(&caller, &id).await?.answer(&asked))
}

/// An evidence bundle of a period: a ZIP file with entries, openings, tiles, a checkpoint,
/// keys, and a page that verifies all of it without a network. Of 100,000 events at most.
#[utoipa::path(get, path = "/api/record/evidence", tag = "record", params(Period),
    security(("key" = ["events:export"])),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>)))]
async fn evidence(
    caller: Caller,
    State(log): State<Log>,
    Query(period): Query<Period>,
) -> Result<Response, Problem> {
    Ok(log.evidence(&caller, period).await?.answer(caller).await?)
}
