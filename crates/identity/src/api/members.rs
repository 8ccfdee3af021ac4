//! Members, invitations and password links.

use access::{Caller, MemberId, Origin};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Accept, Identity, Invite, Member, MemberPatch, Revoke, Revoked, Session};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(one, change, remove))
        .routes(routes!(password_link))
        .routes(routes!(sessions, end_sessions))
        .routes(routes!(revoke))
        .routes(routes!(accept))
}

/// An invitation; its token is shown this once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InvitedBody {
    /// The member to be.
    member: Member,
    /// What the invited person gives to `POST /api/invitations/accept`.
    token: String,
    /// Until when.
    #[schema(value_type = String)]
    expires_at: At,
    /// Whether the mail server took the link; null where there is no mail server.
    mailed: Option<bool>,
}

/// A password link; its token is shown this once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PasswordLinkBody {
    /// Who can set a new password with it.
    member: Member,
    /// What the member gives to `POST /api/password/reset`.
    token: String,
    /// Until when.
    #[schema(value_type = String)]
    expires_at: At,
    /// Whether the mail server took the link; null where there is no mail server.
    mailed: Option<bool>,
}

/// Which members.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListMembers {
    /// Those in whose name or e-mail address this text stands only.
    q: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items on a page: 1 to 200, 50 if not given.
    limit: Option<u32>,
}

/// The members of the org.
#[utoipa::path(get, path = "/api/members", tag = "identity", params(ListMembers),
    security(("key" = ["users:read"])), responses((status = 200, body = Page<Member>)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(list): Query<ListMembers>,
) -> Result<Json<Page<Member>>, Problem> {
    let (text, after) = (list.q.as_deref(), list.after.as_deref());
    Ok(Json(identity.members(&caller, text, after, list.limit).await?))
}

/// Invites somebody; the answer holds the secret of a link that works once.
#[utoipa::path(post, path = "/api/members", tag = "identity", request_body = Invite,
    security(("key" = ["users:create"])), responses((status = 201, body = InvitedBody)))]
async fn invite(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<Invite>,
) -> Result<impl IntoResponse, Problem> {
    let invited = identity.invite(&caller, &body).await?;
    let body = InvitedBody {
        member: invited.member,
        token: invited.token.reveal().to_owned(),
        expires_at: invited.expires_at,
        mailed: invited.mailed,
    };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)))
}

/// One member.
#[utoipa::path(get, path = "/api/members/{id}", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:read"])), responses((status = 200, body = Member)))]
async fn one(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<Json<Member>, Problem> {
    Ok(Json(identity.member(&caller, &id).await?))
}

/// Changes a member's name, role or state.
#[utoipa::path(patch, path = "/api/members/{id}", tag = "identity", request_body = MemberPatch,
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 200, body = Member)))]
async fn change(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
    Json(body): Json<MemberPatch>,
) -> Result<Json<Member>, Problem> {
    Ok(Json(identity.change_member(&caller, &id, &body).await?))
}

/// Removes a member, with all their keys and sessions.
#[utoipa::path(delete, path = "/api/members/{id}", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:delete"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<StatusCode, Problem> {
    identity.remove_member(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a link with which a member sets a new password; it works once, for a day.
#[utoipa::path(post, path = "/api/members/{id}/password-link", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 201, body = PasswordLinkBody)))]
async fn password_link(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<impl IntoResponse, Problem> {
    let link = identity.make_password_link(&caller, &id).await?;
    let body = PasswordLinkBody {
        member: link.member,
        token: link.token.reveal().to_owned(),
        expires_at: link.expires_at,
        mailed: link.mailed,
    };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(body)))
}

/// The live sessions of a member.
#[utoipa::path(get, path = "/api/members/{id}/sessions", tag = "identity",
    params(("id" = String, Path, description = "the member"), Paging),
    security(("key" = ["users:update"])), responses((status = 200, body = Page<Session>)))]
async fn sessions(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Session>>, Problem> {
    let after = page.after.as_deref();
    Ok(Json(identity.member_sessions(&caller, &id, after, page.limit).await?))
}

/// Ends all sessions of a member.
#[utoipa::path(delete, path = "/api/members/{id}/sessions", tag = "identity",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 204)))]
async fn end_sessions(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<StatusCode, Problem> {
    identity.end_member_sessions(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the sessions of a member, revokes their keys, or both, with everything that runs
/// on them; needs `users:keys` too.
#[utoipa::path(post, path = "/api/members/{id}/revoke", tag = "identity",
    request_body = Revoke, params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:update"])), responses((status = 200, body = Revoked)))]
async fn revoke(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
    Json(body): Json<Revoke>,
) -> Result<Json<Revoked>, Problem> {
    Ok(Json(identity.revoke_member(&caller, &id, body).await?))
}

/// Accepts an invitation.
#[utoipa::path(post, path = "/api/invitations/accept", tag = "identity", request_body = Accept,
    security(()), responses((status = 201, body = Member)))]
async fn accept(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Json(body): Json<Accept>,
) -> Result<(StatusCode, Json<Member>), Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    Ok((StatusCode::CREATED, Json(identity.accept(&body, origin).await?)))
}
