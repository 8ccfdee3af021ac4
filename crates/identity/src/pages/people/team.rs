//! One team: who is in it, and what being in it gives.

mod change;

use access::{Caller, MemberId, Permission, PermissionSet, TeamId};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::{Path, Query};
use base::page::filters::{self, percent_encoded};
use base::page::{Faults, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::grants::{self, Given};
use super::roles_offered::Roles;
use crate::member::MemberState;
use crate::snapshot::OrgSnapshot;
use crate::subject::Owner;
use crate::{Error, Identity, TeamName};

/// Members of a team on one page.
const MEMBERS_MAX: usize = 100;
/// Members who are offered to be put into it at most; searching finds the others.
const OFFERED_MAX: usize = 10;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(one)).merge(change::routes())
}

/// Which members of the team, and whom to offer.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Those in whose name or e-mail address this text stands only.
    q: String,
    /// The last member on the page before.
    after: String,
}

/// A member of the org, in the team or not.
struct Person {
    id: MemberId,
    name: String,
    email: String,
    state: MemberState,
}

/// The viewer, and what being in the team gives.
struct May {
    caller: Caller,
    given: PermissionSet,
}

impl May {
    fn has(&self, permission: Permission) -> bool {
        self.caller.access.may(permission)
    }

    fn covers(&self) -> bool {
        self.caller.access.wide().covers(self.given)
    }

    fn change(&self) -> bool {
        self.has(Permission::UsersUpdate)
    }

    /// Nobody puts others where they would get what one does not have oneself.
    fn staff(&self) -> bool {
        self.change() && self.covers()
    }

    fn remove(&self) -> bool {
        self.has(Permission::UsersDelete) && self.covers()
    }

    fn give(&self) -> bool {
        self.has(Permission::UsersGrant)
    }
}

#[derive(Template)]
#[template(path = "identity/people/team.html")]
struct TeamPage {
    id: TeamId,
    name: String,
    search: Search,
    total: usize,
    members: Vec<Person>,
    next: Option<String>,
    others: Vec<Person>,
    others_left_out: usize,
    grants: Vec<Given>,
    may: May,
    form: TeamName,
    faults: Faults,
}

/// One team.
#[utoipa::path(get, path = "/teams/{id}", tag = "console",
    params(("id" = String, Path, description = "the team"), Search),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn one(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<TeamId>,
    Query(search): Query<Search>,
) -> Result<View, Problem> {
    show(&identity, &caller, id, search, None, Faults::default()).await
}

/// The page again, with what was typed and what is wrong with it.
async fn again(
    identity: &Identity,
    caller: &Caller,
    id: TeamId,
    typed: Option<TeamName>,
    error: Error,
) -> Result<Response, Problem> {
    let faults = Faults::of(error)?;
    let page = show(identity, caller, id, Search::default(), typed, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    id: TeamId,
    search: Search,
    typed: Option<TeamName>,
    faults: Faults,
) -> Result<View, Problem> {
    caller.require(Permission::UsersRead)?;
    let org = identity.own(caller).await?;
    let name = org.team_name(&id).ok_or(Error::NotFound)?.clone();
    let grants = grants::of(identity, caller, id.as_str()).await?;
    let roles = Roles::read(identity, caller).await?;
    let given = grants.iter().filter_map(|given| roles.permits(&given.grant.role));
    let given = given.fold(PermissionSet::EMPTY, PermissionSet::or);
    let (all, mut others) = people(&org, &id, &search.q);
    let total = all.len();
    let (members, next) = after(all, &search.after);
    let next =
        next.map(|next| format!("/teams/{id}?q={}&after={next}", percent_encoded(&search.q)));
    let others_left_out = others.len().saturating_sub(OFFERED_MAX);
    others.truncate(OFFERED_MAX);
    let page = TeamPage {
        may: May { caller: caller.clone(), given },
        form: typed.unwrap_or_else(|| TeamName { name: name.clone() }),
        id,
        name,
        search,
        total,
        members,
        next,
        others,
        others_left_out,
        grants,
        faults,
    };
    View::of(&*page.name, &page)
}

/// Those in the team and the others, of whom the text tells, by name.
fn people(org: &OrgSnapshot, id: &TeamId, text: &str) -> (Vec<Person>, Vec<Person>) {
    let text = text.trim().to_lowercase();
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (owner, holder) in org.holders() {
        let Owner::Member(member) = owner else { continue };
        let email = holder.email.as_deref().unwrap_or_default();
        let name = holder.name.to_lowercase();
        if !text.is_empty() && !name.contains(&text) && !email.contains(&text) {
            continue;
        }
        let person = Person {
            id: member.clone(),
            name: holder.name.clone(),
            email: email.to_owned(),
            state: holder.state,
        };
        let side = if holder.teams.contains(id) { &mut inside } else { &mut outside };
        side.push((name, person));
    }
    (by_name(inside), by_name(outside))
}

fn by_name(mut people: Vec<(String, Person)>) -> Vec<Person> {
    people
        .sort_unstable_by(|(a, one), (b, other)| (a, one.id.as_str()).cmp(&(b, other.id.as_str())));
    people.into_iter().map(|(_, person)| person).collect()
}

/// One page of a list, behind the member with this id, and the last one on it if more
/// follow.
fn after(all: Vec<Person>, id: &str) -> (Vec<Person>, Option<String>) {
    let start = all.iter().position(|person| person.id.as_str() == id).map_or(0, |at| at + 1);
    let more = all.len() > start + MEMBERS_MAX;
    let page: Vec<_> = all.into_iter().skip(start).take(MEMBERS_MAX).collect();
    let last = page.last().filter(|_| more).map(|person| person.id.to_string());
    (page, last)
}
