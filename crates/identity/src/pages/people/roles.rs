//! Roles: the matrix of who may what, and the roles that an org defines itself.

mod boxes;
mod one;

use access::{Caller, Permission, PermissionSet};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Page, Query};
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::boxes::{Boxes, tidied};
use super::roles_offered::permissions;
use super::words::{TOPICS, Topic, meant_for, what};
use crate::pages::role_label;
use crate::{Identity, NewRole, Role};

/// Custom roles in one matrix at most: more columns nobody compares.
const COLUMNS_MAX: u32 = 12;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(list, add)).merge(one::routes())
}

/// Which roles.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// The `next` of the page before.
    after: String,
}

/// A role to be defined, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleForm {
    name: String,
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Template)]
#[template(path = "identity/people/roles.html")]
struct RolesPage {
    columns: Vec<Column>,
    parts: Vec<Part>,
    next: Option<String>,
    /// There is a role beside the four.
    any_custom: bool,
    may_define: bool,
    form: RoleForm,
    boxes: Vec<Boxes>,
    faults: Faults,
}

/// A role, at the top of its column.
struct Column {
    name: String,
    label: String,
    meant_for: &'static str,
    built_in: bool,
}

/// The rows of one topic.
struct Part {
    label: &'static str,
    rows: Vec<Row>,
}

/// A permission, and for each column whether the role has it.
struct Row {
    permission: &'static str,
    what: &'static str,
    cells: Vec<bool>,
}

fn parts(sets: &[PermissionSet]) -> Vec<Part> {
    let row = |permission: Permission| Row {
        permission: permission.as_str(),
        what: what(permission),
        cells: sets.iter().map(|set| set.has(permission)).collect(),
    };
    let part =
        |topic: &Topic| Part { label: topic.label, rows: topic.permissions().map(row).collect() };
    TOPICS.iter().map(part).collect()
}

impl Column {
    fn of(role: Role) -> Self {
        Self {
            label: role_label(&role.name).to_owned(),
            meant_for: meant_for(&role.name),
            built_in: role.built_in,
            name: role.name,
        }
    }
}

/// The roles of the org, and what each permits.
#[utoipa::path(get, path = "/roles", tag = "console", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    show(&identity, &caller, &paging.after, RoleForm::default(), Faults::default()).await
}

/// Defines a role.
#[utoipa::path(post, path = "/roles", tag = "console",
    security(("key" = ["users:grant"])), responses((status = 303)))]
async fn add(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Problem> {
    let new = NewRole { name: form.name.clone(), permissions: tidied(&form.permissions) };
    match identity.add_role(&caller, &new).await {
        Ok(role) => {
            let said = format!("The role {} is defined. Give it to somebody.", role.name);
            Ok(see_other(format!("/roles/{}", role.name)).said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = show(&identity, &caller, "", form, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    after: &str,
    form: RoleForm,
    faults: Faults,
) -> Result<View, Problem> {
    let after = Some(after).filter(|after| !after.is_empty());
    let Page { items, next } = identity.roles(caller, after, Some(COLUMNS_MAX)).await?;
    let sets: Vec<_> = items.iter().map(permissions).collect();
    let page = RolesPage {
        any_custom: after.is_some() || items.iter().any(|role| !role.built_in),
        columns: items.into_iter().map(Column::of).collect(),
        parts: parts(&sets),
        next: next.map(|next| format!("/roles?after={next}")),
        may_define: caller.access.may(Permission::UsersGrant),
        boxes: Boxes::all(caller, &form.permissions),
        form,
        faults,
    };
    View::of("Roles", &page)
}
