//! Directories over our own API. Each route names the permission that the door asks for.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Asked, Directory, DirectoryId, DirectoryPatch, Issued, NewDirectory, Scim, Token, TokenId,
};

/// The routes of directories.
pub fn api(scim: Scim) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(one, change, remove))
        .routes(routes!(tokens, rotate))
        .routes(routes!(end_token))
        .routes(routes!(requests))
        .with_state(scim)
}

/// A token, shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct Shown {
    /// Its id.
    #[schema(value_type = String)]
    token_id: TokenId,
    /// What the identity provider sends as `Authorization: Bearer`.
    token: String,
}

/// A directory that was made, and its first token.
#[derive(Debug, Serialize, ToSchema)]
struct Made {
    directory: Directory,
    #[serde(flatten)]
    token: Shown,
}

impl From<Issued> for Shown {
    fn from(issued: Issued) -> Self {
        Self { token_id: issued.id, token: issued.secret.reveal().to_owned() }
    }
}

/// The directories of the org.
#[utoipa::path(get, path = "/api/directories", tag = "scim", params(Paging),
    security(("key" = ["users:connections"])), responses((status = 200, body = Page<Directory>)))]
async fn list(
    caller: Caller,
    State(scim): State<Scim>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Directory>>, Problem> {
    Ok(Json(scim.directories(&caller, page.after.as_deref(), page.limit).await?))
}

/// Makes a directory. Its token is shown this once.
#[utoipa::path(post, path = "/api/directories", tag = "scim", request_body = NewDirectory,
    security(("key" = ["users:connections"])), responses((status = 201, body = Made)))]
async fn add(
    caller: Caller,
    State(scim): State<Scim>,
    Json(body): Json<NewDirectory>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let (directory, issued) = scim.add_directory(&caller, &body).await?;
    Ok((StatusCode::CREATED, Json(Made { directory, token: issued.into() })))
}

/// One directory.
#[utoipa::path(get, path = "/api/directories/{id}", tag = "scim",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Directory)))]
async fn one(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
) -> Result<Json<Directory>, Problem> {
    Ok(Json(scim.directory(&caller, &id).await?))
}

/// Changes a directory: its name, and the roles that it gives.
#[utoipa::path(patch, path = "/api/directories/{id}", tag = "scim", request_body = DirectoryPatch,
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Directory)))]
async fn change(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
    Json(body): Json<DirectoryPatch>,
) -> Result<Json<Directory>, Problem> {
    Ok(Json(scim.change_directory(&caller, &id, &body).await?))
}

/// Removes a directory. Its members and teams stay, as the org's own.
#[utoipa::path(delete, path = "/api/directories/{id}", tag = "scim",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
) -> Result<StatusCode, Problem> {
    scim.remove_directory(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The last tokens of a directory, the newest first, without their secrets.
#[utoipa::path(get, path = "/api/directories/{id}/tokens", tag = "scim",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Vec<Token>)))]
async fn tokens(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
) -> Result<Json<Vec<Token>>, Problem> {
    Ok(Json(scim.tokens(&caller, &id).await?))
}

/// Makes a new token. The one before lives on; older ones end at once.
#[utoipa::path(post, path = "/api/directories/{id}/tokens", tag = "scim",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 201, body = Shown)))]
async fn rotate(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    Ok((StatusCode::CREATED, Json(scim.rotate(&caller, &id).await?.into())))
}

/// Ends a token at once.
#[utoipa::path(delete, path = "/api/directories/{id}/tokens/{token}", tag = "scim",
    params(("id" = String, Path, description = "the directory"),
        ("token" = String, Path, description = "the token")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn end_token(
    caller: Caller,
    State(scim): State<Scim>,
    Path((id, token)): Path<(DirectoryId, TokenId)>,
) -> Result<StatusCode, Problem> {
    scim.end_token(&caller, &id, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a directory asked last: changes, and whatever was refused.
#[utoipa::path(get, path = "/api/directories/{id}/requests", tag = "scim",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Vec<Asked>)))]
async fn requests(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
) -> Result<Json<Vec<Asked>>, Problem> {
    Ok(Json(scim.asked(&caller, &id).await?))
}
