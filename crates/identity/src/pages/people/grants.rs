//! Grants: roles given beside the own one, to members, teams, service accounts and keys.

use std::collections::HashSet;

use access::{Caller, Permission, Resource};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Page, Path, Query};
use base::page::filters::{self, percent_encoded};
use base::page::{Faults, Form, SeeOther, View, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::roles_offered::{Offer, Roles};
use super::who::{Named, Names, Picker, href};
use crate::{Error, Grant, GrantId, Identity, NewGrant};

/// Grants of one subject that are shown on its page: as many as it can have.
const OF_ONE_MAX: u32 = 100;

/// What a form for a grant begins with: giving more is a choice.
const LEAST_ROLE: &str = "org:viewer";

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(list, give)).routes(routes!(take_back))
}

/// A grant, on the page of whom it was given to.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) grant: Grant,
}

/// What was given to one subject.
pub(super) async fn of(
    identity: &Identity,
    caller: &Caller,
    subject: &str,
) -> Result<Vec<Given>, Error> {
    let page = identity.grants(caller, Some(subject), None, Some(OF_ONE_MAX)).await?;
    Ok(page.items.into_iter().map(|grant| Given { grant }).collect())
}

/// Which grants; and what was typed into the form before somebody was searched for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Show {
    /// Those of this member, team, key or service account only.
    subject: String,
    /// The `next` of the page before.
    after: String,
    /// Whom to offer in the form.
    find: String,
    /// The role in the form.
    role: String,
    /// On what the role is to be given: `pattern`, `model` or nothing.
    #[serde(rename = "resource.kind")]
    kind: String,
    /// The id of the pattern or the name of the model.
    #[serde(rename = "resource.id")]
    on: String,
}

/// A role to be given, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct GiveForm {
    #[serde(default)]
    find: String,
    subject: String,
    role: String,
    #[serde(rename = "resource.kind", default)]
    kind: String,
    #[serde(rename = "resource.id", default)]
    on: String,
}

/// From whose page a grant is taken back; empty: from the list.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct TakeForm {
    of: String,
}

#[derive(Template)]
#[template(path = "identity/people/grants.html")]
struct GrantsPage {
    /// Whose grants these are; none: everybody's.
    of: Option<Named>,
    rows: Vec<(Grant, Named)>,
    next: Option<String>,
    may_give: bool,
    roles: Vec<Offer>,
    picker: Picker,
    form: GiveForm,
    faults: Faults,
}

/// The grants of the org.
#[utoipa::path(get, path = "/grants", tag = "console", params(Show),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(show): Query<Show>,
) -> Result<View, Problem> {
    let Show { subject, after, find, mut role, kind, on } = show;
    if role.is_empty() {
        LEAST_ROLE.clone_into(&mut role);
    }
    let form = GiveForm { find, subject: subject.clone(), role, kind, on };
    page(&identity, &caller, (&subject, &after), form, Faults::default()).await
}

/// Gives a role to somebody.
#[utoipa::path(post, path = "/grants", tag = "console",
    security(("key" = ["users:grant"])), responses((status = 303)))]
async fn give(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<GiveForm>,
) -> Result<Response, Problem> {
    let resource = (!form.kind.is_empty()).then(|| Resource::new(&form.kind, form.on.trim()));
    let new = NewGrant { subject: form.subject.clone(), role: form.role.clone(), resource };
    match identity.add_grant(&caller, &new).await {
        Ok(grant) => {
            let names =
                Names::look_up(&identity, &caller, HashSet::from([&*grant.subject])).await?;
            let said =
                format!("{} has the role {} now.", names.of(&grant.subject).name, grant.role);
            Ok(see_other("/grants").said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = page(&identity, &caller, ("", ""), form, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// Takes a grant back.
#[utoipa::path(post, path = "/grants/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the grant")),
    security(("key" = ["users:grant"])), responses((status = 303)))]
async fn take_back(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<GrantId>,
    Form(TakeForm { of }): Form<TakeForm>,
) -> Result<SeeOther, Problem> {
    identity.remove_grant(&caller, &id).await?;
    let back = href(&of).unwrap_or_else(|| "/grants".to_owned());
    Ok(see_other(back).said("The grant was taken back."))
}

async fn page(
    identity: &Identity,
    caller: &Caller,
    (subject, after): (&str, &str),
    form: GiveForm,
    faults: Faults,
) -> Result<View, Problem> {
    let given = |text| Some(text).filter(|text: &&str| !text.is_empty());
    let Page { items, next } = identity.grants(caller, given(subject), given(after), None).await?;
    let ids = items.iter().map(|grant| grant.subject.as_str()).chain(given(subject)).collect();
    let names = Names::look_up(identity, caller, ids).await?;
    let may_give = caller.access.may(Permission::UsersGrant);
    let (roles, picker) = if may_give {
        let roles = Roles::read(identity, caller).await?.offered(caller, &form.role);
        (roles, Picker::find(identity, caller, &form.find, &form.subject).await?)
    } else {
        (Vec::new(), Picker::default())
    };
    let with_name = |grant: Grant| {
        let to = names.of(&grant.subject);
        (grant, to)
    };
    let page = GrantsPage {
        of: given(subject).map(|id| names.of(id)),
        rows: items.into_iter().map(with_name).collect(),
        next: next.map(|next| format!("/grants?subject={}&after={next}", percent_encoded(subject))),
        may_give,
        roles,
        picker,
        form,
        faults,
    };
    View::of("Grants", &page)
}
