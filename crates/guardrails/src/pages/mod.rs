//! The console's pages of this room.

mod begin;
mod edit;
mod editor;
mod list;
mod tried;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Guardrails;

/// The pages of this room.
pub fn pages(guardrails: Guardrails) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::show, edit::create))
        .routes(routes!(list::zone))
        .routes(routes!(edit::new))
        .routes(routes!(begin::begin))
        .routes(routes!(edit::check))
        .routes(routes!(edit::try_out))
        .routes(routes!(edit::one, edit::change))
        .routes(routes!(list::state))
        .routes(routes!(list::remove))
        .with_state(guardrails)
}
