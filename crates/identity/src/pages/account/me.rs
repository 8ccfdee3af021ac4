//! One's own name, password and sessions.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use base::secret::Secret;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::alike;
use crate::{Error, Identity, Member, NewPassword, OwnPatch, Session, SessionId, Viewer};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(name))
        .routes(routes!(password))
        .routes(routes!(end))
        .routes(routes!(end_others))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NameForm {
    name: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    current: Secret,
    new: Secret,
    again: Secret,
}

/// What was typed and refused.
#[derive(Debug, Default)]
struct Typed {
    name: Option<String>,
    name_faults: Faults,
    password_faults: Faults,
}

#[derive(Debug, Template)]
#[template(path = "identity/me.html")]
struct MePage {
    viewer: Viewer,
    member: Member,
    sessions: Vec<Session>,
    others: bool,
    typed: Typed,
}

/// One's own account.
#[utoipa::path(get, path = "/me", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn page(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
) -> Result<View, Problem> {
    me_page(&identity, &caller, &headers, Typed::default()).await
}

/// Changes one's own name.
#[utoipa::path(post, path = "/me/name", tag = "console",
    security(("key" = ["self"])), responses((status = 303), (status = 422)))]
async fn name(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
    Form(NameForm { name }): Form<NameForm>,
) -> Result<Response, Problem> {
    let patch = OwnPatch { name };
    let Err(error) = identity.change_me(&caller, &patch).await else {
        return Ok(see_other("/me").said("Your name was changed.").into_response());
    };
    let name_faults = Faults::of(error)?;
    let typed = Typed { name: Some(patch.name), name_faults, ..Typed::default() };
    again(me_page(&identity, &caller, &headers, typed).await)
}

/// Changes one's own password.
#[utoipa::path(post, path = "/me/password", tag = "console",
    security(("key" = ["self"])), responses((status = 303), (status = 422)))]
async fn password(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let new = NewPassword { current: form.current, new: form.new };
    let password_faults = match alike(&new.new, &form.again) {
        Err(faults) => faults,
        Ok(()) => match identity.change_password(&caller, &headers, &new).await {
            Ok(()) => {
                let said = "Your password was changed, and your other sessions were ended.";
                return Ok(see_other("/me").said(said).into_response());
            }
            Err(Error::WrongPassword) => Faults::field("current", "is wrong"),
            Err(error) => Faults::of(error)?,
        },
    };
    let typed = Typed { password_faults, ..Typed::default() };
    again(me_page(&identity, &caller, &headers, typed).await)
}

/// Ends one of one's own sessions.
#[utoipa::path(post, path = "/me/sessions/{id}/end", tag = "console",
    params(("id" = String, Path, description = "the session")),
    security(("key" = ["self"])), responses((status = 303)))]
async fn end(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<SessionId>,
) -> Result<Response, Problem> {
    identity.end_session(&caller, &id).await?;
    Ok(see_other("/me").said("The session was ended.").into_response())
}

/// Ends all of one's own sessions but this one.
#[utoipa::path(post, path = "/me/sessions/end-others", tag = "console",
    security(("key" = ["self"])), responses((status = 303)))]
async fn end_others(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    identity.end_other_sessions(&caller, &headers).await?;
    Ok(see_other("/me").said("Your other sessions were ended.").into_response())
}

async fn me_page(
    identity: &Identity,
    caller: &Caller,
    headers: &HeaderMap,
    typed: Typed,
) -> Result<View, Problem> {
    let member = identity.me(caller).await?;
    let viewer = identity.viewer(caller).await?;
    // A member has twenty at most: one page.
    let mut sessions = identity.sessions(caller, headers, None, None).await?.items;
    sessions.reverse();
    let others = sessions.iter().any(|session| !session.current);
    View::of("Your account", &MePage { viewer, member, sessions, others, typed })
}

fn again(page: Result<View, Problem>) -> Result<Response, Problem> {
    Ok(page?.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}
