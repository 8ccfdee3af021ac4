//! Asking and answering over HTTP: whole, or as server-sent events.

use access::Caller;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Again, Answered, Chat, Message, MessageFilter, Question, Talk};

/// Whether an answer comes as it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "bool")]
pub(crate) enum Delivery {
    /// As JSON, when it is whole.
    #[default]
    Whole,
    /// As server-sent events: `question`, `text` …, then `end` or `problem`.
    Stream,
}

impl From<bool> for Delivery {
    fn from(stream: bool) -> Self {
        if stream { Self::Stream } else { Self::Whole }
    }
}

impl Delivery {
    async fn of(self, talk: Talk) -> Result<Response, Problem> {
        match self {
            Self::Whole => Ok(Json(talk.whole().await?.or_refusal()?).into_response()),
            Self::Stream => {
                let mut response = Sse::new(talk.events().await?).into_response();
                let headers = response.headers_mut();
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
                Ok(response)
            }
        }
    }
}

/// A question, and how its answer is wanted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    /// The question: 1 byte to 32 KiB.
    text: String,
    /// Who answers from now on; who answered before if not given.
    #[serde(default)]
    model: Option<String>,
    /// How many messages the conversation had when this was written. If it has gone on since,
    /// nothing is asked: so that a question that is sent twice is asked once.
    #[serde(default)]
    after: Option<i64>,
    /// `true`: as server-sent events.
    #[serde(default)]
    #[schema(value_type = bool)]
    stream: Delivery,
}

/// How the last question is asked again, and how its answer is wanted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// Who answers from now on; who answered before if not given.
    #[serde(default)]
    model: Option<String>,
    /// How many messages the conversation had when this was wished for.
    #[serde(default)]
    after: Option<i64>,
    /// `true`: as server-sent events.
    #[serde(default)]
    #[schema(value_type = bool)]
    stream: Delivery,
}

impl Send {
    fn split(self) -> (Question, Delivery) {
        (Question { text: self.text, model: self.model, after: self.after }, self.stream)
    }
}

/// The messages of one of your conversations, the last one first.
#[utoipa::path(get, path = "/api/conversations/{id}/messages", tag = "chat",
    params(("id" = String, Path, description = "the id of a conversation"), MessageFilter),
    security(("key" = ["self"])), responses((status = 200, body = Page<Message>)))]
pub(crate) async fn list(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Query(filter): Query<MessageFilter>,
) -> Result<Json<Page<Message>>, Problem> {
    Ok(Json(chat.messages(&caller, &id, &filter).await?))
}

/// Asks a question. It is kept before it is asked; so is what comes of it, a refusal too.
#[utoipa::path(post, path = "/api/conversations/{id}/messages", tag = "chat",
    request_body = Send, params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 200, body = Answered)))]
pub(crate) async fn send(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Json(body): Json<Send>,
) -> Result<Response, Problem> {
    let (question, delivery) = body.split();
    delivery.of(chat.send(&caller, &id, question).await?).await
}

/// Asks another question in the place of an earlier one. What followed it is gone.
#[utoipa::path(put, path = "/api/conversations/{id}/messages/{position}", tag = "chat",
    request_body = Send,
    params(("id" = String, Path, description = "the id of a conversation"),
        ("position" = i64, Path, description = "the place of a question, from 1")),
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 200, body = Answered)))]
pub(crate) async fn edit(
    caller: Caller,
    State(chat): State<Chat>,
    Path((id, position)): Path<(String, i64)>,
    Json(body): Json<Send>,
) -> Result<Response, Problem> {
    let (question, delivery) = body.split();
    delivery.of(chat.edit(&caller, &id, position, question).await?).await
}

/// Asks the last question again. A new answer takes the place of the last one.
#[utoipa::path(post, path = "/api/conversations/{id}/retry", tag = "chat", request_body = Retry,
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 200, body = Answered)))]
pub(crate) async fn retry(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Json(body): Json<Retry>,
) -> Result<Response, Problem> {
    let again = Again { model: body.model, after: body.after };
    body.stream.of(chat.retry(&caller, &id, again).await?).await
}
