//! The operators' desk: for members of the operators' own org, and found by nobody else.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Path, Query};
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::{Tick, known};
use crate::scope::{Weight, of_weight};
use crate::{Ask, Asks, NewAsk, RequestId, State as Standing, Support};

const HERE: &str = "/support/desk";

/// Access to be asked for, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskForm {
    org: String,
    reason: String,
    hours: String,
    #[serde(default)]
    permission: Vec<String>,
}

#[derive(Template)]
#[template(path = "support/desk.html")]
struct DeskPage<'a> {
    asks: Vec<Ask>,
    next: Option<String>,
    form: AskForm,
    ticks: Vec<Tick>,
    faults: Faults,
    caller: &'a Caller,
}

impl DeskPage<'_> {
    fn is_own(&self, ask: &Ask) -> bool {
        ask.operator.as_str() == self.caller.actor.id()
    }

    fn may_enter(&self, ask: &Ask) -> bool {
        self.is_own(ask) && is(ask, Standing::Granted)
    }

    fn may_give_back(&self, ask: &Ask) -> bool {
        self.is_own(ask) && (is(ask, Standing::Granted) || is(ask, Standing::Waiting))
    }
}

fn is(ask: &Ask, state: Standing) -> bool {
    ask.request.as_ref().is_some_and(|request| request.state == state)
}

/// Whom the operators asked, and asking somebody.
#[utoipa::path(get, path = "/support/desk", tag = "console", params(Asks),
    security(("key" = ["settings:support"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(support): State<Support>,
    Query(asks): Query<Asks>,
) -> Result<View, Problem> {
    let form = AskForm { hours: "4".to_owned(), ..AskForm::default() };
    page(&support, &caller, &asks, form, Faults::default()).await
}

/// Asks an org for access.
#[utoipa::path(post, path = "/support/desk", tag = "console",
    security(("key" = ["settings:support"])), responses((status = 303), (status = 422)))]
pub(super) async fn ask(
    caller: Caller,
    State(support): State<Support>,
    Form(form): Form<AskForm>,
) -> Result<Response, Problem> {
    let new = NewAsk {
        org: form.org.clone(),
        reason: form.reason.clone(),
        permissions: form.permission.clone(),
        // What is no number is as wrong as a number out of bounds.
        hours: form.hours.trim().parse().unwrap_or_default(),
    };
    match support.ask(&caller, &new).await {
        Ok(_) => {
            let said = "The organization was asked. Its approvers decide.";
            Ok(see_other(HERE).said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = page(&support, &caller, &Asks::default(), form, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// Goes in: the browser's session is replaced by the visit.
#[utoipa::path(post, path = "/support/desk/{id}/enter", tag = "console",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 303)))]
pub(super) async fn enter(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Response, Problem> {
    let entered = support.enter(&caller, &id).await?;
    let on = see_other("/").said("You are in. Everything you do is recorded.");
    Ok(support.0.identity.with_visit(&entered.token, entered.until, on))
}

/// Takes an ask back, or gives back what was granted.
#[utoipa::path(post, path = "/support/desk/{id}/give-back", tag = "console",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 303)))]
pub(super) async fn give_back(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Response, Problem> {
    support.withdraw(&caller, &id).await?;
    Ok(see_other(HERE).said("Given back: nobody can enter with it any more.").into_response())
}

async fn page(
    support: &Support,
    caller: &Caller,
    asks: &Asks,
    form: AskForm,
    faults: Faults,
) -> Result<View, Problem> {
    let asks = support.asks(caller, asks).await?;
    let ticked = known(&form.permission);
    let offered = of_weight(Weight::Usual).chain(of_weight(Weight::Grave));
    let ticks = offered.map(|one| Tick::of(one, ticked.has(one))).collect();
    let next = asks.next.map(|next| format!("{HERE}?after={next}"));
    View::of("Operators’ desk", &DeskPage { asks: asks.items, next, form, ticks, faults, caller })
}
