//! What can go wrong in this room.

use access::{Denied, NeedsFactor};
use audit::NotDurable;
use axum::http::StatusCode;
use base::db::DbError;
use base::problem::{FieldError, Problem};

use crate::NotADomain;

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// What was given is no domain.
    #[error("{0}")]
    NotADomain(NotADomain),
    /// The org does not claim such a domain.
    #[error("no such domain")]
    NotFound,
    /// The org has as many as it may have.
    #[error("an org has at most {0} domains: remove one to add another")]
    TooMany(usize),
    /// Another org proved it.
    #[error("another organization of this Portico has proven this domain")]
    Taken,
    /// It was asked a moment ago.
    #[error("the DNS was asked a moment ago: wait a little")]
    TooSoon,
    /// The record is not there.
    #[error("the DNS does not have the record yet: it can take an hour until it is seen")]
    NoRecord,
    /// The DNS does not answer.
    #[error("the DNS does not answer right now: try again later")]
    NoAnswer,
    /// A problem of its own shape: the directory.
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

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::NotADomain(_) => {
                let wrong = FieldError { pointer: "/domain".to_owned(), detail: text.clone() };
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text).errors(vec![wrong])
            }
            Error::NotFound => Self::not_found(),
            Error::TooMany(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_domains", text)
            }
            Error::Taken => conflict("domain_taken"),
            Error::NoRecord => conflict("no_record"),
            Error::TooSoon => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_soon", text).retry_after(10)
            }
            Error::NoAnswer => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "dns_unavailable", text).retry_after(60)
            }
            Error::Problem(problem) => problem,
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
            Error::Machine(cause) => Self::internal(&cause),
        }
    }
}
