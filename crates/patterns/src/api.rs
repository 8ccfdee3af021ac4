//! Patterns over HTTP.

use access::Caller;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use base::http::{BODY_MAX, Json, Page, Path, Query};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    ChangePattern, Filter, Pattern, PatternCases, Patterns, PublishPattern, SetCases, TeachPattern,
    Trial, Verdict, VersionFilter, VersionView,
};
use crate::{api_draft, api_exchange};

/// The routes of this room.
pub fn routes(patterns: Patterns) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, teach))
        .routes(routes!(api_exchange::export))
        .routes(routes!(api_exchange::import))
        .routes(routes!(one, change))
        .routes(routes!(publish))
        .routes(routes!(retire))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(try_on))
        .routes(routes!(cases, set_cases))
        .routes(routes!(api_draft::try_draft))
        .routes(routes!(api_draft::diff))
        .with_state(patterns)
}

/// The patterns of the org in the order of their slugs, or the best matches of a search.
#[utoipa::path(get, path = "/api/patterns", tag = "patterns", params(Filter),
    security(("key" = ["patterns:read"])), responses((status = 200, body = Page<Pattern>)))]
async fn list(
    caller: Caller,
    State(patterns): State<Patterns>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Pattern>>, Problem> {
    Ok(Json(patterns.list(&caller, &filter).await?))
}

/// Teaches a pattern. It answers at once when the caller may publish patterns.
#[utoipa::path(post, path = "/api/patterns", tag = "patterns", request_body = TeachPattern,
    security(("key" = ["patterns:create"])), responses((status = 201, body = Pattern)))]
async fn teach(
    caller: Caller,
    State(patterns): State<Patterns>,
    Json(body): Json<TeachPattern>,
) -> Result<impl IntoResponse, Problem> {
    let pattern = patterns.teach(&caller, body).await?;
    let location = [(LOCATION, format!("/api/patterns/{}", pattern.id))];
    Ok((StatusCode::CREATED, location, Json(pattern)))
}

/// One pattern, with its latest version.
#[utoipa::path(get, path = "/api/patterns/{id}", tag = "patterns",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:read"])), responses((status = 200, body = Pattern)))]
async fn one(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
) -> Result<Json<Pattern>, Problem> {
    Ok(Json(patterns.get(&caller, &id).await?))
}

/// Teaches the next version of a pattern. Who taught a draft may change it without
/// `patterns:update`.
#[utoipa::path(put, path = "/api/patterns/{id}", tag = "patterns", request_body = ChangePattern,
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:update"]), ("key" = ["patterns:create"])),
    responses((status = 200, body = Pattern)))]
async fn change(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
    Json(body): Json<ChangePattern>,
) -> Result<Json<Pattern>, Problem> {
    Ok(Json(patterns.change(&caller, &id, body).await?))
}

/// Lets a version answer: the latest one, or the one given. The body may be left out.
#[utoipa::path(post, path = "/api/patterns/{id}/publish", tag = "patterns",
    request_body = Option<PublishPattern>,
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:publish"])), responses((status = 200, body = Pattern)))]
async fn publish(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Pattern>, Problem> {
    let body = base::http::read(request, BODY_MAX).await?;
    let body = if body.is_empty() { PublishPattern::default() } else { base::http::parse(&body)? };
    Ok(Json(patterns.publish(&caller, &id, &body).await?))
}

/// Withdraws a pattern: it stops answering at once. Its versions stay.
#[utoipa::path(post, path = "/api/patterns/{id}/retire", tag = "patterns",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:publish"])), responses((status = 200, body = Pattern)))]
async fn retire(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
) -> Result<Json<Pattern>, Problem> {
    Ok(Json(patterns.retire(&caller, &id).await?))
}

/// The versions of a pattern, newest first.
#[utoipa::path(get, path = "/api/patterns/{id}/versions", tag = "patterns",
    params(("id" = String, Path, description = "id or slug"), VersionFilter),
    security(("key" = ["patterns:read"])), responses((status = 200, body = Page<VersionView>)))]
async fn versions(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
    Query(filter): Query<VersionFilter>,
) -> Result<Json<Page<VersionView>>, Problem> {
    Ok(Json(patterns.versions(&caller, &id, &filter).await?))
}

/// One version of a pattern, with its content.
#[utoipa::path(get, path = "/api/patterns/{id}/versions/{version}", tag = "patterns",
    params(("id" = String, Path, description = "id or slug"),
        ("version" = i64, Path, description = "from 1")),
    security(("key" = ["patterns:read"])), responses((status = 200, body = VersionView)))]
async fn version(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path((id, version)): Path<(String, i64)>,
) -> Result<Json<VersionView>, Problem> {
    Ok(Json(patterns.version(&caller, &id, version).await?))
}

/// Tries the latest version of a pattern on questions. No model is called.
#[utoipa::path(post, path = "/api/patterns/{id}/try", tag = "patterns", request_body = Trial,
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:read"])), responses((status = 200, body = Verdict)))]
async fn try_on(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
    Json(body): Json<Trial>,
) -> Result<Json<Verdict>, Problem> {
    Ok(Json(patterns.try_on(&caller, &id, body).await?))
}

/// The cases that must pass before a version of this pattern answers, and how the latest
/// one fares.
#[utoipa::path(get, path = "/api/patterns/{id}/cases", tag = "patterns",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:read"])), responses((status = 200, body = PatternCases)))]
async fn cases(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
) -> Result<Json<PatternCases>, Problem> {
    Ok(Json(patterns.cases(&caller, &id).await?))
}

/// Gives a pattern its cases, in the place of those that it has. Who taught a draft may
/// do so without `patterns:update`.
#[utoipa::path(put, path = "/api/patterns/{id}/cases", tag = "patterns", request_body = SetCases,
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:update"]), ("key" = ["patterns:create"])),
    responses((status = 200, body = PatternCases)))]
async fn set_cases(
    caller: Caller,
    State(patterns): State<Patterns>,
    Path(id): Path<String>,
    Json(body): Json<SetCases>,
) -> Result<Json<PatternCases>, Problem> {
    Ok(Json(patterns.set_cases(&caller, &id, body).await?))
}
