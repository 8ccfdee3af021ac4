//! Looking through the record.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::filters::{self, percent_encoded};
use base::page::{Faults, View as Page};
use base::problem::Problem;
use base::time::At;

use super::offered::{self, Chip, Choice};
use super::row::Row;
use super::views::{Kept, ViewForm};
use super::{Desk, RECORD_JS};
use crate::Filter;

/// The address that the browser shows after a part of the page was replaced.
const PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");

#[derive(Template)]
#[template(path = "audit/explorer.html")]
struct Explorer {
    filter: Filter,
    from: String,
    to: String,
    times: Vec<Choice>,
    outcomes: Vec<Choice>,
    actions: Vec<Choice>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    next: Option<String>,
    searched_to: Option<At>,
    /// How the same filter is exported, if the caller may.
    export: Option<String>,
    /// Where new events come from, if this is the page that they would stand on.
    tail: Option<String>,
    views: Vec<Kept>,
    form: ViewForm,
    faults: Faults,
}

impl Explorer {
    /// Whether one of the filters is set that are seldom used.
    fn is_narrow(&self) -> bool {
        self.chips.iter().any(|chip| matches!(chip.field, "kind" | "resource" | "dates"))
    }

    fn has_own_views(&self) -> bool {
        self.views.iter().any(|view| view.mine)
    }

    /// What to take away first when nothing matches: what narrows most.
    fn loosen(&self) -> Option<&Chip> {
        let narrowest = ["resource", "person", "outcome", "action", "kind", "dates", "time"];
        narrowest.iter().find_map(|field| self.chips.iter().find(|chip| chip.field == *field))
    }
}

/// The record, newest first.
#[utoipa::path(get, path = "/record", tag = "console", params(Filter),
    security(("key" = ["events:read"])), responses((status = 200)))]
pub(super) async fn list(
    caller: Caller,
    State(desk): State<Desk>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let address = offered::address(&filter);
    let page = show(&desk, &caller, filter, ViewForm::default(), Faults::default()).await?;
    Ok(([(PUSH_URL, address)], page).into_response())
}

/// The page of a filter, with what was typed into the form for a view.
pub(super) async fn show(
    desk: &Desk,
    caller: &Caller,
    filter: Filter,
    form: ViewForm,
    faults: Faults,
) -> Result<Page, Problem> {
    let events = desk.record.events(caller, &filter).await?;
    let views = desk.record.views(caller).await?.items;
    let mut ids = crate::describe::ids(&events.items);
    ids.extend(views.iter().map(|view| view.user_id.clone()));
    ids.extend(
        [filter.user.clone(), filter.resource.clone()].into_iter().filter(|id| !id.is_empty()),
    );
    let known = desk.names.names(caller, &ids).await;
    let query = filter.query();
    let covered = desk.log.covered(caller).await?;
    let hot_from = desk.record.archived_before(caller).await?;
    let row = |event| Row::of(event, &known).covered_to(covered).archived_before(hot_from);
    let tail = filter.after.is_none() && filter.to.is_none();
    let page = Explorer {
        from: typed(filter.from),
        to: typed(filter.to),
        times: offered::times(&filter),
        outcomes: offered::outcomes(&filter),
        actions: offered::actions(),
        chips: offered::chips(&filter, &known),
        rows: events.items.iter().map(row).collect(),
        next: events.next.map(|next| {
            let joint = if query.is_empty() { "" } else { "&" };
            format!("/record?{query}{joint}after={}", percent_encoded(&next))
        }),
        searched_to: events.searched_to,
        export: caller.require(Permission::EventsExport).is_ok().then(|| format!("?{query}")),
        tail: tail.then(|| {
            let joint = if query.is_empty() { "" } else { "&" };
            format!("/record/tail?{query}{joint}after={}", events.seen_to - 1)
        }),
        views: views.into_iter().map(|view| Kept::of(view, caller, &query, &known)).collect(),
        form: ViewForm { query, ..form },
        filter,
        faults,
    };
    let status = if page.faults.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(Page::of("Record", &page)?.script(&RECORD_JS).status(status))
}

/// An instant as a field for day and time has it, in UTC.
fn typed(at: Option<At>) -> String {
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}
