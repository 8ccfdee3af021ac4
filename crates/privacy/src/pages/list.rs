//! Erasures, and looking a person up.

use access::Caller;
use askama::Template;
use axum::extract::State;
use base::http::{Paging, Query};
use base::page::{View, filters};
use base::problem::Problem;

use crate::{Privacy, Request, State as Standing};

#[derive(Template)]
#[template(path = "privacy/list.html")]
struct ListPage {
    requests: Vec<Request>,
    next: Option<String>,
}

/// The erasures of the org.
#[utoipa::path(get, path = "/privacy", tag = "console", params(Paging),
    security(("key" = ["privacy:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    let page = privacy.requests(&caller, &paging).await?;
    let next = page.next.map(|next| format!("/privacy?after={next}"));
    View::of("Privacy", &ListPage { requests: page.items, next })
}
