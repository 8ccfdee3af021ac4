//! Drafts and differences over HTTP.

use access::Caller;
use axum::extract::State;
use base::http::{Json, Path, Query};
use base::problem::Problem;

use crate::{Between, Diff, Patterns, Tried, TryDraft};

/// Asks a question of a draft that is not kept. Nothing is kept or recorded of either, and
/// no model is called.
#[utoipa::path(post, path = "/api/patterns/try", tag = "patterns", request_body = TryDraft,
    security(("key" = ["patterns:create"]), ("key" = ["patterns:update"])),
    responses((status = 200, body = Tried)))]
pub(crate) async fn try_draft(
    caller: Caller,
    State(patterns): State<Patterns>,
    Json(body): Json<TryDraft>,
) -> Result<Json<Tried>, Problem> {
    Ok(Json(patterns.try_draft(&caller, body).await?))
}

/// What changed between two versions of a pattern, line by line and word by word.
#[utoipa::path(get, path = "/api/patterns/{id}/diff", tag = "patterns",
    params(("id" = String, Path, description = "id or slug"), Between),
    security(("key" = ["patterns:read"])), responses((status = 200, body = Diff)))]
pub(crate) async fn diff(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
    Query(between): Query<Between>,
) -> Result<Json<Diff>, Problem> {
    Ok(Json(patterns.diff(&caller, &id, &between).await?))
}
