//! What the page of a service account posts.

use access::{Caller, ServiceId};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Form, see_other};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ChangeForm, again};
use crate::{Identity, ServicePatch};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(change)).routes(routes!(remove))
}

/// Changes a service account's name and role.
#[utoipa::path(post, path = "/services/{id}", tag = "console",
    params(("id" = String, Path, description = "the service account")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn change(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<ServiceId>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let patch = ServicePatch { name: Some(form.name.clone()), role: form.role.clone() };
    match identity.change_service(&caller, &id, &patch).await {
        Ok(service) => {
            let said = format!("{} was changed.", service.name);
            Ok(see_other(format!("/services/{id}")).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, Some(form), error).await,
    }
}

/// Removes a service account.
#[utoipa::path(post, path = "/services/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the service account")),
    security(("key" = ["users:delete"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<ServiceId>,
) -> Result<Response, Problem> {
    match identity.remove_service(&caller, &id).await {
        Ok(()) => {
            let said = "The service account was removed. Its keys are refused.";
            Ok(see_other("/services").said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}
