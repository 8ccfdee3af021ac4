//! The list of access reviews, and beginning one.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use base::time::At;
use serde::Deserialize;

use crate::{Campaign, Campaigns, NewCampaign, Reviewed, Reviews};

#[derive(Template)]
#[template(path = "reviews/list.html")]
struct ListPage {
    campaigns: Vec<Campaign>,
    next: Option<String>,
}

/// A campaign to be begun, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewForm {
    name: String,
    due: String,
    scope: String,
    #[serde(default)]
    signers: String,
}

#[derive(Template)]
#[template(path = "reviews/new.html")]
struct NewPage {
    form: NewForm,
    faults: Faults,
}

/// The access reviews of the org.
#[utoipa::path(get, path = "/reviews", tag = "console", params(Campaigns),
    security(("key" = ["users:review"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(reviews): State<Reviews>,
    Query(campaigns): Query<Campaigns>,
) -> Result<View, Problem> {
    let page = reviews.campaigns(&caller, &campaigns).await?;
    let next = page.next.map(|next| format!("/reviews?after={next}"));
    View::of("Access reviews", &ListPage { campaigns: page.items, next })
}

/// The form for a new one.
#[utoipa::path(get, path = "/reviews/new", tag = "console",
    security(("key" = ["users:review"])), responses((status = 200)))]
pub(super) async fn new(_: Caller) -> Result<View, Problem> {
    let form = NewForm { scope: Reviewed::Everything.as_str().to_owned(), ..NewForm::default() };
    View::of("New access review", &NewPage { form, faults: Faults::default() })
}

/// Begins one.
#[utoipa::path(post, path = "/reviews/new", tag = "console",
    security(("key" = ["users:review"])), responses((status = 303), (status = 422)))]
pub(super) async fn begin(
    caller: Caller,
    State(reviews): State<Reviews>,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let new = NewCampaign {
        name: form.name.clone(),
        // What is no day is as wrong as one that is over.
        due_at: end_of(&form.due).unwrap_or(At::UNIX_EPOCH),
        scope: form.scope.parse().unwrap_or(Reviewed::Everything),
        signers: if form.signers.is_empty() { 1 } else { 2 },
    };
    match reviews.begin(&caller, &new).await {
        Ok(campaign) => {
            let said = "The review has begun. It shows what everybody has at this moment.";
            Ok(see_other(format!("/reviews/{}", campaign.id)).said(said).into_response())
        }
        Err(error) => {
            let page = NewPage { form, faults: Faults::of(error)? };
            let page = View::of("New access review", &page)?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// The last second of a day, in UTC.
fn end_of(day: &str) -> Option<At> {
    format!("{}T23:59:59Z", day.trim()).parse().ok()
}
