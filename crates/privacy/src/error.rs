//! What can go wrong in this room.

use access::{Denied, NeedsFactor};
use audit::{LogError, NotDurable};
use axum::http::StatusCode;
use base::checks::Invalid;
use base::db::DbError;
use base::problem::{FieldError, Problem};

use crate::hold::HOLDS_MAX;

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// Nobody of this org.
    #[error("this organization knows no such person")]
    NoSuchPerson,
    /// No such request or hold.
    #[error("no such request or hold")]
    NotFound,
    /// Erasing what is still needed.
    #[error(
        "this person can still sign in: remove the member (or end the setup link) first; then \
         nothing of theirs is in use any more"
    )]
    StillThere,
    /// The erasure is done, or was taken back.
    #[error("this erasure is {0}")]
    NotNow(&'static str),
    /// A hold that holds nothing any more.
    #[error("this hold is lifted already")]
    Lifted,
    /// A receipt before its erasure.
    #[error("there is a receipt when the erasure is done")]
    NotErased,
    /// Some fields are wrong.
    #[error("some fields are wrong")]
    Invalid(Vec<FieldError>),
    /// More holds than can be.
    #[error("{HOLDS_MAX} holds are in force already: lift one first")]
    TooManyHolds,
    /// Too many exports wait.
    #[error("this organization makes too many exports at this moment")]
    Busy,
    /// The request itself is wrong.
    #[error(transparent)]
    Request(Problem),
    /// The reading could not be recorded.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The receipt could not be signed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.0)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::NoSuchPerson => Self::new(StatusCode::NOT_FOUND, "no_such_person", text),
            Error::NotFound => Self::not_found(),
            Error::StillThere => conflict("still_a_member"),
            Error::NotNow(_) => conflict("not_now"),
            Error::Lifted => conflict("lifted_already"),
            Error::NotErased => conflict("not_erased"),
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text).errors(errors)
            }
            Error::TooManyHolds => conflict("too_many_holds"),
            Error::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text).retry_after(5),
            Error::Request(problem) => problem,
            Error::NotDurable(cause) => cause.into(),
            Error::Log(cause) => Self::internal(&cause),
            Error::Db(cause) => cause.into(),
        }
    }
}
