//! The routes: C2SP's one, a page for people, counters for monitoring.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tlog::witness::REQUEST_BYTES_MAX;

use crate::page::page;
use crate::room::Witness;
use crate::watched::Refused;

const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn routes(witness: Witness) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/metrics", get(metrics))
        .fallback(async || answer(StatusCode::NOT_FOUND, TEXT, "there is nothing here\n".into()))
        .method_not_allowed_fallback(async || {
            answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "no such method here\n".into())
        })
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Witness>, request: Request) -> Response {
    let body = match base::http::read(request, REQUEST_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) => {
            let (status, detail) = (problem.status(), problem.detail());
            tracing::info!(status = status.as_u16(), detail, "refused: no whole body");
            return answer(status, TEXT, format!("{detail}\n"));
        }
    };
    blocking(move || match witness.answer(&body) {
        Ok(lines) => answer(StatusCode::OK, TEXT, lines),
        Err(refused) => refusal(&refused),
    })
    .await
}

fn refusal(refused: &Refused) -> Response {
    match refused {
        Refused::Protocol(why) => {
            let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::BAD_REQUEST);
            answer(status, why.content_type(), why.body())
        }
        Refused::ClockBehind { .. } | Refused::NotKept(_) | Refused::NotCosigned(_) => {
            answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{refused}\n"))
        }
    }
}

async fn about(State(witness): State<Witness>) -> Response {
    blocking(move || answer(StatusCode::OK, TEXT, page(&witness))).await
}

async fn metrics(State(witness): State<Witness>) -> Response {
    answer(StatusCode::OK, OPEN_METRICS, witness.metrics().render().unwrap_or_default())
}

/// Runs what waits for a log's lock or for the disk, to its end: also when whoever asked is
/// gone.
async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "an answer was not finished");
        answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "something went wrong\n".into())
    })
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    let headers =
        [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, body).into_response()
}
