//! The list of service accounts, and adding one more.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Page, Query};
use base::page::filters;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::roles_offered::{Offer, Roles};
use crate::{Identity, NewService, Service};

/// What a form for a service account begins with.
const USUAL_ROLE: &str = "org:member";

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// Which service accounts.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// The `next` of the page before.
    after: String,
}

#[derive(Template)]
#[template(path = "identity/people/services.html")]
struct ServicesPage {
    rows: Vec<Service>,
    next: Option<String>,
    /// The roles to add one with; none: the caller may not add any.
    add: Option<Vec<Offer>>,
    form: NewService,
    faults: Faults,
}

/// The service accounts of the org.
#[utoipa::path(get, path = "/services", tag = "console", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    let form = NewService { name: String::new(), role: USUAL_ROLE.to_owned() };
    show(&identity, &caller, &paging.after, form, Faults::default()).await
}

/// Adds a service account.
#[utoipa::path(post, path = "/services", tag = "console",
    security(("key" = ["users:create"])), responses((status = 303)))]
async fn add(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<NewService>,
) -> Result<Response, Problem> {
    match identity.create_service(&caller, &form).await {
        Ok(service) => {
            let said = format!("{} was added. Make a key for it.", service.name);
            Ok(see_other(format!("/services/{}", service.id)).said(said).into_response())
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
    form: NewService,
    faults: Faults,
) -> Result<View, Problem> {
    let after = Some(after).filter(|after| !after.is_empty());
    let Page { items, next } = identity.services(caller, after, None).await?;
    let add = if caller.access.may(Permission::UsersCreate) {
        Some(Roles::read(identity, caller).await?.offered(caller, &form.role))
    } else {
        None
    };
    let next = next.map(|next| format!("/services?after={next}"));
    View::of("Service accounts", &ServicesPage { rows: items, next, add, form, faults })
}
