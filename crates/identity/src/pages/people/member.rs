//! One member: who they are, what they may and why, and what can be changed of them.

mod change;
mod may;

use access::{Actor, Caller, MemberId, TeamId};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::filters;
use base::page::{Faults, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::may::May;
use super::effective::{self, Part};
use super::grants::{self, Given};
use super::keys::Keys;
use super::roles_offered::{Offer, Roles};
use super::who::{Named, Names};
use crate::subject::Owner;
use crate::{Error, Identity, Member, MemberState, Session};

/// Sessions that are shown at most.
const SESSIONS_MAX: u32 = 20;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(one)).merge(change::routes())
}

/// What can be changed of a member, as typed. Without a role it stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    name: String,
    #[serde(default)]
    role: Option<String>,
}

#[derive(Template)]
#[template(path = "identity/people/member.html")]
struct MemberPage {
    member: Member,
    may: May,
    form: ChangeForm,
    roles: Vec<Offer>,
    teams: Vec<Named>,
    parts: Vec<Part>,
    grants: Vec<Given>,
    keys: Keys,
    sessions: Vec<Session>,
    faults: Faults,
}

/// One member.
#[utoipa::path(get, path = "/members/{id}", tag = "console",
    params(("id" = String, Path, description = "the member")),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn one(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<MemberId>,
) -> Result<View, Problem> {
    show(&identity, &caller, &id, None, Faults::default()).await
}

/// The page again, with what was typed and what is wrong with it.
async fn again(
    identity: &Identity,
    caller: &Caller,
    id: &MemberId,
    typed: Option<ChangeForm>,
    error: Error,
) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = show(identity, caller, id, typed, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    id: &MemberId,
    typed: Option<ChangeForm>,
    faults: Faults,
) -> Result<View, Problem> {
    let member = identity.member(caller, id).await?;
    let org = identity.own(caller).await?;
    let holder = org.holder(&Owner::Member(id.clone())).ok_or(Error::NotFound)?;
    let sources = effective::sources(&holder.access);
    let mut ids = effective::ids(&sources);
    ids.extend(holder.teams.iter().map(TeamId::as_str));
    let names = Names::look_up(identity, caller, ids).await?;
    let roles = Roles::read(identity, caller).await?;
    let may = May {
        caller: caller.clone(),
        state: member.state,
        own: caller.actor == Actor::Member(id.clone()),
        role: roles.permits(&member.role).unwrap_or_default(),
        reach: holder.power,
    };
    let form = typed.unwrap_or_else(|| ChangeForm { name: member.name.clone(), role: None });
    let page = MemberPage {
        roles: roles.offered(caller, form.role.as_ref().unwrap_or(&member.role)),
        teams: holder.teams.iter().map(|id| names.of(id.as_str())).collect(),
        parts: effective::parts(&holder.access, &sources, &names),
        grants: grants::of(identity, caller, id.as_str()).await?,
        keys: Keys::of(identity, caller, id.as_str()).await?,
        sessions: if may.sessions() {
            identity.member_sessions(caller, id, None, Some(SESSIONS_MAX)).await?.items
        } else {
            Vec::new()
        },
        member,
        may,
        form,
        faults,
    };
    View::of(&*page.member.name, &page)
}
