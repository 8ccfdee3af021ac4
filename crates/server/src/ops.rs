//! The operator's own port: probes and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access::Databases;
use audit::Record;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use base::metrics::Metrics;
use serde_json::json;

use crate::answering::{Answering, DIRECTORY};

/// What the port shows.
#[derive(Debug, Clone)]
pub(crate) struct Ops {
    metrics: Metrics,
    databases: Databases,
    answering: Answering,
    record: Record,
    draining: Arc<AtomicBool>,
}

impl Ops {
    pub(crate) fn new(
        metrics: Metrics,
        databases: Databases,
        answering: Answering,
        record: Record,
    ) -> Self {
        Self { metrics, databases, answering, record, draining: Arc::default() }
    }

    /// From now on `/readyz` says no: the load balancer looks elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

async fn ready(State(ops): State<Ops>) -> impl IntoResponse {
    if ops.draining.load(Ordering::Relaxed) {
        let body = json!({ "ready": false, "why": "draining" });
        return (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body));
    }
    let journals = ops.record.journals();
    let mut parts = serde_json::Map::new();
    let mut ready = true;
    for (region, _) in ops.databases.iter() {
        let well = ops.answering.of(region.as_str());
        // Where calls go on by the journal, a node that is taken away helps nobody.
        let journal = journals.iter().find(|(of, ..)| *of == region);
        ready &= well || journal.is_some_and(|(_, state, serves)| *serves && !state.is_stuck());
        if let Some((_, state, _)) = journal {
            parts.insert(format!("journal.{region}"), state.to_string().into());
        }
        let word = if well { "ok" } else { "not answering" };
        parts.insert(format!("database.{region}"), word.into());
    }
    // Known orgs are served without the directory: it is told, and does not count.
    let word = if ops.answering.of(DIRECTORY) { "ok" } else { "not answering" };
    parts.insert("database.directory".to_owned(), word.into());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(json!({ "ready": ready, "parts": parts })))
}

async fn metrics(State(ops): State<Ops>) -> impl IntoResponse {
    rendered(&ops.metrics)
}

/// As Prometheus reads it.
pub(crate) fn rendered(metrics: &Metrics) -> impl IntoResponse + use<> {
    let kind = [(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (kind, metrics.render().unwrap_or_default())
}
