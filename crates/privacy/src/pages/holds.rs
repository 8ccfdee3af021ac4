//! Legal holds, and how long values must be kept.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Paging, Path, Query};
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use base::time::At;
use serde::Deserialize;

use crate::{Error, Hold, HoldId, NewHold, Privacy, Retention, SetRetention};

#[derive(Template)]
#[template(path = "privacy/holds.html")]
struct HoldsPage {
    holds: Vec<Hold>,
    next: Option<String>,
    retention: Retention,
    days: String,
    law: String,
    form: HoldForm,
    may_hold: bool,
    faults: Faults,
}

/// A hold to be placed, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldForm {
    #[serde(default)]
    person: String,
    reason: String,
    #[serde(default)]
    until: String,
}

/// How long values shall be kept, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionForm {
    days: String,
    #[serde(default)]
    law: String,
}

/// The holds of the org.
#[utoipa::path(get, path = "/privacy/holds", tag = "console", params(Paging),
    security(("key" = ["privacy:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    page(&privacy, &caller, &paging, Typed::default(), Faults::default()).await
}

/// Places a hold.
#[utoipa::path(post, path = "/privacy/holds", tag = "console",
    security(("key" = ["privacy:hold"])), responses((status = 303), (status = 422)))]
pub(super) async fn place(
    caller: Caller,
    State(privacy): State<Privacy>,
    Form(form): Form<HoldForm>,
) -> Result<Response, Problem> {
    let faults = match end_of(&form.until) {
        Err(faults) => faults,
        Ok(until) => {
            let person = Some(form.person.clone());
            let new = NewHold { person, reason: form.reason.clone(), until };
            match privacy.place_hold(&caller, &new).await {
                Ok(_) => {
                    let said = "The hold is in force.";
                    return Ok(see_other("/privacy/holds").said(said).into_response());
                }
                Err(error @ Error::TooManyHolds) => {
                    Faults::general(base::page::sentence(&error.to_string()))
                }
                Err(error) => Faults::of(error)?,
            }
        }
    };
    let typed = Typed { form, ..Typed::default() };
    let page = page(&privacy, &caller, &Paging::default(), typed, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Lifts a hold.
#[utoipa::path(post, path = "/privacy/holds/{id}/lift", tag = "console",
    params(("id" = String, Path, description = "the hold")),
    security(("key" = ["privacy:hold"])), responses((status = 303), (status = 409)))]
pub(super) async fn lift(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<HoldId>,
) -> Result<Response, Problem> {
    privacy.lift_hold(&caller, &id).await?;
    let said = "Lifted. What it alone kept is erased within a minute.";
    Ok(see_other("/privacy/holds").said(said).into_response())
}

/// Sets how long values must be kept.
#[utoipa::path(post, path = "/privacy/retention", tag = "console",
    security(("key" = ["privacy:hold"])), responses((status = 303), (status = 422)))]
pub(super) async fn retention(
    caller: Caller,
    State(privacy): State<Privacy>,
    Form(form): Form<RetentionForm>,
) -> Result<Response, Problem> {
    // What is no number is as wrong as one that is too small.
    let days = form.days.trim().parse().unwrap_or(-1);
    match privacy.set_retention(&caller, &SetRetention { days, law: form.law.clone() }).await {
        Ok(_) => Ok(see_other("/privacy/holds").said("Set.").into_response()),
        Err(error) => {
            let typed = Typed { retention: Some(form), ..Typed::default() };
            let faults = Faults::of(error)?;
            let page = page(&privacy, &caller, &Paging::default(), typed, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// What somebody typed that was refused.
#[derive(Default)]
struct Typed {
    form: HoldForm,
    retention: Option<RetentionForm>,
}

async fn page(
    privacy: &Privacy,
    caller: &Caller,
    paging: &Paging,
    typed: Typed,
    faults: Faults,
) -> Result<View, Problem> {
    let holds = privacy.holds(caller, paging).await?;
    let retention = privacy.retention(caller).await?;
    let next = holds.next.map(|next| format!("/privacy/holds?after={next}"));
    let (days, law) = match typed.retention {
        Some(RetentionForm { days, law }) => (days, law),
        None => (retention.days.to_string(), retention.law.clone()),
    };
    let may_hold = caller.decide(Permission::PrivacyHold, None).allowed;
    let form = typed.form;
    let page = HoldsPage { holds: holds.items, next, retention, days, law, form, may_hold, faults };
    View::of("Legal holds", &page)
}

/// The last second of a day, in UTC; none: no day was typed.
fn end_of(day: &str) -> Result<Option<At>, Faults> {
    match day.trim() {
        "" => Ok(None),
        day => format!("{day}T23:59:59Z")
            .parse()
            .map(Some)
            .map_err(|_| Faults::field("until", "must be a day, such as 2027-12-31")),
    }
}
