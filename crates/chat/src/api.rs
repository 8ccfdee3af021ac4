//! Conversations over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api_messages;
use crate::{
    ChangeConversation, Chat, Conversation, Filter, Found, Retention, Search, SetRetention,
    StartConversation,
};

/// The routes of this room.
pub fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(search))
        .routes(routes!(retention, set_retention))
        .routes(routes!(one, change, delete))
        .routes(routes!(api_messages::list, api_messages::send))
        .routes(routes!(api_messages::edit))
        .routes(routes!(api_messages::retry))
        .with_state(chat)
}

/// Your conversations, the one last talked in first.
#[utoipa::path(get, path = "/api/conversations", tag = "chat", params(Filter),
    security(("key" = ["self"])), responses((status = 200, body = Page<Conversation>)))]
async fn list(
    caller: Caller,
    State(chat): State<Chat>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Conversation>>, Problem> {
    Ok(Json(chat.list(&caller, &filter).await?))
}

/// Starts a conversation, without a message.
#[utoipa::path(post, path = "/api/conversations", tag = "chat", request_body = StartConversation,
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 201, body = Conversation)))]
async fn start(
    caller: Caller,
    State(chat): State<Chat>,
    Json(body): Json<StartConversation>,
) -> Result<impl IntoResponse, Problem> {
    let conversation = chat.start(&caller, body).await?;
    let location = [(LOCATION, format!("/api/conversations/{}", conversation.id))];
    Ok((StatusCode::CREATED, location, Json(conversation)))
}

/// Your conversations whose title or one message has all the words, and how far was looked.
#[utoipa::path(get, path = "/api/conversations/search", tag = "chat", params(Search),
    security(("key" = ["self"])), responses((status = 200, body = Found)))]
async fn search(
    caller: Caller,
    State(chat): State<Chat>,
    Query(search): Query<Search>,
) -> Result<Json<Found>, Problem> {
    Ok(Json(chat.search(&caller, &search).await?))
}

/// How long conversations of the org are kept.
#[utoipa::path(get, path = "/api/conversations/retention", tag = "chat",
    security(("key" = ["settings:read"])), responses((status = 200, body = Retention)))]
async fn retention(caller: Caller, State(chat): State<Chat>) -> Result<Json<Retention>, Problem> {
    Ok(Json(chat.retention(&caller).await?))
}

/// Decides how long conversations of the org are kept.
#[utoipa::path(put, path = "/api/conversations/retention", tag = "chat",
    request_body = SetRetention, security(("key" = ["settings:update"])),
    responses((status = 200, body = Retention)))]
async fn set_retention(
    caller: Caller,
    State(chat): State<Chat>,
    Json(body): Json<SetRetention>,
) -> Result<Json<Retention>, Problem> {
    Ok(Json(chat.set_retention(&caller, body).await?))
}

/// One of your conversations.
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "chat",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["self"])), responses((status = 200, body = Conversation)))]
async fn one(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
) -> Result<Json<Conversation>, Problem> {
    Ok(Json(chat.get(&caller, &id).await?))
}

/// Renames one of your conversations, or sets who answers in it.
#[utoipa::path(patch, path = "/api/conversations/{id}", tag = "chat",
    request_body = ChangeConversation,
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["self"])), responses((status = 200, body = Conversation)))]
async fn change(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Json(body): Json<ChangeConversation>,
) -> Result<Json<Conversation>, Problem> {
    Ok(Json(chat.change(&caller, &id, body).await?))
}

/// Deletes one of your conversations, with everything that was said in it: 409 `must_be_kept`
/// while a legal hold or the retention of the organization keeps it.
#[utoipa::path(delete, path = "/api/conversations/{id}", tag = "chat",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["self"])), responses((status = 204), (status = 409)))]
async fn delete(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    chat.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
