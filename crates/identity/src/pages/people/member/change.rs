//! What the page of a member posts.

use access::{Caller, MemberId};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Form, see_other};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ChangeForm, again};
use crate::pages::address::Here;
use crate::pages::people::links;
use crate::{Error, Identity, Member, MemberPatch, MemberState, Revoke};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(change))
        .routes(routes!(suspend))
        .routes(routes!(reactivate))
        .routes(routes!(remove))
        .routes(routes!(password_link))
        .routes(routes!(reset_factors))
        .routes(routes!(end_sessions))
        .routes(routes!(revoke))
}

fn page(id: &MemberId) -> String {
    format!("/members/{id}")
}

/// Changes a member's name and role.
#[utoipa::path(post, path = "/members/{id}", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn change(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let (name, role) = (Some(form.name.clone()), form.role.clone());
    let patch = MemberPatch { name, role, state: None };
    match identity.change_member(&caller, &id, &patch).await {
        Ok(member) => {
            let said = format!("{} was changed.", member.name);
            Ok(see_other(page(&id)).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, Some(form), error).await,
    }
}

/// Suspends a member: their sessions end, their keys are refused.
#[utoipa::path(post, path = "/members/{id}/suspend", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn suspend(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match set_state(&identity, &caller, &id, MemberState::Suspended).await {
        Ok(member) => {
            let said = format!("{} is suspended: sessions ended, keys refused.", member.name);
            Ok(see_other(page(&id)).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}

/// Lets a suspended member act again.
#[utoipa::path(post, path = "/members/{id}/reactivate", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn reactivate(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match set_state(&identity, &caller, &id, MemberState::Active).await {
        Ok(member) => {
            let said = format!("{} may act again.", member.name);
            Ok(see_other(page(&id)).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}

async fn set_state(
    identity: &Identity,
    caller: &Caller,
    id: &MemberId,
    state: MemberState,
) -> Result<Member, Error> {
    let patch = MemberPatch { state: Some(state), ..MemberPatch::default() };
    identity.change_member(caller, id, &patch).await
}

/// Removes a member for good.
#[utoipa::path(post, path = "/members/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:delete"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match identity.remove_member(&caller, &id).await {
        Ok(()) => {
            let said = "The member was removed, with all sessions, keys and grants.";
            Ok(see_other("/members").said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}

/// Makes a password link, and shows it once.
#[utoipa::path(post, path = "/members/{id}/password-link", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 201)))]
async fn password_link(
    caller: Caller,
    State(identity): State<Identity>,
    here: Here,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match identity.make_password_link(&caller, &id).await {
        Ok(made) => Ok(links::password(&here, &made)?.into_response()),
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}

/// Takes away the second factors of a member who lost them.
#[utoipa::path(post, path = "/members/{id}/reset-factors", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn reset_factors(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match identity.reset_factors(&caller, &id).await {
        Ok(()) => {
            let said = "Their second factors are gone and their sessions ended.";
            Ok(see_other(page(&id)).said(said).into_response())
        }
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}

/// Ends all sessions of a member.
#[utoipa::path(post, path = "/members/{id}/sign-out", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn end_sessions(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match identity.end_member_sessions(&caller, &id).await {
        Ok(()) => Ok(see_other(page(&id)).said("All sessions were ended.").into_response()),
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}

/// Ends all sessions of a member, revokes all their keys, and stops what runs on them.
#[utoipa::path(post, path = "/members/{id}/revoke", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 303)))]
async fn revoke(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Response, Problem> {
    match identity.revoke_member(&caller, &id, Revoke { sessions: true, keys: true }).await {
        Ok(ended) => Ok(see_other(page(&id)).said(ended.sentence()).into_response()),
        Err(error) => again(&identity, &caller, &id, None, error).await,
    }
}
