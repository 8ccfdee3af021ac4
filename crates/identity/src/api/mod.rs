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
