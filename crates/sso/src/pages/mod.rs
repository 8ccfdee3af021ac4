//! The console's pages of this room, and what browsers and providers meet.

mod acts;
mod find;
mod list;
mod mine;
mod one;
mod rules;
mod settings;

use base::page::Asset;
use utoipa_axum::router::OpenApiRouter;

use crate::{Sso, door};

/// The scripts of these pages.
pub static SSO_ASSETS: &[&Asset] = &[&door::SUBMIT_JS];

/// The pages of this room. What stands under `/sso/{handle}/` needs nobody, as the document
/// says: browsers and providers come there before anybody is signed in.
pub fn pages(sso: Sso) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(one::routes())
        .merge(settings::routes())
        .merge(acts::routes())
        .merge(mine::routes())
        .merge(find::routes())
        .merge(door::routes())
        .with_state(sso)
}
