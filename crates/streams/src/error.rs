//! What can go wrong in this room.

use access::{Denied, NeedsFactor};
use audit::NotDurable;
use axum::http::StatusCode;
use base::checks::Invalid;
use base::db::DbError;
use base::problem::{FieldError, Problem};

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// The operator's support looks at streams, and leaves none behind.
    #[error("support changes no stream: it would outlive the visit")]
    Visiting,
    /// Fields that are wrong.
    #[error("{}", .0.first().map_or("some fields are wrong", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// The org has no such sink.
    #[error("no such sink")]
    NotFound,
    /// The org has as many as it may have.
    #[error("an org has at most {0} sinks: remove one to add another")]
    TooMany(usize),
    /// Nothing stands in the way of the stream.
    #[error("the sink is not blocked")]
    NotBlocked,
    /// What stands in the way is not what was meant.
    #[error("the sink is blocked at `{0}` now: look again")]
    OtherItem(String),
    /// Somebody set the stream back meanwhile, or removed it.
    #[error("the stream stands elsewhere now: look again")]
    Moved,
    /// A notice of a gap is what makes the copy honest.
    #[error("the notice of a gap cannot be set aside: mend the sink, and it is tried again")]
    NoticeRefused,
    /// Only a webhook's secret is ours to make.
    #[error("only the secret of a webhook is made here: change the secret of this sink instead")]
    NotOurs,
    /// As many sinks are served as can be.
    #[error("too many sinks are served at this moment")]
    Busy,
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

impl From<Invalid> for Error {
    fn from(Invalid(fields): Invalid) -> Self {
        Self::Invalid(fields)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::Invalid(fields) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text).errors(fields)
            }
            Error::Visiting => Self::new(StatusCode::FORBIDDEN, "visiting", text),
            Error::NotFound => Self::not_found(),
            Error::TooMany(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_sinks", text)
            }
            Error::NotBlocked => conflict("not_blocked"),
            Error::OtherItem(_) => conflict("other_item").param("item"),
            Error::Moved => conflict("moved"),
            Error::NoticeRefused => conflict("notice_refused"),
            Error::NotOurs => conflict("not_a_webhook"),
            Error::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text).retry_after(5),
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
            Error::Machine(cause) => Self::internal(&cause),
        }
    }
}
