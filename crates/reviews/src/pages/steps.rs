//! What the page of an access review posts.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::one::page;
use crate::{CampaignId, Decide, Decision, Error, ItemFilter, Items, Reviews, State as Standing};

/// A decision, as ticked and typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DecideForm {
    /// Positions that were ticked.
    item: Vec<i64>,
    /// About everything undecided that matches instead.
    all: String,
    decision: String,
    new_role: String,
    reason: String,
    kind: String,
    about: String,
    role: String,
    reach: String,
    unused_days: String,
}

impl DecideForm {
    fn items(&self) -> Items {
        Items {
            kind: self.kind.clone(),
            about: self.about.clone(),
            role: self.role.clone(),
            reach: self.reach.clone(),
            unused_days: self.unused_days.parse().ok(),
            ..Items::default()
        }
    }

    fn decide(&self) -> Result<Decide, Faults> {
        let decision = self.decision.parse::<Decision>();
        let decision = decision.map_err(|_| Faults::field("decision", "must be chosen"))?;
        let filter = (!self.all.is_empty()).then(|| self.items().filter());
        let new_role = Some(self.new_role.trim()).filter(|role| !role.is_empty());
        Ok(Decide {
            decision,
            // What is typed there means nothing unless a role is changed.
            role: new_role.filter(|_| decision == Decision::Change).map(ToOwned::to_owned),
            reason: self.reason.clone(),
            items: filter.is_none().then(|| self.item.clone()),
            filter: filter as Option<ItemFilter>,
        })
    }
}

/// Decides about what was ticked, or about everything undecided that matches.
#[utoipa::path(post, path = "/reviews/{id}/decide", tag = "console",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 303), (status = 422)))]
pub(super) async fn decide(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
    Form(form): Form<DecideForm>,
) -> Result<Response, Problem> {
    let faults = match form.decide() {
        Ok(decide) => match reviews.decide(&caller, &id, &decide).await {
            Ok(decided) => {
                let own = match decided.own {
                    0 => String::new(),
                    own => format!(" {own} of your own were passed over."),
                };
                let said = format!("Decided about {}.{own}", decided.items);
                return Ok(see_other(format!("/reviews/{id}")).said(said).into_response());
            }
            Err(error @ Error::OwnAccess) => {
                Faults::general(base::page::sentence(&error.to_string()))
            }
            Err(error) => Faults::of(error)?,
        },
        Err(faults) => faults,
    };
    let page = page(&reviews, &caller, &id, form.items(), form.reason, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Signs off.
#[utoipa::path(post, path = "/reviews/{id}/sign-off", tag = "console",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 303), (status = 422)))]
pub(super) async fn sign_off(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<Response, Problem> {
    match reviews.sign_off(&caller, &id).await {
        Ok(campaign) => {
            let said = match campaign.state {
                Standing::Signed => "Signed. Another reviewer must sign too.",
                Standing::Open | Standing::Applying | Standing::Closed | Standing::Cancelled => {
                    "Signed off. What was decided is being done."
                }
            };
            Ok(see_other(format!("/reviews/{id}")).said(said).into_response())
        }
        Err(error) => again(&reviews, &caller, &id, error).await,
    }
}

/// Opens it again.
#[utoipa::path(post, path = "/reviews/{id}/reopen", tag = "console",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 303), (status = 422)))]
pub(super) async fn reopen(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<Response, Problem> {
    match reviews.reopen(&caller, &id).await {
        Ok(_) => {
            let said = "Open again: decisions can be changed.";
            Ok(see_other(format!("/reviews/{id}")).said(said).into_response())
        }
        Err(error) => again(&reviews, &caller, &id, error).await,
    }
}

/// Gives it up.
#[utoipa::path(post, path = "/reviews/{id}/cancel", tag = "console",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 303), (status = 422)))]
pub(super) async fn cancel(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<Response, Problem> {
    match reviews.cancel(&caller, &id).await {
        Ok(_) => {
            let said = "Cancelled. Nothing was taken from anybody.";
            Ok(see_other("/reviews").said(said).into_response())
        }
        Err(error) => again(&reviews, &caller, &id, error).await,
    }
}

async fn again(
    reviews: &Reviews,
    caller: &Caller,
    id: &CampaignId,
    error: Error,
) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = page(reviews, caller, id, Items::default(), String::new(), faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}
