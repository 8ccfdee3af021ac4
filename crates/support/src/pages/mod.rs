//! The console's pages of this room.

mod desk;
mod requests;

use access::{Permission, PermissionSet};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Support;
use crate::scope::{Weight, weight};

/// The pages of this room; none, where no operators are named.
pub fn pages(support: Support) -> OpenApiRouter {
    if !support.is_offered() {
        return OpenApiRouter::new();
    }
    OpenApiRouter::new()
        .routes(routes!(requests::show))
        .routes(routes!(requests::grant))
        .routes(routes!(requests::refuse))
        .routes(routes!(requests::end))
        .routes(routes!(desk::show, desk::ask))
        .routes(routes!(desk::enter))
        .routes(routes!(desk::give_back))
        .with_state(support)
}

/// One permission to tick.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    pub(crate) name: &'static str,
    /// Shown in red.
    pub(crate) grave: bool,
    pub(crate) ticked: bool,
}

impl Tick {
    fn of(permission: Permission, ticked: bool) -> Self {
        let grave = weight(permission) == Weight::Grave;
        Self { name: permission.as_str(), grave, ticked }
    }
}

/// Texts as permissions; what is none is left out, for it was never granted.
fn known(texts: &[String]) -> PermissionSet {
    PermissionSet::exactly(texts.iter().map(String::as_str)).unwrap_or_default()
}
