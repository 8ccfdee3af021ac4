//! What the page of a directory posts.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Form, see_other};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::here::Here;
use super::one::again;
use super::token_page;
use super::typed::DirectoryForm;
use crate::{DirectoryId, DirectoryPatch, Scim, TokenId};

pub(super) fn routes() -> OpenApiRouter<Scim> {
    OpenApiRouter::new()
        .routes(routes!(change))
        .routes(routes!(rotate))
        .routes(routes!(end))
        .routes(routes!(remove))
}

/// Changes a directory.
#[utoipa::path(post, path = "/directories/{id}", tag = "console",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn change(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
    here: Here,
    Form(form): Form<DirectoryForm>,
) -> Result<Response, Problem> {
    let patch = DirectoryPatch {
        name: Some(form.name.clone()),
        role: Some(form.role.clone()),
        mapping: Some(form.mapped()),
    };
    match scim.change_directory(&caller, &id, &patch).await {
        Ok(directory) => {
            let said = format!("{} was changed.", directory.name);
            Ok(see_other(format!("/directories/{id}")).said(said).into_response())
        }
        Err(error) => again(&scim, &caller, &here, &id, Some(form), error).await,
    }
}

/// Makes a new token and shows it once.
#[utoipa::path(post, path = "/directories/{id}/token", tag = "console",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 201)))]
async fn rotate(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
    here: Here,
) -> Result<Response, Problem> {
    let issued = scim.rotate(&caller, &id).await?;
    let directory = scim.directory(&caller, &id).await?;
    let page = token_page(&directory, &issued, &here, false)?;
    Ok(page.status(StatusCode::CREATED).into_response())
}

/// Ends a token at once.
#[utoipa::path(post, path = "/directories/{id}/token/{token}/end", tag = "console",
    params(("id" = String, Path, description = "the directory"),
        ("token" = String, Path, description = "the token")),
    security(("key" = ["users:connections"])), responses((status = 303)))]
async fn end(
    caller: Caller,
    State(scim): State<Scim>,
    Path((id, token)): Path<(DirectoryId, TokenId)>,
) -> Result<Response, Problem> {
    scim.end_token(&caller, &id, &token).await?;
    let said = "The token was ended. It is refused from now on.";
    Ok(see_other(format!("/directories/{id}")).said(said).into_response())
}

/// Removes a directory.
#[utoipa::path(post, path = "/directories/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
) -> Result<Response, Problem> {
    scim.remove_directory(&caller, &id).await?;
    let said = "The directory was removed. Its members and teams are the organization's own now.";
    Ok(see_other("/directories").said(said).into_response())
}
