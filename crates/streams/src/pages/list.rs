//! Where the record flows to.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::page::{View, filters};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Sink, Streams};

pub(super) fn routes() -> OpenApiRouter<Streams> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Template)]
#[template(path = "streams/list.html")]
struct ListPage {
    rows: Vec<Sink>,
    may_change: bool,
}

/// The sinks of the org, with how far each has the record.
#[utoipa::path(get, path = "/streams", tag = "console",
    security(("key" = ["events:read"])), responses((status = 200)))]
async fn list(caller: Caller, State(streams): State<Streams>) -> Result<View, Problem> {
    let rows = streams.list(&caller).await?;
    let may_change = caller.may_somewhere(Permission::EventsExport);
    View::of("Streams", &ListPage { rows, may_change })
}
