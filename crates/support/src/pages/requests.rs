//! Where an org sees who of the operator wants in, who is in, and who was.

use std::collections::HashMap;

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
use crate::{Error, Grant, Kind, Request, RequestId, Requests, Support};

const HERE: &str = "/support";

/// Requests that wait or go on, shown at once: no org has more that wait.
const OPEN_MAX: u32 = 50;

/// Where the list of the past goes on.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// The `next` of the page before.
    after: Option<String>,
}

/// What is granted, as ticked.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantForm {
    hours: String,
    #[serde(default)]
    permission: Vec<String>,
    #[serde(default)]
    anywhere: String,
}

/// A request that waits, and what of it is ticked: neither the grave things, nor what the
/// approver does not have.
#[derive(Debug)]
struct Waiting {
    request: Request,
    ticks: Vec<Tick>,
}

#[derive(Template)]
#[template(path = "support/requests.html")]
struct RequestsPage {
    waiting: Vec<Waiting>,
    current: Vec<Request>,
    past: Vec<Request>,
    next: Option<String>,
    names: HashMap<String, String>,
    /// The org is the operators' own.
    desk: bool,
    faults: Faults,
}

impl RequestsPage {
    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }
}

/// Who of the operator asks for access, has it, and had it.
#[utoipa::path(get, path = "/support", tag = "console", params(Paging),
    security(("key" = ["settings:support"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(support): State<Support>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    page(&support, &caller, paging.after, Faults::default()).await
}

/// Grants a request, or less than was asked for.
#[utoipa::path(post, path = "/support/requests/{id}/grant", tag = "console",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 303), (status = 422)))]
pub(super) async fn grant(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
    Form(form): Form<GrantForm>,
) -> Result<Response, Problem> {
    let grant = Grant {
        // What is no number is as wrong as a number out of bounds.
        hours: Some(form.hours.trim().parse().unwrap_or_default()),
        permissions: Some(form.permission),
        anywhere: !form.anywhere.is_empty(),
    };
    let said = |request: &Request| format!("{} may enter now.", request.operator_name);
    answer(&support, &caller, support.grant(&caller, &id, &grant).await, said).await
}

/// Refuses a request.
#[utoipa::path(post, path = "/support/requests/{id}/refuse", tag = "console",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 303), (status = 422)))]
pub(super) async fn refuse(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Response, Problem> {
    let said = |request: &Request| format!("{} was refused.", request.operator_name);
    answer(&support, &caller, support.refuse(&caller, &id).await, said).await
}

/// Ends access at once.
#[utoipa::path(post, path = "/support/requests/{id}/end", tag = "console",
    params(("id" = String, Path, description = "the request")),
    security(("key" = ["settings:support"])), responses((status = 303), (status = 422)))]
pub(super) async fn end(
    caller: Caller,
    State(support): State<Support>,
    Path(id): Path<RequestId>,
) -> Result<Response, Problem> {
    let said = |request: &Request| format!("{} is out.", request.operator_name);
    answer(&support, &caller, support.end(&caller, &id).await, said).await
}

async fn answer(
    support: &Support,
    caller: &Caller,
    done: Result<Request, Error>,
    said: impl Fn(&Request) -> String,
) -> Result<Response, Problem> {
    match done {
        Ok(request) => Ok(see_other(HERE).said(said(&request)).into_response()),
        Err(error) => {
            let page = page(support, caller, None, Faults::of(error)?).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

async fn page(
    support: &Support,
    caller: &Caller,
    after: Option<String>,
    faults: Faults,
) -> Result<View, Problem> {
    let of = |kind, after, limit| Requests { kind: Some(kind), after, limit };
    let waiting = support.requests(caller, &of(Kind::Waiting, None, Some(OPEN_MAX))).await?;
    let current = support.requests(caller, &of(Kind::Current, None, Some(OPEN_MAX))).await?;
    let past = support.requests(caller, &of(Kind::Past, after, None)).await?;
    let all = waiting.items.iter().chain(&current.items).chain(&past.items);
    let people = all.flat_map(|request| request.decided_by.iter().chain(&request.ended_by));
    let ids: Vec<String> = people.cloned().collect();
    let names = support.0.identity.names(caller, &ids).await?;
    let operators = support.operators().await?;
    let page = RequestsPage {
        waiting: waiting.items.into_iter().map(|one| Waiting::of(one, caller)).collect(),
        current: current.items,
        past: past.items,
        next: past.next.map(|next| format!("{HERE}?after={next}")),
        names,
        desk: operators.is_some_and(|(org, _)| org == caller.org),
        faults,
    };
    View::of("Support access", &page)
}

impl Waiting {
    fn of(request: Request, approver: &Caller) -> Self {
        let own = approver.access.wide();
        let tick = |permission| {
            let mut tick = Tick::of(permission, own.has(permission));
            tick.ticked &= !tick.grave;
            tick
        };
        let ticks = known(&request.asked).iter().map(tick).collect();
        Self { request, ticks }
    }
}
