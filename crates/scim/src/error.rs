//! What can go wrong, as directories and as people are told.

use access::{Denied, NeedsFactor};
use axum::http::StatusCode;
use base::db::DbError;
use base::problem::{FieldError, Problem};

/// Why a verb of this room was refused or failed. No variant quotes what a directory
/// sent: what is told also stands in the record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The caller must confirm first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// Fields of our own API that are wrong.
    #[error("{}", .0.first().map_or("a field is wrong", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// The request is not what the protocol says.
    #[error("{0}")]
    Syntax(String),
    /// A value does not fit its attribute.
    #[error("{0}")]
    Value(String),
    /// A filter cannot be understood.
    #[error("{0}")]
    Filter(String),
    /// A path cannot be understood.
    #[error("{0}")]
    Path(String),
    /// A path leads to nothing.
    #[error("{0}")]
    NoTarget(String),
    /// The attribute cannot be changed so.
    #[error("{0}")]
    Mutability(String),
    /// More than one request is given.
    #[error("{0}")]
    TooMany(String),
    /// Something else has this value, and only one may.
    #[error("{0}")]
    Uniqueness(&'static str),
    /// It stands against the state of the org.
    #[error("{0}")]
    Conflict(&'static str),
    /// The member may more than whoever made the directory's token.
    #[error(
        "this member may more than whoever made the token of this directory: somebody who may as \
         much makes a new token in the console"
    )]
    NotVouched,
    /// The token ended while the request was under way.
    #[error("the token of this directory has ended")]
    Ended,
    /// It was changed since the caller looked.
    #[error("the resource was changed since: read it again")]
    Changed,
    /// No such thing in this directory.
    #[error("no such resource")]
    NotFound,
    /// This service has no such operation.
    #[error("{0}")]
    NotImplemented(&'static str),
    /// The body is larger than it may be.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// More requests than one directory may send.
    #[error("too many requests of this directory: wait a little")]
    Busy {
        /// When trying again makes sense.
        retry_secs: u64,
    },
    /// The members, teams or roles of the org do not permit it.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// A problem of its own shape: a page limit.
    #[error(transparent)]
    Problem(Problem),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The machine failed: no randomness.
    #[error("the machine failed")]
    Machine(#[from] std::io::Error),
}

impl Error {
    /// A field of our own API that is wrong.
    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// The word of RFC 7644, section 3.12, if there is one for it.
    pub(crate) const fn scim_type(&self) -> Option<&'static str> {
        match self {
            Self::Syntax(_) => Some("invalidSyntax"),
            Self::Value(_) | Self::Invalid(_) | Self::Identity(identity::Error::Invalid(_)) => {
                Some("invalidValue")
            }
            Self::Filter(_) => Some("invalidFilter"),
            Self::Path(_) => Some("invalidPath"),
            Self::NoTarget(_) => Some("noTarget"),
            Self::Mutability(_) => Some("mutability"),
            Self::TooMany(_) => Some("tooMany"),
            Self::Uniqueness(_) | Self::Identity(identity::Error::Exists(_)) => Some("uniqueness"),
            Self::Identity(_)
            | Self::Denied(_)
            | Self::NeedsFactor(_)
            | Self::Conflict(_)
            | Self::NotVouched
            | Self::Ended
            | Self::Changed
            | Self::NotFound
            | Self::NotImplemented(_)
            | Self::TooLarge(_)
            | Self::Busy { .. }
            | Self::Problem(_)
            | Self::Db(_)
            | Self::Machine(_) => None,
        }
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
            Error::Syntax(_)
            | Error::Value(_)
            | Error::Filter(_)
            | Error::Path(_)
            | Error::NoTarget(_)
            | Error::Mutability(_) => Self::bad_request("invalid_request", detail),
            Error::TooMany(_) => Self::bad_request("too_many", detail),
            Error::Uniqueness(_) => Self::new(StatusCode::CONFLICT, "exists", detail),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            Error::NotVouched => Self::new(StatusCode::FORBIDDEN, "not_vouched", detail),
            Error::Ended => Self::new(StatusCode::UNAUTHORIZED, "credentials_ended", detail),
            Error::Changed => Self::new(StatusCode::PRECONDITION_FAILED, "changed", detail),
            Error::NotFound => Self::not_found(),
            Error::NotImplemented(_) => {
                Self::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", detail)
            }
            Error::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail),
            Error::Busy { retry_secs } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
                    .retry_after(retry_secs)
            }
            Error::Identity(cause) => cause.into(),
            Error::Problem(problem) => problem,
            Error::Db(cause) => cause.into(),
            Error::Machine(cause) => Self::internal(&cause),
        }
    }
}
