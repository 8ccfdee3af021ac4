//! The console's pages of this room.

mod list;
mod one;
mod steps;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Reviews;

/// The pages of this room.
pub fn pages(reviews: Reviews) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::show))
        .routes(routes!(list::new, list::begin))
        .routes(routes!(one::show))
        .routes(routes!(steps::decide))
        .routes(routes!(steps::sign_off))
        .routes(routes!(steps::reopen))
        .routes(routes!(steps::cancel))
        .with_state(reviews)
}
