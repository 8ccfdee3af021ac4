//! Signing in and out, and one's own sessions and password.

use access::{Caller, Origin};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Identity, Member, NewPassword, OwnPatch, ResetPassword, Session, SessionId, SignIn};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(sign_in, whoami, sign_out))
        .routes(routes!(sessions, end_others))
        .routes(routes!(end))
        .routes(routes!(password))
        .routes(routes!(reset))
        .routes(routes!(me))
}

/// Signs in with a password; the session is in the cookie and nowhere else.
#[utoipa::path(post, path = "/api/session", tag = "identity", request_body = SignIn,
    security(()), responses((status = 201, body = Value)))]
async fn sign_in(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    let signed_in = identity.sign_in(&body, origin).await?;
    let who = identity.whoami(&signed_in.caller).await?;
    Ok(identity.with_session(&signed_in, (StatusCode::CREATED, Json(who))))
}

/// Who the caller is and what they may.
#[utoipa::path(get, path = "/api/session", tag = "identity",
    security(("key" = ["self"])), responses((status = 200, body = Value)))]
async fn whoami(caller: Caller, State(identity): State<Identity>) -> Result<Json<Value>, Problem> {
    Ok(Json(identity.whoami(&caller).await?))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/session", tag = "identity",
    security(("key" = ["self"])), responses((status = 204)))]
async fn sign_out(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    identity.sign_out(&caller, &headers).await?;
    Ok(identity.without_session(StatusCode::NO_CONTENT))
}

/// The caller's own live sessions.
#[utoipa::path(get, path = "/api/sessions", tag = "identity", params(Paging),
    security(("key" = ["self"])), responses((status = 200, body = Page<Session>)))]
async fn sessions(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Session>>, Problem> {
    let after = page.after.as_deref();
    Ok(Json(identity.sessions(&caller, &headers, after, page.limit).await?))
}

/// Ends all of the caller's own sessions but the one that asks.
#[utoipa::path(delete, path = "/api/sessions", tag = "identity",
    security(("key" = ["self"])), responses((status = 204)))]
async fn end_others(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    identity.end_other_sessions(&caller, &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's own sessions.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "identity",
    params(("id" = String, Path, description = "the session")),
    security(("key" = ["self"])), responses((status = 204)))]
async fn end(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    identity.end_session(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the caller's own password and ends their other sessions.
#[utoipa::path(post, path = "/api/password", tag = "identity", request_body = NewPassword,
    security(("key" = ["self"])), responses((status = 204)))]
async fn password(
    caller: Caller,
    State(identity): State<Identity>,
    headers: HeaderMap,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    identity.change_password(&caller, &headers, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a new password with a link, and ends all sessions of its member.
#[utoipa::path(post, path = "/api/password/reset", tag = "identity",
    request_body = ResetPassword, security(()), responses((status = 200, body = Member)))]
async fn reset(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Json(body): Json<ResetPassword>,
) -> Result<Json<Member>, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    Ok(Json(identity.reset_password(&body, origin).await?))
}

/// Changes the caller's own name.
#[utoipa::path(patch, path = "/api/me", tag = "identity", request_body = OwnPatch,
    security(("key" = ["self"])), responses((status = 200, body = Member)))]
async fn me(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<OwnPatch>,
) -> Result<Json<Member>, Problem> {
    Ok(Json(identity.change_me(&caller, &body).await?))
}
