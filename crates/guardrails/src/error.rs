//! What can go wrong in this room.

use access::{Denied, NeedsFactor, Objection};
use axum::http::StatusCode;
use base::db::DbError;
use base::problem::{FieldError, Problem};

use crate::bounds::POLICIES_MAX;

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// Fields that are wrong, each with its reason.
    #[error("{}", .0.first().map_or("some fields are wrong", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// No such guardrail in this org.
    #[error("no such guardrail")]
    NoSuchGuardrail,
    /// Something of this name is there already.
    #[error("there is already a guardrail of this name")]
    Exists,
    /// The org has as many as it may have.
    #[error("an org has at most {POLICIES_MAX} guardrails: remove one first")]
    TooMany,
    /// Whoever asks could not take it back.
    #[error("you could not change guardrails any more, here and now: {}", .0.detail)]
    LocksOut(Objection),
    /// More simulations than are run at once.
    #[error("other simulations are running: try again in a moment")]
    Busy,
    /// The guardrails could not be put together.
    #[error("the guardrails could not be put together")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The change was refused or failed.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// The event could not be made durable.
    #[error(transparent)]
    NotDurable(#[from] audit::NotDurable),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// A field that is wrong.
    pub(crate) fn field(name: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: format!("/{name}"), detail: detail.into() }])
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::Invalid(errors) => Self::new(unprocessable, "invalid", detail).errors(errors),
            Error::NoSuchGuardrail => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            Error::Exists => Self::new(StatusCode::CONFLICT, "exists", detail).param("name"),
            Error::TooMany => Self::new(unprocessable, "too_many_guardrails", detail),
            Error::LocksOut(objection) => Self::new(unprocessable, "locks_you_out", detail)
                .with("policies", objection.policies.into()),
            Error::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5)
            }
            Error::Unusable(cause) => Self::internal(&*cause),
            Error::Identity(cause) => cause.into(),
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
        }
    }
}
