//! Members, invitations and the org itself.

use access::{Caller, MemberId, Origin};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use base::time::At;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Paging;
use crate::{Accept, Identity, Invite, Member, MemberPatch, Org, OrgPatch};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(one, change, remove))
        .routes(routes!(accept))
        .routes(routes!(org, change_org))
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
}

/// The members of the org.
#[utoipa::path(get, path = "/api/members", tag = "identity", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200, body = Page<Member>)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Member>>, Problem> {
    Ok(Json(identity.members(&caller, page.after.as_deref(), page.limit).await?))
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

/// The org.
#[utoipa::path(get, path = "/api/org", tag = "identity",
    security(("key" = ["settings:read"])), responses((status = 200, body = Org)))]
async fn org(caller: Caller, State(identity): State<Identity>) -> Result<Json<Org>, Problem> {
    Ok(Json(identity.org(&caller).await?))
}

/// Renames the org.
#[utoipa::path(patch, path = "/api/org", tag = "identity", request_body = OrgPatch,
    security(("key" = ["settings:update"])), responses((status = 200, body = Org)))]
async fn change_org(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<OrgPatch>,
) -> Result<Json<Org>, Problem> {
    Ok(Json(identity.change_org(&caller, &body).await?))
}
