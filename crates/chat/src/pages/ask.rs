//! What the forms of a conversation do. Without script each waits for the whole answer.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, see_other, sentence};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::shown::{Typed, Wanted};
use crate::{Again, ChangeConversation, Chat, Error, Question, StartConversation, Talk};

/// A question.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskForm {
    #[serde(default)]
    text: String,
    #[serde(default)]
    model: String,
    after: Option<i64>,
}

/// A question that takes the place of an earlier one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EditForm {
    position: i64,
    #[serde(default)]
    text: String,
    after: Option<i64>,
}

/// The last question again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryForm {
    model: Option<String>,
    after: Option<i64>,
}

/// Another title.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenameForm {
    #[serde(default)]
    title: String,
}

/// Nothing but the button.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteForm {}

/// Starts a conversation with a question.
#[utoipa::path(post, path = "/chat", tag = "console",
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 303)))]
pub(super) async fn begin(
    caller: Caller,
    State(chat): State<Chat>,
    Form(form): Form<AskForm>,
) -> Result<Response, Problem> {
    let start = StartConversation { model: form.model.clone(), title: None };
    let question = Question { text: form.text.clone(), model: None, after: Some(0) };
    match chat.begin(&caller, start, question).await {
        Ok((conversation, talk)) => answered(conversation.id.as_str(), talk).await,
        Err(error) => {
            let typed = Typed { text: form.text, model: Some(form.model), ..Typed::default() };
            again(&chat, &caller, None, error, typed).await
        }
    }
}

/// Asks a question in a conversation.
#[utoipa::path(post, path = "/chat/{id}/messages", tag = "console",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 303)))]
pub(super) async fn send(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Form(form): Form<AskForm>,
) -> Result<Response, Problem> {
    let model = Some(form.model.clone());
    let question = Question { text: form.text.clone(), model: model.clone(), after: form.after };
    match chat.send(&caller, &id, question).await {
        Ok(talk) => answered(&id, talk).await,
        Err(error) => {
            let typed = Typed { text: form.text, model, ..Typed::default() };
            again(&chat, &caller, Some(&id), error, typed).await
        }
    }
}

/// Asks another question in the place of an earlier one.
#[utoipa::path(post, path = "/chat/{id}/edit", tag = "console",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 303)))]
pub(super) async fn edit(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Form(form): Form<EditForm>,
) -> Result<Response, Problem> {
    let question = Question { text: form.text.clone(), model: None, after: form.after };
    match chat.edit(&caller, &id, form.position, question).await {
        Ok(talk) => answered(&id, talk).await,
        Err(error) => {
            let typed = Typed { edit: Some((form.position, form.text)), ..Typed::default() };
            again(&chat, &caller, Some(&id), error, typed).await
        }
    }
}

/// Asks the last question again.
#[utoipa::path(post, path = "/chat/{id}/retry", tag = "console",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["patterns:run"]), ("key" = ["models:invoke"])),
    responses((status = 303)))]
pub(super) async fn retry(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Form(form): Form<RetryForm>,
) -> Result<Response, Problem> {
    match chat.retry(&caller, &id, Again { model: form.model, after: form.after }).await {
        Ok(talk) => answered(&id, talk).await,
        Err(error) => again(&chat, &caller, Some(&id), error, Typed::default()).await,
    }
}

/// Renames a conversation.
#[utoipa::path(post, path = "/chat/{id}/rename", tag = "console",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["self"])), responses((status = 303)))]
pub(super) async fn rename(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Form(form): Form<RenameForm>,
) -> Result<Response, Problem> {
    let patch = ChangeConversation { title: Some(form.title.clone()), model: None };
    match chat.change(&caller, &id, patch).await {
        Ok(_) => Ok(see_other(format!("/chat/{id}"))
            .said("The conversation was renamed.")
            .into_response()),
        Err(error) => {
            let typed = Typed { title: Some(form.title), ..Typed::default() };
            again(&chat, &caller, Some(&id), error, typed).await
        }
    }
}

/// Deletes a conversation.
#[utoipa::path(post, path = "/chat/{id}/delete", tag = "console",
    params(("id" = String, Path, description = "the id of a conversation")),
    security(("key" = ["self"])), responses((status = 303)))]
pub(super) async fn delete(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Form(DeleteForm {}): Form<DeleteForm>,
) -> Result<Response, Problem> {
    match chat.delete(&caller, &id).await {
        Ok(()) => Ok(see_other("/chat").said("The conversation was deleted.").into_response()),
        Err(error) => again(&chat, &caller, Some(&id), error, Typed::default()).await,
    }
}

/// Waits for the end, and goes to it. A refusal stands there, or is said on the way.
async fn answered(id: &str, talk: Talk) -> Result<Response, Problem> {
    let answered = talk.whole().await?;
    let to = see_other(format!("/chat/{id}#m-{}", answered.answer.position));
    Ok(match answered.refused {
        Some(problem) => to.said(format!("There is no new answer. {}", sentence(problem.detail()))),
        None => to,
    }
    .into_response())
}

/// The page again, with what was typed and what was wrong with it.
async fn again(
    chat: &Chat,
    caller: &Caller,
    id: Option<&str>,
    error: Error,
    typed: Typed,
) -> Result<Response, Problem> {
    let problem = Problem::from(error);
    let words = sentence(problem.detail());
    Faults::of(problem)?;
    let typed = Typed { faults: Faults::general(words), ..typed };
    let page = chat.page(caller, id, &Wanted::default(), typed).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}
