//! The region in the console: where the org is, and the order to move.

use access::{Caller, Permission, Region};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::moves::Step;
use crate::order::{MoveView, Order, Regions};
use crate::told::Told;

const HERE: &str = "/settings/region";

/// The room's pages.
pub fn pages(regions: Regions) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(page, order)).routes(routes!(withdraw)).with_state(regions)
}

/// What takes a move back: nothing to fill in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WithdrawForm {}

/// How a step of the list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Done,
    Now,
    Ahead,
}

#[derive(Debug, Template)]
#[template(path = "regions/move.html")]
struct RegionPage {
    region: Region,
    last_move: Option<MoveView>,
    /// For whoever may read the record.
    told: Option<Told>,
    /// Where it could go.
    others: Vec<Region>,
    may_move: bool,
    faults: Faults,
}

impl RegionPage {
    /// The move that is not over.
    fn under_way(&self) -> Option<&MoveView> {
        self.last_move.as_ref().filter(|found| found.step != Step::Done)
    }

    fn may_order(&self) -> bool {
        self.may_move && self.under_way().is_none()
    }

    fn may_withdraw(&self) -> bool {
        self.may_move && self.last_move.as_ref().is_some_and(|found| found.step == Step::Ordered)
    }

    /// How one of the steps stands. What is compared and switched behind the closed gate is one
    /// step of the directory.
    fn stands(&self, step: Step) -> Stands {
        match self.last_move.as_ref().map(|found| found.step) {
            Some(at) if step < at || at == Step::Done => Stands::Done,
            Some(at) if step == at => Stands::Now,
            Some(_) | None => Stands::Ahead,
        }
    }
}

/// Where the organization is, and how far its move is.
#[utoipa::path(get, path = "/settings/region", tag = "console",
    security(("key" = ["settings:read"])), responses((status = 200)))]
async fn page(caller: Caller, State(regions): State<Regions>) -> Result<View, Problem> {
    show(&regions, &caller, Faults::default()).await
}

/// Orders the organization to move.
#[utoipa::path(post, path = "/settings/region", tag = "console",
    security(("key" = ["region:move"])), responses((status = 303), (status = 422)))]
async fn order(
    caller: Caller,
    State(regions): State<Regions>,
    Form(form): Form<Order>,
) -> Result<Response, Problem> {
    let ordered = regions.order(&caller, &form).await.map(drop);
    done(&regions, &caller, ordered, "The move was ordered. The operator carries it out.").await
}

/// Takes the order back.
#[utoipa::path(post, path = "/settings/region/withdraw", tag = "console",
    security(("key" = ["region:move"])), responses((status = 303), (status = 422)))]
async fn withdraw(
    caller: Caller,
    State(regions): State<Regions>,
    Form(WithdrawForm {}): Form<WithdrawForm>,
) -> Result<Response, Problem> {
    let withdrawn = regions.withdraw(&caller).await;
    done(&regions, &caller, withdrawn, "The order was taken back.").await
}

async fn done(
    regions: &Regions,
    caller: &Caller,
    ended: Result<(), crate::order::OrderError>,
    said: &str,
) -> Result<Response, Problem> {
    let Err(error) = ended else { return Ok(see_other(HERE).said(said).into_response()) };
    let page = show(regions, caller, Faults::of(error)?).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(regions: &Regions, caller: &Caller, faults: Faults) -> Result<View, Problem> {
    let last_move = regions.last_move(caller).await?;
    let told = match &last_move {
        Some(_) if caller.access.may(Permission::EventsRead) => Some(regions.told(caller).await?),
        Some(_) | None => None,
    };
    let page = RegionPage {
        region: caller.region,
        last_move,
        told,
        others: regions.others(caller.region),
        may_move: caller.access.may(Permission::RegionMove),
        faults,
    };
    View::of("Region", &page)
}
