//! Who is signed in, and ending it: one session, all of a member, or everything at once.

use std::collections::HashSet;

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Page, Path, Query};
use base::page::filters;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::who::{Named, Names};
use crate::{Error, Identity, MemberSession, Revoke, SessionId};

const HERE: &str = "/people/sessions";

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(end))
        .routes(routes!(end_of_member))
        .routes(routes!(revoke))
}

/// Which sessions.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// The `next` of the page before.
    after: String,
}

/// Whose sessions shall end.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberForm {
    member: String,
}

/// What shall end for everybody: a box that is not ticked is not sent.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RevokeForm {
    what: Vec<String>,
}

#[derive(Template)]
#[template(path = "identity/people/sessions.html")]
struct SessionsPage {
    rows: Vec<(MemberSession, Named)>,
    next: Option<String>,
    /// Whether the caller may end everything of everybody.
    may_revoke: bool,
    faults: Faults,
}

/// Where members are signed in.
#[utoipa::path(get, path = "/people/sessions", tag = "console", params(Paging),
    security(("key" = ["users:update"])), responses((status = 200)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    show(&identity, &caller, &paging.after, Faults::default()).await
}

/// Ends one session.
#[utoipa::path(post, path = "/people/sessions/{id}/end", tag = "console",
    params(("id" = String, Path, description = "the session")),
    security(("key" = ["users:update"])), responses((status = 303), (status = 422)))]
async fn end(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<SessionId>,
) -> Result<Response, Problem> {
    match identity.end_session_of_org(&caller, &id).await {
        Ok(_) => Ok(see_other(HERE).said("The session was ended.").into_response()),
        Err(error) => again(&identity, &caller, error).await,
    }
}

/// Ends all sessions of one member.
#[utoipa::path(post, path = "/people/sessions/end", tag = "console",
    security(("key" = ["users:update"])), responses((status = 303), (status = 422)))]
async fn end_of_member(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<MemberForm>,
) -> Result<Response, Problem> {
    let Ok(member) = form.member.parse() else { return Err(Error::NotFound.into()) };
    match identity.end_member_sessions(&caller, &member).await {
        Ok(()) => Ok(see_other(HERE).said("All their sessions were ended.").into_response()),
        Err(error) => again(&identity, &caller, error).await,
    }
}

/// Ends the sessions of everybody, all keys, or both.
#[utoipa::path(post, path = "/people/sessions/revoke", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303), (status = 422)))]
async fn revoke(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<RevokeForm>,
) -> Result<Response, Problem> {
    let ticked = |name: &str| form.what.iter().any(|what| what == name);
    let what = Revoke { sessions: ticked("sessions"), keys: ticked("keys") };
    match identity.revoke_org(&caller, what).await {
        Ok(ended) => Ok(see_other(HERE).said(ended.sentence()).into_response()),
        Err(Error::Invalid(_)) => {
            let faults = Faults::general("Choose what shall end: sessions, keys or both.");
            let page = show(&identity, &caller, "", faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => again(&identity, &caller, error).await,
    }
}

/// The page again, with what was wrong.
async fn again(identity: &Identity, caller: &Caller, error: Error) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = show(identity, caller, "", faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    after: &str,
    faults: Faults,
) -> Result<View, Problem> {
    let after = Some(after).filter(|after| !after.is_empty());
    let Page { items, next } = identity.org_sessions(caller, after, None).await?;
    let ids: HashSet<_> = items.iter().map(|one| one.member.as_str()).collect();
    let names = Names::look_up(identity, caller, ids).await?;
    let with_name = |one: MemberSession| {
        let who = names.of(one.member.as_str());
        (one, who)
    };
    let may = |permission| caller.access.may(permission);
    let page = SessionsPage {
        rows: items.into_iter().map(with_name).collect(),
        next: next.map(|next| format!("{HERE}?after={next}")),
        may_revoke: may(Permission::SettingsUpdate) && may(Permission::UsersKeys),
        faults,
    };
    View::of("Sessions", &page)
}

/// How a session was begun, in words.
fn way(method: &str) -> &'static str {
    match access::Method::named(method) {
        Some(access::Method::Password) => "Password",
        Some(access::Method::Passkey) => "Passkey",
        Some(access::Method::Saml) => "SAML",
        Some(access::Method::Oidc) => "OpenID Connect",
        Some(access::Method::Support) => "Support",
        None => "Unknown",
    }
}
