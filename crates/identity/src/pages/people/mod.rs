//! The people of the org: members, teams, service accounts, roles and grants.

mod effective;
mod explain;
mod grants;
mod keys;
mod links;
mod member;
mod members;
mod roles;
mod roles_offered;
mod service;
mod services;
mod sessions;
mod source;
mod team;
mod teams;
mod verdict;
mod who;
mod words;

use utoipa_axum::router::OpenApiRouter;

use crate::Identity;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .merge(members::routes())
        .merge(member::routes())
        .merge(teams::routes())
        .merge(team::routes())
        .merge(services::routes())
        .merge(sessions::routes())
        .merge(service::routes())
        .merge(roles::routes())
        .merge(grants::routes())
        .merge(explain::routes())
}
