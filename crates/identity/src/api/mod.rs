//! The room over HTTP. Each route names the permission that the door asks for first;
//! `self` means: what belongs to the caller alone.

mod credentials;
mod enforce;
mod factors;
mod members;
mod org;
mod rights;
mod session;
mod setup;
mod teams;

use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use crate::Identity;

/// The routes of this room. Few of them need no credentials, and their security in the
/// document says so: signing in, accepting an invitation and using a password link.
pub fn routes(identity: Identity) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(org::routes())
        .merge(members::routes())
        .merge(teams::routes())
        .merge(credentials::routes())
        .merge(session::routes())
        .merge(setup::routes())
        .merge(rights::routes())
        .merge(factors::routes())
        .merge(enforce::routes())
        .with_state(identity)
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// The `next` of the page before.
    after: Option<String>,
    /// Items on a page: 1 to 200, 50 if not given.
    limit: Option<u32>,
}
