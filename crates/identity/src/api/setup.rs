//! Links for setting up single sign-on.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Path};
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::subject::SetupId;
use crate::{Identity, NewSetup, SetupIssued, SetupLink};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(end))
}

/// The newest links.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SetupLinks {
    items: Vec<SetupLink>,
}

/// A link that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MadeSetup {
    #[serde(flatten)]
    link: SetupLink,
    /// What the address `/setup?token=…` ends with: shown this once.
    token: String,
}

/// The links with which somebody outside the org connects its identity provider.
#[utoipa::path(get, path = "/api/setup-links", tag = "identity",
    security(("key" = ["users:connections"])), responses((status = 200, body = SetupLinks)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Json<SetupLinks>, Problem> {
    Ok(Json(SetupLinks { items: identity.setups(&caller).await? }))
}

/// Makes such a link.
#[utoipa::path(post, path = "/api/setup-links", tag = "identity", request_body = NewSetup,
    security(("key" = ["users:connections"])),
    responses((status = 201, body = MadeSetup), (status = 422)))]
async fn make(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<NewSetup>,
) -> Result<(StatusCode, Json<MadeSetup>), Problem> {
    let SetupIssued { link, token } = identity.make_setup(&caller, &body).await?;
    let made = MadeSetup { link, token: token.reveal().to_owned() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Ends such a link, and what goes on through it.
#[utoipa::path(delete, path = "/api/setup-links/{id}", tag = "identity",
    params(("id" = String, Path, description = "the link")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn end(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<SetupId>,
) -> Result<StatusCode, Problem> {
    identity.end_setup(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
