//! One sink: how it is, and its settings.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::fields::{self, Field, Typed};
use crate::sink::State as Standing;
use crate::{ChangeSink, Sink, SinkId, Streams, Trial};

pub(super) fn routes() -> OpenApiRouter<Streams> {
    OpenApiRouter::new().routes(routes!(show, change))
}

#[derive(Template)]
#[template(path = "streams/one.html")]
struct OnePage {
    sink: Sink,
    fields: &'static [Field],
    secret: Option<(&'static str, &'static str)>,
    typed: Typed,
    trial: Option<Trial>,
    may_change: bool,
    faults: Faults,
}

impl OnePage {
    fn value(&self, name: &str) -> &str {
        fields::value(&self.typed, name)
    }

    fn is(&self, state: Standing) -> bool {
        self.sink.state == state
    }

    /// Whether what it is blocked at can be set aside.
    fn may_set_aside(&self) -> bool {
        self.sink.blocked_at.as_ref().is_some_and(|item| !item.starts_with("gap-"))
    }
}

/// One sink.
#[utoipa::path(get, path = "/streams/{id}", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:read"])), responses((status = 200)))]
async fn show(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
) -> Result<View, Problem> {
    page(&streams, &caller, &id, None, None, Faults::default()).await
}

/// Changes a sink.
#[utoipa::path(post, path = "/streams/{id}", tag = "console",
    params(("id" = String, Path, description = "the sink")),
    security(("key" = ["events:export"])), responses((status = 303), (status = 422)))]
async fn change(
    caller: Caller,
    State(streams): State<Streams>,
    Path(id): Path<SinkId>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let kind = streams.get(&caller, &id).await?.target.kind();
    let faults = match read(kind, &typed) {
        Ok(wanted) => match streams.change(&caller, &id, wanted).await {
            Ok(sink) => {
                let said = format!("{} was changed.", sink.name);
                return Ok(see_other(format!("/streams/{id}")).said(said).into_response());
            }
            Err(error) => Faults::of(error)?,
        },
        Err(faults) => faults,
    };
    let page = page(&streams, &caller, &id, Some(typed), None, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

fn read(kind: &str, typed: &Typed) -> Result<ChangeSink, Faults> {
    Ok(ChangeSink {
        name: Some(fields::value(typed, "name").to_owned()),
        target: Some(fields::target(kind, typed)?),
        format: fields::format(typed)?,
        secret: fields::secret(typed),
        paused: None,
    })
}

pub(super) async fn page(
    streams: &Streams,
    caller: &Caller,
    id: &SinkId,
    typed: Option<Typed>,
    trial: Option<Trial>,
    faults: Faults,
) -> Result<View, Problem> {
    let sink = streams.get(caller, id).await?;
    let mut typed = typed.unwrap_or_else(|| {
        let mut typed = fields::typed(&sink.target);
        typed.insert("name".to_owned(), sink.name.clone());
        typed.insert("format".to_owned(), sink.format.to_string());
        typed
    });
    typed.remove("secret");
    let kind = sink.target.kind();
    let page = OnePage {
        fields: fields::of(kind),
        secret: fields::secret_of(kind),
        typed,
        trial,
        may_change: caller.may_somewhere(Permission::EventsExport),
        faults,
        sink,
    };
    View::of(page.sink.name.clone(), &page)
}
