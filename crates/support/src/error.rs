//! What can go wrong in this room.

use access::{Denied, NeedsFactor, Region};
use axum::http::StatusCode;
use base::checks::Invalid;
use base::db::DbError;
use base::problem::{FieldError, Problem};

use crate::ask::WAITING_MAX;

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// No such request, or it is none of the caller's.
    #[error("no such support request")]
    NotFound,
    /// Some fields are wrong.
    #[error("some fields are wrong")]
    Invalid(Vec<FieldError>),
    /// Programs neither ask nor consent.
    #[error("only a member decides about support access: not a program, not the operator")]
    PeopleOnly,
    /// A key opens no visit.
    #[error("a visit is entered from a browser, by whoever is signed in there")]
    SessionOnly,
    /// Separate duties.
    #[error("nobody approves what they asked for themselves")]
    OwnRequest,
    /// The operators' own org.
    #[error("the operators' own organization has no support access: use its own roles")]
    OwnOrg,
    /// The org lives elsewhere.
    #[error(
        "this organization is at home in region `{0}`: ask from where that region and the \
         operators' organization are served together"
    )]
    WrongRegion(Region),
    /// As many requests as may wait.
    #[error(
        "{WAITING_MAX} requests wait already: an approver of the organization must decide first"
    )]
    TooMany,
    /// Somebody decided already, or time did.
    #[error("this request was decided, withdrawn or has lapsed")]
    Decided,
    /// There is nothing to enter, or not any more.
    #[error("the organization has not granted this, or not any more")]
    NotGranted,
    /// The request itself is wrong.
    #[error(transparent)]
    Request(Problem),
    /// Identification failed.
    #[error(transparent)]
    Identity(#[from] identity::Error),
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
        let forbidden = |code| Self::new(StatusCode::FORBIDDEN, code, text.clone());
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", text),
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text).errors(errors)
            }
            Error::PeopleOnly => forbidden("people_only"),
            Error::SessionOnly => forbidden("session_only"),
            Error::OwnRequest => forbidden("own_request"),
            Error::OwnOrg => conflict("own_org"),
            Error::WrongRegion(home) => {
                conflict("served_elsewhere").with("home", home.as_str().into())
            }
            Error::TooMany => conflict("too_many_requests_wait"),
            Error::Decided => conflict("already_decided"),
            Error::NotGranted => conflict("not_granted"),
            Error::Request(problem) => problem,
            Error::Identity(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
        }
    }
}
