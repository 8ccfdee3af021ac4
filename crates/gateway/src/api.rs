//! `OpenAI`'s paths.

use std::sync::Arc;

use access::{Caller, Permission};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base::http::{Json, Path, is_json, read};
use base::problem::Problem;
use serde_json::{Value, json};

use crate::Gateway;
use crate::catalogue::Model;
use crate::error::{Error, openai_shape};
use crate::wire::ask::Kind;

/// Bytes of a request at most.
pub const BODY_MAX: usize = 32 << 20;

/// The routes of this room. They are `OpenAI`'s, not ours, so they stand in `OpenAI`'s
/// documentation and not in our `OpenAPI` document; errors have `OpenAI`'s shape.
pub fn routes(gateway: Gateway) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(models))
        .route("/v1/models/{*model}", get(model))
        .route("/v1/{*path}", axum::routing::any(nothing))
        .layer(map_response(shape))
        .with_state(gateway)
}

async fn chat(
    caller: Caller,
    State(gateway): State<Gateway>,
    request: Request,
) -> Result<Response, Problem> {
    let body = body(request).await?;
    Ok(gateway.ask(&caller, Kind::Chat, body).await?.into_response())
}

async fn embeddings(
    caller: Caller,
    State(gateway): State<Gateway>,
    request: Request,
) -> Result<Response, Problem> {
    let body = body(request).await?;
    Ok(gateway.ask(&caller, Kind::Embeddings, body).await?.into_response())
}

async fn models(caller: Caller, State(gateway): State<Gateway>) -> Result<Json<Value>, Problem> {
    let models = gateway.models(&caller).await?;
    Ok(Json(json!({ "object": "list", "data": models })))
}

async fn model(
    caller: Caller,
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let models = gateway.models(&caller).await?;
    let found = models.into_iter().find(|model| model["id"] == name.as_str());
    Ok(Json(found.ok_or_else(|| Problem::from(Error::NoSuchModel(name, caller.region)))?))
}

async fn nothing(_caller: Caller) -> Problem {
    let detail = "there is no such path; see /v1/chat/completions, /v1/embeddings, /v1/models";
    Problem::new(StatusCode::NOT_FOUND, "unknown_path", detail)
}

async fn body(request: Request) -> Result<bytes::Bytes, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(is_json) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send the body as `content-type: application/json`",
        ));
    }
    read(request, BODY_MAX).await
}

async fn shape(response: Response) -> Response {
    match response.extensions().get::<Problem>() {
        Some(problem) => openai_shape(problem),
        None => response,
    }
}

impl Gateway {
    /// What this caller may name, as `OpenAI` lists models.
    async fn models(&self, caller: &Caller) -> Result<Vec<Value>, Error> {
        let callable = self.callable(caller);
        let mut list: Vec<_> =
            callable.iter().map(|model| entry(&model.name, "provider")).collect();
        let runnable = self.runnable(caller).await?;
        list.extend(runnable.iter().map(|name| entry(name, "portico")));
        Ok(list)
    }

    /// The models of the region that this caller may call, by name.
    pub(crate) fn callable(&self, caller: &Caller) -> Vec<Arc<Model>> {
        let catalogue = self.0.catalogue.load();
        let may = |model: &&&Arc<Model>| {
            names(caller, &model.name) && caller.may_on(Permission::ModelsInvoke, model.thing())
        };
        catalogue.models(caller.region).iter().filter(may).map(|model| (*model).clone()).collect()
    }

    /// The names of the embedded engine that this caller may use.
    pub(crate) async fn runnable(&self, caller: &Caller) -> Result<Vec<String>, Error> {
        let mut patterns = self.0.engine.models(caller).await?;
        patterns.retain(|name| names(caller, name));
        Ok(patterns)
    }
}

/// Whether the caller's key may name this model.
pub(crate) fn names(caller: &Caller, name: &str) -> bool {
    caller.models.as_ref().is_none_or(|models| models.iter().any(|model| model == name))
}

fn entry(name: &str, owner: &str) -> Value {
    // `OpenAI` demands an instant of making; a catalogue has none.
    json!({ "id": name, "object": "model", "created": 1_767_225_600, "owned_by": owner })
}
