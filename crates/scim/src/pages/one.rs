//! One directory: its tokens, what it asked last, what it gives.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, View, filters};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::here::Here;
use super::typed::DirectoryForm;
use super::{Offer, offers};
use crate::{Asked, Directory, DirectoryId, Error, Scim, Token};

pub(super) fn routes() -> OpenApiRouter<Scim> {
    OpenApiRouter::new().routes(routes!(page))
}

#[derive(Template)]
#[template(path = "scim/directory.html")]
struct DirectoryPage {
    directory: Directory,
    base_url: String,
    tokens: Vec<Token>,
    asked: Vec<Asked>,
    roles: Vec<Offer>,
    /// Roles that it should give, and that are none any more.
    gone: Vec<String>,
    form: DirectoryForm,
    see_record: bool,
    faults: Faults,
}

/// One directory.
#[utoipa::path(get, path = "/directories/{id}", tag = "console",
    params(("id" = String, Path, description = "the directory")),
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn page(
    caller: Caller,
    State(scim): State<Scim>,
    Path(id): Path<DirectoryId>,
    here: Here,
) -> Result<View, Problem> {
    show(&scim, &caller, &here, &id, None, Faults::default()).await
}

/// The page again, with what was typed and what is wrong with it.
pub(super) async fn again(
    scim: &Scim,
    caller: &Caller,
    here: &Here,
    id: &DirectoryId,
    typed: Option<DirectoryForm>,
    error: Error,
) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = show(scim, caller, here, id, typed, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    scim: &Scim,
    caller: &Caller,
    here: &Here,
    id: &DirectoryId,
    typed: Option<DirectoryForm>,
    faults: Faults,
) -> Result<View, Problem> {
    let asked = scim.asked(caller, id).await?;
    let directory = scim.directory(caller, id).await?;
    let form = typed.unwrap_or_else(|| DirectoryForm {
        name: directory.name.clone(),
        role: directory.role.clone(),
        mapping: DirectoryForm::typed(&directory.mapping),
    });
    let page = DirectoryPage {
        base_url: format!("{}/scim/v2", here.0),
        tokens: scim.tokens(caller, id).await?,
        asked,
        gone: scim.roles_gone(caller, &directory).await?,
        roles: offers(scim, caller, &form.role).await?,
        form,
        see_record: caller.may_somewhere(Permission::EventsRead),
        directory,
        faults,
    };
    View::of(&*page.directory.name, &page)
}
