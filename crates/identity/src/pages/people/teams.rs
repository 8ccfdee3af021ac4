//! The list of teams, and adding one more.

use std::collections::HashMap;

use access::{Caller, Permission, TeamId};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::args;
use base::http::{Page, Query, page_limit};
use base::page::filters;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use base::time::At;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Error, Identity, TeamName, sql};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// Which teams.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// The `next` of the page before.
    after: String,
}

/// A team in the list. Its members are counted, not read.
struct Row {
    id: TeamId,
    name: String,
    members: usize,
    created_at: At,
}

#[derive(Template)]
#[template(path = "identity/people/teams.html")]
struct TeamsPage {
    rows: Vec<Row>,
    next: Option<String>,
    may_add: bool,
    form: TeamName,
    faults: Faults,
}

/// The teams of the org.
#[utoipa::path(get, path = "/teams", tag = "console", params(Paging),
    security(("key" = ["users:read"])), responses((status = 200)))]
async fn list(
    caller: Caller,
    State(identity): State<Identity>,
    Query(paging): Query<Paging>,
) -> Result<View, Problem> {
    let form = TeamName { name: String::new() };
    show(&identity, &caller, &paging.after, form, Faults::default()).await
}

/// Adds a team.
#[utoipa::path(post, path = "/teams", tag = "console",
    security(("key" = ["users:create"])), responses((status = 303)))]
async fn add(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<TeamName>,
) -> Result<Response, Problem> {
    match identity.add_team(&caller, &form.name).await {
        Ok(team) => {
            let said = format!("The team {} was added. Put its members in.", team.name);
            Ok(see_other(format!("/teams/{}", team.id)).said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = show(&identity, &caller, "", form, faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

async fn show(
    identity: &Identity,
    caller: &Caller,
    after: &str,
    form: TeamName,
    faults: Faults,
) -> Result<View, Problem> {
    let Page { items, next } = rows(identity, caller, after).await?;
    let page = TeamsPage {
        rows: items,
        next: next.map(|next| format!("/teams?after={next}")),
        may_add: caller.access.may(Permission::UsersCreate),
        form,
        faults,
    };
    View::of("Teams", &page)
}

async fn rows(identity: &Identity, caller: &Caller, after: &str) -> Result<Page<Row>, Error> {
    let scope = caller.require(Permission::UsersRead)?;
    let limit = page_limit(None).map_err(Error::Problem)?;
    let org = identity.own(caller).await?;
    let mut counts: HashMap<&TeamId, usize> = HashMap::new();
    for team in org.holders().flat_map(|(_, holder)| holder.teams.iter()) {
        *counts.entry(team).or_default() += 1;
    }
    let db = identity.0.databases.of(&scope)?;
    let mut rows = Vec::new();
    for row in db.all(sql::TEAM_PAGE, args![after, i64::from(limit) + 1]).await? {
        let id: TeamId = row.parse("team_id")?;
        let members = counts.get(&id).copied().unwrap_or_default();
        let (name, created_at) = (row.text("name")?, row.at("created_at")?);
        rows.push(Row { id, name, members, created_at });
    }
    Ok(Page::of(rows, limit, |row| row.id.to_string()))
}
