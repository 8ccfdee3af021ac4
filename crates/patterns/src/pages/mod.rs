//! Patterns in the console.

mod cases;
mod edit;
mod editor;
mod form;
mod import;
mod list;
mod show;
mod versions;
mod words;

use access::{Caller, Permission};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Patterns;
use crate::kept::Kept;
use crate::teach::may_change;

/// The pages of this room.
pub fn pages(patterns: Patterns) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::list, edit::teach))
        .routes(routes!(edit::new))
        .routes(routes!(edit::prefilled))
        .routes(routes!(edit::try_out))
        .routes(routes!(import::form, import::import))
        .routes(routes!(show::show, edit::change))
        .routes(routes!(edit::edit))
        .routes(routes!(show::publish))
        .routes(routes!(show::retire))
        .routes(routes!(versions::versions))
        .routes(routes!(versions::version))
        .routes(routes!(versions::diff))
        .routes(routes!(cases::show, cases::set))
        .with_state(patterns)
}

/// What the caller may do with one pattern: what a page offers.
#[derive(Debug, Clone, Copy)]
struct May {
    change: bool,
    publish: bool,
}

impl May {
    fn of(caller: &Caller, kept: &Kept) -> Self {
        Self {
            change: may_change(caller, kept).is_ok(),
            publish: kept.allows(caller, Permission::PatternsPublish),
        }
    }
}

/// Refuses a page that is for teaching to whoever may not.
fn must_teach(caller: &Caller) -> Result<(), Problem> {
    caller.require(Permission::PatternsCreate)?;
    Ok(())
}
