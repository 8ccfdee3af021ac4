//! Keys.

use access::{Caller, KeyId};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Identity, IssuedKey, Key, ListKeys, NewKey, Rotate};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, revoke))
        .routes(routes!(rotate))
}

/// A key, and its secret, which is shown this once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct IssuedBody {
    /// The key.
    #[serde(flatten)]
    key: Key,
    /// What goes behind `Authorization: Bearer`.
    secret: String,
}

fn issued(issued: IssuedKey) -> Response {
    let body = IssuedBody { key: issued.key, secret: issued.secret.reveal().to_owned() };
    (StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The caller's own keys; with `users:read` those of others.
#[utoipa::path(get, path = "/api/keys", tag = "identity", params(ListKeys),
    security(("key" = ["self"])), responses((status = 200, body = Page<Key>)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(list): Query<ListKeys>,
) -> Result<Json<Page<Key>>, Problem> {
    Ok(Json(identity.keys(&caller, &list).await?))
}

/// Makes a key for the caller; with `users:keys` for others.
#[utoipa::path(post, path = "/api/keys", tag = "identity", request_body = NewKey,
    security(("key" = ["self"])), responses((status = 201, body = IssuedBody)))]
async fn create(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<NewKey>,
) -> Result<Response, Problem> {
    Ok(issued(identity.create_key(&caller, &body).await?))
}

/// One key: the caller's own, or with `users:read` anybody's.
#[utoipa::path(get, path = "/api/keys/{id}", tag = "identity",
    params(("id" = String, Path, description = "the key")),
    security(("key" = ["self"])), responses((status = 200, body = Key)))]
async fn one(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<KeyId>,
) -> Result<Json<Key>, Problem> {
    Ok(Json(identity.key(&caller, &id).await?))
}

/// Makes a key that takes the place of this one after a while.
#[utoipa::path(post, path = "/api/keys/{id}/rotate", tag = "identity", request_body = Rotate,
    params(("id" = String, Path, description = "the key")),
    security(("key" = ["self"])), responses((status = 201, body = IssuedBody)))]
async fn rotate(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<KeyId>,
    Json(body): Json<Rotate>,
) -> Result<Response, Problem> {
    Ok(issued(identity.rotate_key(&caller, &id, &body).await?))
}

/// Revokes a key: one's own, or with `users:keys` any.
#[utoipa::path(delete, path = "/api/keys/{id}", tag = "identity",
    params(("id" = String, Path, description = "the key")),
    security(("key" = ["self"])), responses((status = 204)))]
async fn revoke(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<KeyId>,
) -> Result<StatusCode, Problem> {
    identity.revoke_key(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
