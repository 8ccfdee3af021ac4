//! What the page of a team posts.

use access::{Caller, MemberId, TeamId};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Form, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::again;
use crate::{Error, Identity, TeamName};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(rename))
        .routes(routes!(remove))
        .routes(routes!(join))
        .routes(routes!(leave))
}

/// Who joins or leaves.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberForm {
    member: String,
}

impl MemberForm {
    /// What is no id names nobody.
    fn id(&self) -> Result<MemberId, Error> {
        self.member.parse().map_err(|_| Error::NotFound)
    }
}

/// Renames a team.
#[utoipa::path(post, path = "/teams/{id}", tag = "console",
    params(("id" = String, Path, description = "the team")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn rename(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
    Form(form): Form<TeamName>,
) -> Result<Response, Problem> {
    match identity.rename_team(&caller, &id, &form.name).await {
        Ok(team) => {
            let said = format!("The team is called {} now.", team.name);
            Ok(see_other(format!("/teams/{id}")).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, id, Some(form), error).await,
    }
}

/// Deletes a team.
#[utoipa::path(post, path = "/teams/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the team")),
    security(("key" = ["users:delete"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
) -> Result<Response, Problem> {
    match identity.remove_team(&caller, &id).await {
        Ok(()) => {
            let said = "The team was deleted. Its members lost what they had through it.";
            Ok(see_other("/teams").said(said).into_response())
        }
        Err(error) => again(&identity, &caller, id, None, error).await,
    }
}

/// Puts a member into a team.
#[utoipa::path(post, path = "/teams/{id}/join", tag = "console",
    params(("id" = String, Path, description = "the team")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn join(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
    Form(form): Form<MemberForm>,
) -> Result<Response, Problem> {
    match identity.add_to_team(&caller, &id, &form.id()?).await {
        Ok(()) => {
            Ok(see_other(format!("/teams/{id}")).said("The member is in the team.").into_response())
        }
        Err(error) => again(&identity, &caller, id, None, error).await,
    }
}

/// Takes a member out of a team.
#[utoipa::path(post, path = "/teams/{id}/leave", tag = "console",
    params(("id" = String, Path, description = "the team")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn leave(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
    Form(form): Form<MemberForm>,
) -> Result<Response, Problem> {
    match identity.take_from_team(&caller, &id, &form.id()?).await {
        Ok(()) => {
            let said = "The member was taken out of the team.";
            Ok(see_other(format!("/teams/{id}")).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, id, None, error).await,
    }
}
