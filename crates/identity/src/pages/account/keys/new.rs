//! Making a key.

use access::{Actor, Caller, Permission, Role as BuiltIn};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View};
use base::problem::Problem;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{governs_others, made, sees_others};
use crate::pages::account::lines;
use crate::pages::address::Here;
use crate::pages::role_label;
use crate::{Error, Identity, NewKey};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(create))
}

/// For how many days keys are made.
const DAYS: [i64; 5] = [1, 7, 30, 90, 365];
/// Roles and service accounts that are offered at most.
const OFFERED_MAX: u32 = 200;

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct KeyForm {
    name: String,
    /// Empty: the caller.
    owner: String,
    /// Days; empty: until revoked.
    expires_at: String,
    roles: Vec<String>,
    /// One in each line; empty: not narrowed.
    models: String,
    addresses: String,
}

#[derive(Debug, Template)]
#[template(path = "identity/key-new.html")]
struct NewPage {
    form: KeyForm,
    /// Service accounts that the key can be for, by id and name.
    services: Vec<(String, String)>,
    /// Roles that the key can be narrowed to, by name and label.
    roles: Vec<(String, String)>,
    days: Vec<(String, String)>,
    /// Whether the caller has a key of their own.
    own: bool,
    faults: Faults,
}

/// The form for a key.
#[utoipa::path(get, path = "/keys/new", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn page(caller: Caller, State(identity): State<Identity>) -> Result<View, Problem> {
    new_page(&identity, &caller, KeyForm::default(), Faults::default()).await
}

/// Makes a key and shows it once.
#[utoipa::path(post, path = "/keys", tag = "console",
    security(("key" = ["self"])), responses((status = 201), (status = 422)))]
async fn create(
    caller: Caller,
    State(identity): State<Identity>,
    here: Here,
    Form(form): Form<KeyForm>,
) -> Result<Response, Problem> {
    let faults = match form.key(&identity) {
        Err(faults) => faults,
        Ok(new) => match identity.create_key(&caller, &new).await {
            Ok(issued) => {
                let page = made(&identity, &caller, &here, &issued).await?;
                return Ok(page.status(StatusCode::CREATED).into_response());
            }
            Err(error) => Faults::of(error)?,
        },
    };
    let page = new_page(&identity, &caller, form, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

impl KeyForm {
    fn key(&self, identity: &Identity) -> Result<NewKey, Faults> {
        let days = match self.expires_at.as_str() {
            "" => None,
            days => {
                let known = days.parse().ok().filter(|days| DAYS.contains(days));
                Some(known.ok_or_else(|| Faults::field("expires_at", "must be chosen"))?)
            }
        };
        Ok(NewKey {
            owner: Some(self.owner.clone()).filter(|owner| !owner.is_empty()),
            name: self.name.clone(),
            roles: Some(self.roles.clone()).filter(|roles| !roles.is_empty()),
            models: lines(&self.models),
            addresses: lines(&self.addresses),
            expires_at: days.map(|days| identity.now() + SignedDuration::from_hours(24 * days)),
        })
    }
}

async fn new_page(
    identity: &Identity,
    caller: &Caller,
    form: KeyForm,
    faults: Faults,
) -> Result<View, Problem> {
    let day = |days: i64| {
        let plural = if days == 1 { "" } else { "s" };
        (days.to_string(), format!("{days} day{plural}"))
    };
    let page = NewPage {
        services: services(identity, caller).await?,
        roles: roles(identity, caller).await?,
        days: DAYS.into_iter().map(day).collect(),
        own: matches!(caller.actor, Actor::Member(_) | Actor::Service(_)),
        form,
        faults,
    };
    View::of("New key", &page)
}

async fn services(identity: &Identity, caller: &Caller) -> Result<Vec<(String, String)>, Error> {
    if !governs_others(caller) || !sees_others(caller) {
        return Ok(Vec::new());
    }
    let page = identity.services(caller, None, Some(OFFERED_MAX)).await?;
    Ok(page.items.into_iter().map(|service| (service.id.to_string(), service.name)).collect())
}

/// All roles for those who see them; for others the built-in ones that give no more than
/// they have.
async fn roles(identity: &Identity, caller: &Caller) -> Result<Vec<(String, String)>, Error> {
    let named = |name: &str| (name.to_owned(), role_label(name).to_owned());
    if caller.access.may(Permission::UsersRead) {
        let page = identity.roles(caller, None, Some(OFFERED_MAX)).await?;
        return Ok(page.items.iter().map(|role| named(&role.name)).collect());
    }
    let own = caller.access.wide();
    let within = |role: &BuiltIn| own.covers(role.permissions().unwrap_or_default());
    Ok(BuiltIn::ALL.iter().filter(|role| within(role)).map(|role| named(role.as_str())).collect())
}
