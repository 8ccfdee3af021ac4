//! One key: what it may, rotating and revoking it.

use access::{Caller, KeyId};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Standing, governs_others, is_mine, made, owner_name};
use crate::pages::address::Here;
use crate::subject::Owner;
use crate::{Identity, Key, Rotate};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(rotate)).routes(routes!(revoke))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateForm {
    /// Seconds for which the old key lives on.
    grace_secs: String,
}

#[derive(Debug, Template)]
#[template(path = "identity/key.html")]
struct KeyPage {
    key: Key,
    owner_name: String,
    standing: Standing,
    mine: bool,
    may_rotate: bool,
    may_revoke: bool,
    faults: Faults,
}

/// One key.
#[utoipa::path(get, path = "/keys/{id}", tag = "console",
    params(("id" = String, Path, description = "the key")),
    security(("key" = ["self"])), responses((status = 200)))]
async fn page(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<KeyId>,
) -> Result<View, Problem> {
    key_page(&identity, &caller, &id, Faults::default()).await
}

/// Makes a key that takes the place of this one, and shows it once.
#[utoipa::path(post, path = "/keys/{id}/rotate", tag = "console",
    params(("id" = String, Path, description = "the key")),
    security(("key" = ["self"])), responses((status = 201), (status = 422)))]
async fn rotate(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<KeyId>,
    here: Here,
    Form(form): Form<RotateForm>,
) -> Result<Response, Problem> {
    let faults = match form.grace_secs.parse() {
        Err(_) => Faults::field("grace_secs", "must be chosen"),
        Ok(secs) => {
            let rotate = Rotate { grace_secs: Some(secs) };
            match identity.rotate_key(&caller, &id, &rotate).await {
                Ok(issued) => {
                    let page = made(&identity, &caller, &here, &issued).await?;
                    return Ok(page.status(StatusCode::CREATED).into_response());
                }
                Err(error) => Faults::of(error)?,
            }
        }
    };
    let page = key_page(&identity, &caller, &id, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Revokes a key.
#[utoipa::path(post, path = "/keys/{id}/revoke", tag = "console",
    params(("id" = String, Path, description = "the key")),
    security(("key" = ["self"])), responses((status = 303)))]
async fn revoke(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<KeyId>,
) -> Result<Response, Problem> {
    identity.revoke_key(&caller, &id).await?;
    let said = "The key was revoked. Whoever uses it is refused from now on.";
    Ok(see_other(format!("/keys/{id}")).said(said).into_response())
}

async fn key_page(
    identity: &Identity,
    caller: &Caller,
    id: &KeyId,
    faults: Faults,
) -> Result<View, Problem> {
    let key = identity.key(caller, id).await?;
    let standing = Standing::of(&key, identity.now());
    let mine = is_mine(caller, &key);
    let of_a_service = matches!(key.owner.parse(), Ok(Owner::Service(_)));
    let title = key.name.clone();
    let page = KeyPage {
        owner_name: owner_name(identity, caller, &key).await?,
        may_rotate: standing.live && (mine || (of_a_service && governs_others(caller))),
        may_revoke: standing.live && (mine || governs_others(caller)),
        key,
        standing,
        mine,
        faults,
    };
    View::of(title, &page)
}
