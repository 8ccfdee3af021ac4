//! The list of members, and inviting one more.

use std::collections::HashSet;

use access::{Caller, Permission, TeamId};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Page, Query};
use base::page::filters::{self, percent_encoded};
use base::page::{Faults, Form, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::links;
use super::roles_offered::{Offer, Roles};
use super::who::{Named, Names};
use crate::pages::address::Here;
use crate::subject::Owner;
use crate::{Identity, Invite, Member, MemberState};

/// What a form for an invitation begins with.
const USUAL_ROLE: &str = "org:member";

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(list, invite))
}

/// Which members.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Those in whose name or e-mail address this text stands only.
    q: String,
    /// The `next` of the page before.
    after: String,
}

/// Somebody to be invited, as typed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteForm {
    email: String,
    role: String,
}

#[derive(Template)]
#[template(path = "identity/people/members.html")]
struct MembersPage {
    search: Search,
    total: usize,
    rows: Vec<(Member, Vec<Named>)>,
    next: Option<String>,
    /// The roles to invite with; none: the caller may not invite.
    invite: Option<Vec<Offer>>,
    form: InviteForm,
    faults: Faults,
}

/// The members of the org.
#[utoipa::path(get, path = "/members", tag = "console", params(Search),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(search): Query<Search>,
) -> Result<View, Problem> {
    let form = InviteForm { role: USUAL_ROLE.to_owned(), ..InviteForm::default() };
    show(&identity, &caller, search, form, Faults::default()).await
}

/// Invites somebody, and shows the link once.
#[utoipa::path(post, path = "/members", tag = "console",
    security(("key" = ["users:create"])), responses((status = 201), (status = 422)))]
async fn invite(
    caller: Caller,
    State(identity): State<Identity>,
    here: Here,
    Form(form): Form<InviteForm>,
) -> Result<Response, Problem> {
    let wanted = Invite { email: form.email.clone(), role: form.role.clone() };
    match identity.invite(&caller, &wanted).await {
        Ok(invited) => Ok(links::invitation(&here, &invited)?.into_response()),
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = show(&identity, &caller, Search::default(), form, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    search: Search,
    form: InviteForm,
    faults: Faults,
) -> Result<View, Problem> {
    let text = Some(search.q.trim()).filter(|text| !text.is_empty());
    let after = Some(search.after.as_str()).filter(|after| !after.is_empty());
    let Page { items, next } = identity.members(caller, text, after, None).await?;
    let next = next.map(|next| format!("/members?q={}&after={next}", percent_encoded(&search.q)));
    let org = identity.own(caller).await?;
    let total = org.holders().filter(|(owner, _)| matches!(owner, Owner::Member(_))).count();
    let teams_of = |member: &Member| {
        let holder = org.holder(&Owner::Member(member.id.clone()));
        holder.map(|holder| holder.teams.clone()).unwrap_or_default()
    };
    let with_teams: Vec<_> = items.into_iter().map(|member| (teams_of(&member), member)).collect();
    let ids: HashSet<_> =
        with_teams.iter().flat_map(|(teams, _)| teams.iter()).map(TeamId::as_str).collect();
    let names = Names::look_up(identity, caller, ids).await?;
    let rows = with_teams.iter().map(|(teams, member)| {
        (member.clone(), teams.iter().map(|id| names.of(id.as_str())).collect())
    });
    let rows = rows.collect();
    let invite = if caller.access.may(Permission::UsersCreate) {
        Some(Roles::read(identity, caller).await?.offered(caller, &form.role))
    } else {
        None
    };
    View::of("Members", &MembersPage { search, total, rows, next, invite, form, faults })
}
