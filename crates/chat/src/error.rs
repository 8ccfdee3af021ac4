//! What can go wrong in this room.

use access::{CredentialsEnded, Denied};
use audit::{Keeping, Kept};
use axum::http::StatusCode;
use base::db::DbError;
use base::problem::{FieldError, Problem};
use serde_json::json;

use crate::ask::MESSAGES_MAX;
use crate::own::CONVERSATIONS_MAX;

/// What can go wrong with conversations.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No such conversation, or it is somebody else's.
    #[error("no such conversation")]
    NoSuchConversation,
    /// The conversation has no such question.
    #[error("no such question in this conversation")]
    NoSuchQuestion,
    /// Some fields are wrong.
    #[error("{}", .0.first().map_or("a field is wrong", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// The member has as many conversations as they may have.
    #[error("you have {CONVERSATIONS_MAX} conversations: delete one to start another")]
    TooMany,
    /// The conversation has as many messages as it may have.
    #[error("a conversation has at most {MESSAGES_MAX} messages: start a new one")]
    Full,
    /// An answer is under way.
    #[error("an answer is under way in this conversation: wait for it or stop it")]
    Answering,
    /// Something was said since the caller looked.
    #[error("the conversation has gone on to message {0}: look at it and ask again")]
    Moved(i64),
    /// A legal hold or the retention of the org keeps what was to be deleted or replaced.
    #[error("{}", must_be_kept(.0))]
    MustBeKept(Kept),
    /// The credentials of the caller ended before the answer did.
    #[error(transparent)]
    CredentialsEnded(#[from] CredentialsEnded),
    /// The request itself is wrong.
    #[error(transparent)]
    Request(Problem),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// A field that is wrong.
    pub(crate) fn field(name: &str, detail: impl Into<String>) -> Self {
        let pointer = format!("/{name}");
        Self::Invalid(vec![FieldError { pointer, detail: detail.into() }])
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NoSuchConversation | Error::NoSuchQuestion => {
                Self::new(StatusCode::NOT_FOUND, "not_found", detail)
            }
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).errors(errors)
            }
            Error::TooMany => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_conversations", detail)
            }
            Error::Full => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "conversation_full", detail),
            Error::Answering => Self::new(StatusCode::CONFLICT, "answer_under_way", detail),
            Error::Moved(last) => Self::new(StatusCode::CONFLICT, "conversation_moved", detail)
                .with("messages", json!(last)),
            Error::MustBeKept(kept) => {
                let problem = Self::new(StatusCode::CONFLICT, "must_be_kept", detail);
                match kept.until {
                    Some(until) => problem.with("until", json!(until)),
                    None => problem,
                }
            }
            Error::CredentialsEnded(ended) => ended.into(),
            Error::Request(problem) => problem,
            Error::Db(cause) => cause.into(),
        }
    }
}

/// That something keeps it, never why somebody placed a hold.
fn must_be_kept(kept: &Kept) -> String {
    let until = match (kept.by, kept.until) {
        (_, Some(until)) => format!("until {until}"),
        (Keeping::Hold, None) => "until it is lifted".to_owned(),
        (Keeping::Retention, None) => "for ever".to_owned(),
    };
    format!(
        "this conversation must be kept: {kept} blocks deleting it and replacing anything in it \
         {until}; you can go on talking in it"
    )
}
