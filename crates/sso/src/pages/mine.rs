//! Through which of the org's identity providers a member comes in.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use base::args;
use base::http::Path;
use base::page::View;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acts::go_on;
use crate::connection::Known;
use crate::manage::CONNECTIONS_MAX;
use crate::{ConnectionId, Error, Sso, sql};

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(mine)).routes(routes!(connect))
}

/// A connection, and whether the member is known there.
#[derive(Debug)]
struct Place {
    id: ConnectionId,
    name: String,
    connected: bool,
}

#[derive(Debug, Template)]
#[template(path = "sso/mine.html")]
struct MinePage {
    places: Vec<Place>,
}

/// One's own identity providers.
#[utoipa::path(get, path = "/me/providers", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn mine(caller: Caller, State(sso): State<Sso>) -> Result<View, Problem> {
    View::of("Your identity providers", &MinePage { places: sso.places(&caller).await? })
}

/// Makes oneself known by a provider.
#[utoipa::path(post, path = "/me/providers/{id}", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["self"])), responses((status = 200), (status = 403)))]
async fn connect(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let begun = sso.begin_connecting(&caller, &id, &headers).await?;
    go_on(&sso, "Connect yourself", begun)
}

impl Sso {
    async fn places(&self, caller: &Caller) -> Result<Vec<Place>, Error> {
        let scope = caller.itself();
        let mut places = Vec::new();
        for known in self.active(&scope).await? {
            let connected = match caller.actor.member() {
                Some(id) => self.comes_through(&scope, &known, id).await?,
                None => false,
            };
            places.push(Place { id: known.id, name: known.name, connected });
        }
        Ok(places)
    }

    /// The connections of the org that people sign in through.
    pub(crate) async fn active(&self, scope: &access::Scope) -> Result<Vec<Known>, Error> {
        let most = i64::try_from(CONNECTIONS_MAX).unwrap_or(i64::MAX);
        let rows = self.0.databases.of(scope)?.all(sql::ACTIVE, args![most]).await?;
        Ok(rows.iter().map(|row| self.known(scope, row)).collect::<Result<_, _>>()?)
    }
}
