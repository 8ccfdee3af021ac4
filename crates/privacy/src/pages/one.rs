//! One erasure, with its receipt.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, View, filters, see_other};
use base::problem::Problem;

use crate::{Error, Privacy, Receipt, Request, RequestId, State as Standing};

#[derive(Template)]
#[template(path = "privacy/one.html")]
struct OnePage {
    request: Request,
    receipt: Option<Receipt>,
    may_erase: bool,
    faults: Faults,
}

/// One erasure.
#[utoipa::path(get, path = "/privacy/requests/{id}", tag = "console",
    params(("id" = String, Path, description = "the erasure")),
    security(("key" = ["privacy:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<RequestId>,
) -> Result<View, Problem> {
    page(&privacy, &caller, &id, Faults::default()).await
}

/// Takes it back.
#[utoipa::path(post, path = "/privacy/requests/{id}/withdraw", tag = "console",
    params(("id" = String, Path, description = "the erasure")),
    security(("key" = ["privacy:erase"])), responses((status = 303), (status = 422)))]
pub(super) async fn withdraw(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<RequestId>,
) -> Result<Response, Problem> {
    let faults = match privacy.withdraw(&caller, &id).await {
        Ok(_) => {
            let said = "Taken back. The record shows this person again.";
            return Ok(see_other(format!("/privacy/requests/{id}")).said(said).into_response());
        }
        Err(error @ Error::NotNow(_)) => Faults::general(base::page::sentence(&error.to_string())),
        Err(error) => Faults::of(error)?,
    };
    let page = page(&privacy, &caller, &id, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn page(
    privacy: &Privacy,
    caller: &Caller,
    id: &RequestId,
    faults: Faults,
) -> Result<View, Problem> {
    let request = privacy.request(caller, id).await?;
    let receipt = match request.state {
        Standing::Erased => Some(privacy.receipt(caller, id).await?),
        Standing::Asked | Standing::Restricted | Standing::Withdrawn => None,
    };
    let may_erase = caller.decide(Permission::PrivacyErase, None).allowed;
    View::of("Erasure", &OnePage { request, receipt, may_erase, faults })
}
