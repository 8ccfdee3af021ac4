//! Saved views on the page of the record.

use std::collections::HashMap;

use access::Caller;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::{Desk, explorer, offered};
use crate::Filter;
use crate::views::{NewView, View, ViewId};

/// What the form for a view holds.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewForm {
    pub(super) name: String,
    pub(super) query: String,
    /// A ticked box sends its value, an unticked one nothing.
    #[serde(default)]
    pub(super) shared: Option<String>,
}

/// A view as the page shows it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) id: ViewId,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) current: bool,
    pub(super) mine: bool,
    pub(super) shared: bool,
    /// Whose it is.
    pub(super) owner: String,
}

impl Kept {
    pub(super) fn of(
        view: View,
        caller: &Caller,
        query: &str,
        known: &HashMap<String, String>,
    ) -> Self {
        Self {
            href: format!("/record?{}", view.query),
            current: view.query == query,
            mine: view.user_id == caller.actor.id(),
            owner: known.get(&view.user_id).unwrap_or(&view.user_id).clone(),
            id: view.id,
            name: view.name,
            shared: view.shared,
        }
    }
}

/// Saves what is looked at as a view.
#[utoipa::path(post, path = "/record/views", tag = "console",
    security(("key" = ["events:read"])), responses((status = 303)))]
pub(super) async fn save(
    caller: Caller,
    State(desk): State<Desk>,
    Form(form): Form<ViewForm>,
) -> Result<Response, Problem> {
    let (name, query) = (form.name.clone(), form.query.clone());
    let new = NewView { name, query, shared: form.shared.is_some() };
    match desk.record.save_view(&caller, &new).await {
        Ok(view) => {
            let said = format!("The view “{}” was saved.", view.name);
            Ok(see_other(format!("/record?{}", view.query)).said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let filter = Filter::parse(&form.query).await.unwrap_or_default();
            let page = explorer::show(&desk, &caller, filter, form, faults).await?;
            Ok(page.into_response())
        }
    }
}

/// Removes one of the caller's own views.
#[utoipa::path(post, path = "/record/views/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the view")),
    security(("key" = ["events:read"])), responses((status = 303)))]
pub(super) async fn remove(
    caller: Caller,
    State(desk): State<Desk>,
    Path(id): Path<ViewId>,
) -> Result<Response, Problem> {
    let view = desk.record.remove_view(&caller, &id).await?;
    let filter = Filter::parse(&view.query).await.unwrap_or_default();
    let said = format!("The view “{}” was removed.", view.name);
    Ok(see_other(offered::address(&filter)).said(said).into_response())
}
