//! Limits over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Applies, Ceiling, Forecast, Level, Limit, Limits, Usage, UsageFilter};

/// A whole list: an org has few limits.
#[derive(Debug, Serialize, ToSchema)]
struct List<T> {
    items: Vec<T>,
}

/// The routes of this room.
pub fn routes(limits: Limits) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(mine))
        .routes(routes!(near))
        .routes(routes!(one, set, remove))
        .routes(routes!(forecast))
        .routes(routes!(usage))
        .with_state(limits)
}

/// All limits of the org, as they were set.
#[utoipa::path(get, path = "/api/limits", tag = "limits",
    security(("key" = ["settings:read"])), responses((status = 200, body = List<Limit>)))]
async fn list(caller: Caller, State(limits): State<Limits>) -> Result<Json<List<Limit>>, Problem> {
    Ok(Json(List { items: limits.limits(&caller).await? }))
}

/// The limits that the caller's own calls are under, and what is left of them.
#[utoipa::path(get, path = "/api/limits/mine", tag = "limits",
    security(("key" = ["self"])), responses((status = 200, body = List<Applies>)))]
async fn mine(
    caller: Caller,
    State(limits): State<Limits>,
) -> Result<Json<List<Applies>>, Problem> {
    Ok(Json(List { items: limits.mine(&caller).await? }))
}

/// Who has used four fifths of a limit or more, the fullest first; at most 50.
#[utoipa::path(get, path = "/api/limits/near", tag = "limits",
    security(("key" = ["settings:read"])), responses((status = 200, body = List<Applies>)))]
async fn near(
    caller: Caller,
    State(limits): State<Limits>,
) -> Result<Json<List<Applies>>, Problem> {
    Ok(Json(List { items: limits.near(&caller).await? }))
}

/// Where the spending of a subject goes at the pace of its last seven days: what this
/// day and this month will have cost, and when a budget will be used up.
#[utoipa::path(get, path = "/api/limits/{level}/{subject}/forecast", tag = "limits",
    params(("level" = Level, Path, description = "`org`, `team`, `member`, `key` or `model`"),
        ("subject" = String, Path, description = "an id, the name of a model, or `org`")),
    security(("key" = ["settings:read"])), responses((status = 200, body = Forecast)))]
async fn forecast(
    caller: Caller,
    State(limits): State<Limits>,
    Path((level, subject)): Path<(Level, String)>,
) -> Result<Json<Forecast>, Problem> {
    Ok(Json(limits.forecast(&caller, level, &subject).await?))
}

/// What applies to a subject now, and what is left of it.
#[utoipa::path(get, path = "/api/limits/{level}/{subject}", tag = "limits",
    params(("level" = Level, Path, description = "`org`, `team`, `member`, `key` or `model`"),
        ("subject" = String, Path, description = "an id, the name of a model, `org`, or `*`")),
    security(("key" = ["settings:read"])), responses((status = 200, body = Applies)))]
async fn one(
    caller: Caller,
    State(limits): State<Limits>,
    Path((level, subject)): Path<(Level, String)>,
) -> Result<Json<Applies>, Problem> {
    Ok(Json(limits.standing(&caller, level, &subject).await?))
}

/// Sets the limit of a subject; `*` is each one of the level that has no limit of its
/// own, counted separately. What is left out is not limited. Applies at once, and
/// counts what was used before.
#[utoipa::path(put, path = "/api/limits/{level}/{subject}", tag = "limits",
    params(("level" = Level, Path, description = "`org`, `team`, `member`, `key` or `model`"),
        ("subject" = String, Path, description = "an id, the name of a model, `org`, or `*`")),
    request_body = Ceiling,
    security(("key" = ["settings:update"])), responses((status = 200, body = Ceiling)))]
async fn set(
    caller: Caller,
    State(limits): State<Limits>,
    Path((level, subject)): Path<(Level, String)>,
    Json(ceiling): Json<Ceiling>,
) -> Result<Json<Ceiling>, Problem> {
    limits.set(&caller, level, &subject, ceiling).await?;
    Ok(Json(ceiling))
}

/// Removes the limit of a subject. A limit on `*` then applies to it, if there is one.
#[utoipa::path(delete, path = "/api/limits/{level}/{subject}", tag = "limits",
    params(("level" = Level, Path, description = "`org`, `team`, `member`, `key` or `model`"),
        ("subject" = String, Path, description = "an id, the name of a model, `org`, or `*`")),
    security(("key" = ["settings:update"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(limits): State<Limits>,
    Path((level, subject)): Path<(Level, String)>,
) -> Result<StatusCode, Problem> {
    limits.remove(&caller, level, &subject).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was used, by day and subject, newest day first.
#[utoipa::path(get, path = "/api/usage", tag = "limits", params(UsageFilter),
    security(("key" = ["settings:read"])), responses((status = 200, body = Page<Usage>)))]
async fn usage(
    caller: Caller,
    State(limits): State<Limits>,
    Query(filter): Query<UsageFilter>,
) -> Result<Json<Page<Usage>>, Problem> {
    Ok(Json(limits.usage(&caller, &filter).await?))
}
