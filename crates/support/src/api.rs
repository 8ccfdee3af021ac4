//! Support access over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Ask, Asks, Grant, NewAsk, Request, RequestId, Requests, Support};

/// The routes of this room; none, where no operators are named.
pub fn routes(support: Support) -> OpenApiRouter {
    if !support.is_offered() {
        return OpenApiRouter::new();
    }
    OpenApiRouter::new()
        .routes(routes!(asks, ask))
        .routes(routes!(withdraw))
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(grant))
        .routes(routes!(refuse))
        .routes(routes!(end))
        .with_state(support)
}

/// Whom the operators asked for access: for members of the operators' own org.
#[utoipa::path(get, path = "/api/support/asks", tag = "support", params(Asks),
    security(("key" = ["settings:support"])), responses((status = 200, body = Page<Ask>)))]
async fn asks(
    caller: Caller,
    State(support): State<Support>,
    Query(asks): Query<Asks>,
) -> Result<Json<Page<Ask>>, Problem> {
    Ok(Json(support.asks(&caller, &asks).await?))
}

/// Asks an org for access: for members of the operators' own org.
#[utoipa::path(post, path = "/api/support/asks", tag = "support", request_body = NewAsk,
    security(("key" = ["settings:support"])), responses((status = 201, body = Request)))]
async fn ask(
    caller: Caller,
    State(support): State<Support>,
    Json(body): Json<NewAsk>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(support.ask(&caller, &body).await?)))
}

/// Takes an own ask back, or gives back what was granted.
#[utoipa::path(delete, path = "/api/support/asks/{id}", tag = "support",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 204)))]
async fn withdraw(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<StatusCode, Problem> {
    support.withdraw(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The requests for access to your org, newest first.
#[utoipa::path(get, path = "/api/support/requests", tag = "support", params(Requests),
    security(("key" = ["settings:support"])), responses((status = 200, body = Page<Request>)))]
async fn list(
    caller: Caller,
    State(support): State<Support>,
    Query(requests): Query<Requests>,
) -> Result<Json<Page<Request>>, Problem> {
    Ok(Json(support.requests(&caller, &requests).await?))
}

/// One request for access to your org.
#[utoipa::path(get, path = "/api/support/requests/{id}", tag = "support",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 200, body = Request)))]
async fn one(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Json<Request>, Problem> {
    Ok(Json(support.request(&caller, &id).await?))
}

/// Grants a request, or less than was asked for.
#[utoipa::path(post, path = "/api/support/requests/{id}/grant", tag = "support",
    request_body = Grant, params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 200, body = Request)))]
async fn grant(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
    Json(body): Json<Grant>,
) -> Result<Json<Request>, Problem> {
    Ok(Json(support.grant(&caller, &id, &body).await?))
}

/// Refuses a request.
#[utoipa::path(post, path = "/api/support/requests/{id}/refuse", tag = "support",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 200, body = Request)))]
async fn refuse(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Json<Request>, Problem> {
    Ok(Json(support.refuse(&caller, &id).await?))
}

/// Ends access that was granted, at once.
#[utoipa::path(post, path = "/api/support/requests/{id}/end", tag = "support",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 200, body = Request)))]
async fn end(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Json<Request>, Problem> {
    Ok(Json(support.end(&caller, &id).await?))
}
