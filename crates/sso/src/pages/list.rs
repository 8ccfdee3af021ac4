//! All connections, and a new one.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Connection, ConnectionState, Guide, Kind, NewConnection, Sso};

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(new))
}

#[derive(Debug, Template)]
#[template(path = "sso/connections.html")]
struct ListPage {
    connections: Vec<Connection>,
}

/// What the way here chose.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Choice {
    /// Whose steps to show.
    guide: Option<String>,
    /// `saml` or `oidc`.
    kind: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewForm {
    guide: Guide,
    kind: Kind,
    name: String,
}

#[derive(Debug, Template)]
#[template(path = "sso/new.html")]
struct NewPage {
    guides: [Guide; 7],
    chosen: Option<(Guide, Kind)>,
    name: String,
    faults: Faults,
}

impl NewPage {
    fn steps(&self) -> &'static [&'static str] {
        self.chosen.map_or(&[], |(guide, kind)| guide.steps(kind))
    }
}

/// The connections of the org.
#[utoipa::path(get, path = "/connections", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn list(caller: Caller, State(sso): State<Sso>) -> Result<View, Problem> {
    // As many as there can be.
    let connections = sso.list(&caller, None, Some(200)).await?.items;
    View::of("Connections", &ListPage { connections })
}

/// A new connection: which provider, and what it is called.
#[utoipa::path(get, path = "/connections/new", tag = "console", params(Choice),
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn new(_: Caller, Query(choice): Query<Choice>) -> Result<View, Problem> {
    let guide = choice.guide.as_deref().and_then(|text| text.parse::<Guide>().ok());
    let kind = choice.kind.as_deref().and_then(|text| text.parse::<Kind>().ok());
    let chosen = guide.zip(kind);
    let name = chosen.map_or("", |(guide, _)| match guide {
        Guide::Other => "",
        named => named.label(),
    });
    let page =
        NewPage { guides: Guide::ALL, chosen, name: name.to_owned(), faults: Faults::default() };
    View::of("New connection", &page)
}

/// Makes a connection. Its page shows what to do next.
#[utoipa::path(post, path = "/connections", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn create(
    caller: Caller,
    State(sso): State<Sso>,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let NewForm { guide, kind, name } = form;
    let new = NewConnection {
        kind,
        guide,
        name: name.clone(),
        source: None,
        client_id: None,
        client_secret: None,
    };
    match sso.create(&caller, new).await {
        Ok(made) => Ok(see_other(format!("/connections/{}", made.id))
            .said("The connection was made. Nobody signs in through it yet.")
            .into_response()),
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = NewPage { guides: Guide::ALL, chosen: Some((guide, kind)), name, faults };
            let page = View::of("New connection", &page)?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}
