//! Making a sink: first its kind, then its fields.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::fields::{self, Field, Typed};
use crate::target::KINDS;
use crate::{NewSink, Streams};

pub(super) fn routes() -> OpenApiRouter<Streams> {
    OpenApiRouter::new().routes(routes!(new, create))
}

#[derive(Template)]
#[template(path = "streams/new.html")]
struct NewPage {
    kind: String,
    fields: &'static [Field],
    secret: Option<(&'static str, &'static str)>,
    typed: Typed,
    faults: Faults,
}

impl NewPage {
    fn value(&self, name: &str) -> &str {
        fields::value(&self.typed, name)
    }

    fn label(&self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, label)| label)
    }
}

/// Which kind.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// The word of a kind.
    #[serde(default)]
    kind: String,
}

/// The kinds of sinks, or the fields of one.
#[utoipa::path(get, path = "/streams/new", tag = "console", params(Chosen),
    security(("key" = ["events:export"])), responses((status = 200)))]
async fn new(Query(chosen): Query<Chosen>) -> Result<View, Problem> {
    show(&chosen.kind, Typed::new(), Faults::default())
}

/// Makes a sink.
#[utoipa::path(post, path = "/streams/new", tag = "console",
    security(("key" = ["events:export"])), responses((status = 303), (status = 422)))]
async fn create(
    caller: Caller,
    State(streams): State<Streams>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let kind = fields::value(&typed, "kind").to_owned();
    let faults = match read(&kind, &typed) {
        Ok(new) => match streams.create(&caller, new).await {
            Ok(mut made) => {
                if let Some(secret) = made.secret.take() {
                    return super::secret_page(made, secret);
                }
                let to = format!("/streams/{}", made.sink.id);
                let said = format!("The record flows into {} now.", made.sink.name);
                return Ok(see_other(to).said(said).into_response());
            }
            Err(error) => Faults::of(error)?,
        },
        Err(faults) => faults,
    };
    Ok(show(&kind, typed, faults)?.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

fn read(kind: &str, typed: &Typed) -> Result<NewSink, Faults> {
    let from = match fields::value(typed, "from").trim() {
        "" => Ok(None),
        text => text.parse().map(Some),
    };
    Ok(NewSink {
        name: fields::value(typed, "name").to_owned(),
        target: fields::target(kind, typed)?,
        format: fields::format(typed)?,
        secret: fields::secret(typed),
        from: from.map_err(|_| Faults::field("from", "must be a whole number"))?,
    })
}

fn show(kind: &str, mut typed: Typed, faults: Faults) -> Result<View, Problem> {
    // What is secret is typed again.
    typed.remove("secret");
    if kind == "syslog" {
        typed.entry("target.port".to_owned()).or_insert_with(|| "6514".to_owned());
    }
    let page = NewPage {
        kind: kind.to_owned(),
        fields: fields::of(kind),
        secret: fields::secret_of(kind),
        typed,
        faults,
    };
    View::of("New stream", &page)
}
