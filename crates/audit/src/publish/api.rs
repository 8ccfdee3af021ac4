//! The published log over HTTP, under the paths of C2SP `tlog-tiles`.

use access::Caller;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use base::http::{Json, Path};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Log, LogKeys};

/// The routes of the log.
pub fn log_routes(log: Log) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(tile))
        .routes(routes!(keys))
        .with_state(log)
}

/// The newest signed checkpoint of the org's log: C2SP `tlog-checkpoint`, with an Ed25519 and
/// an ML-DSA-44 signature.
#[utoipa::path(get, path = "/api/record/log/checkpoint", tag = "record",
    security(("key" = ["events:read"])),
    responses((status = 200, content_type = "text/plain", body = String)))]
async fn checkpoint(caller: Caller, State(log): State<Log>) -> Result<impl IntoResponse, Problem> {
    let note = log.checkpoint(&caller).await?;
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
    let bytes = log.tile(&caller, &path).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes))
}

/// The keys that checkpoints are verified with, and when each was in use.
#[utoipa::path(get, path = "/api/record/log/keys", tag = "record",
    security(("key" = ["events:read"])), responses((status = 200, body = LogKeys)))]
async fn keys(caller: Caller, State(log): State<Log>) -> Result<Json<LogKeys>, Problem> {
    Ok(Json(log.keys(&caller).await?))
}
