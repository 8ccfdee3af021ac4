//! What can go wrong in this room.

use access::{Denied, NeedsFactor};
use audit::NotDurable;
use axum::http::StatusCode;
use base::checks::Invalid;
use base::db::DbError;
use base::fetch::Failed;
use base::problem::{FieldError, Problem};

use crate::manage::CONNECTIONS_MAX;
use crate::refused::Refused;

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// Some fields are wrong.
    #[error("{}", .0.first().map_or("a field is wrong", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// No such connection in this org.
    #[error("no such connection")]
    NotFound,
    /// The org has as many connections as it may have.
    #[error("an org has at most {CONNECTIONS_MAX} connections: remove one to add another")]
    TooMany,
    /// Somebody changed it meanwhile.
    #[error("the connection was changed meanwhile: look at it and try again")]
    Moved,
    /// Its state does not permit it.
    #[error("{0}")]
    Conflict(&'static str),
    /// Members connect themselves in a session of their own.
    #[error("you connect yourself in a session that is open, not with a key")]
    SessionOnly,
    /// The identity provider cannot be read.
    #[error("the identity provider cannot be read: {0}")]
    Unreadable(String),
    /// The identity provider cannot be reached.
    #[error("your identity provider cannot be reached right now; sessions that are open go on")]
    Unreachable,
    /// A sign-in was refused. Why is in the record, and nowhere else.
    #[error(
        "you could not be signed in; give your administrator the number of this request: the \
         record says why"
    )]
    Refused(Refused),
    /// Too many attempts from one place.
    #[error("too many attempts from your network: wait a little")]
    TooManyAttempts {
        /// When trying again makes sense.
        retry_secs: u64,
    },
    /// A verb of identity refused or failed.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// A problem of its own shape: a page limit, a body.
    #[error(transparent)]
    Problem(Problem),
    /// An event could not be made durable.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The machine failed: no randomness.
    #[error("the machine failed")]
    Machine(#[from] std::io::Error),
}

impl Error {
    /// A field that is wrong.
    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Self::Unreadable(failed.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).errors(errors)
            }
            Error::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            Error::TooMany => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_connections", detail)
            }
            Error::Moved => Self::new(StatusCode::CONFLICT, "connection_changed", detail),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            Error::SessionOnly => Self::new(StatusCode::FORBIDDEN, "session_only", detail),
            Error::Unreadable(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "provider_unreadable", detail)
            }
            Error::Unreachable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_unreachable", detail)
                    .retry_after(30)
            }
            Error::Refused(_) => Self::new(StatusCode::FORBIDDEN, "sign_in_refused", detail),
            Error::TooManyAttempts { retry_secs } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail)
                    .retry_after(retry_secs)
            }
            Error::Identity(error) => error.into(),
            Error::Problem(problem) => problem,
            Error::NotDurable(cause) => {
                Self::unavailable("record_unavailable", "the record is not available", &cause)
            }
            Error::Db(cause) => cause.into(),
            Error::Machine(cause) => Self::internal(&cause),
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.0)
    }
}
