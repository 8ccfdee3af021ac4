//! The list of directories, and making one.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View, filters};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::here::Here;
use super::typed::DirectoryForm;
use super::{Offer, offers, token_page};
use crate::{Directory, NewDirectory, Scim};

pub(super) fn routes() -> OpenApiRouter<Scim> {
    OpenApiRouter::new().routes(routes!(list, add))
}

#[derive(Template)]
#[template(path = "scim/directories.html")]
struct DirectoriesPage {
    rows: Vec<Directory>,
    base_url: String,
    roles: Vec<Offer>,
    form: DirectoryForm,
    faults: Faults,
}

/// The directories of the org.
#[utoipa::path(get, path = "/directories", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn list(caller: Caller, State(scim): State<Scim>, here: Here) -> Result<View, Problem> {
    let form = DirectoryForm { role: "org:member".to_owned(), ..DirectoryForm::default() };
    show(&scim, &caller, &here, form, Faults::default()).await
}

/// Makes a directory and shows its token once.
#[utoipa::path(post, path = "/directories", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 201), (status = 422)))]
async fn add(
    caller: Caller,
    State(scim): State<Scim>,
    here: Here,
    Form(form): Form<DirectoryForm>,
) -> Result<Response, Problem> {
    let new = NewDirectory {
        name: form.name.clone(),
        role: Some(form.role.clone()),
        mapping: form.mapped(),
    };
    match scim.add_directory(&caller, &new).await {
        Ok((directory, issued)) => {
            let page = token_page(&directory, &issued, &here, true)?;
            Ok(page.status(StatusCode::CREATED).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = show(&scim, &caller, &here, form, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

async fn show(
    scim: &Scim,
    caller: &Caller,
    here: &Here,
    form: DirectoryForm,
    faults: Faults,
) -> Result<View, Problem> {
    let rows = scim.directories(caller, None, None).await?.items;
    let roles = offers(scim, caller, &form.role).await?;
    let base_url = format!("{}/scim/v2", here.0);
    View::of("Directories", &DirectoriesPage { rows, base_url, roles, form, faults })
}
