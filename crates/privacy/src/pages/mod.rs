//! The console's pages of this room.

mod holds;
mod list;
mod one;
mod person;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Privacy;

/// The pages of this room.
pub fn pages(privacy: Privacy) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::show))
        .routes(routes!(person::show))
        .routes(routes!(person::erase))
        .routes(routes!(one::show))
        .routes(routes!(one::withdraw))
        .routes(routes!(holds::show, holds::place))
        .routes(routes!(holds::lift))
        .routes(routes!(holds::retention))
        .with_state(privacy)
}
