//! What can go wrong in this room.

use access::{Denied, NeedsFactor};
use axum::http::StatusCode;
use base::checks::Invalid;
use base::db::DbError;
use base::problem::{FieldError, Problem};

use crate::begin::{ITEMS_MAX, OPEN_MAX};

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// No such campaign or item.
    #[error("no such access review, or no such item in it")]
    NotFound,
    /// Some fields are wrong.
    #[error("some fields are wrong")]
    Invalid(Vec<FieldError>),
    /// Programs review nobody.
    #[error("only a member reviews access: not a program")]
    PeopleOnly,
    /// Separate duties.
    #[error("nobody decides about their own access: another reviewer must")]
    OwnAccess,
    /// The signer would lose something by their own signature.
    #[error("this takes access from you: another reviewer must sign it off")]
    AboutSigner,
    /// The second signature must be somebody else's.
    #[error("you have signed already: the second signature must be another reviewer's")]
    SameSigner,
    /// Not everything is decided.
    #[error("{0} items are not decided yet")]
    Undecided(i64),
    /// Its state does not permit it.
    #[error("this access review is {0}")]
    NotNow(&'static str),
    /// More campaigns than may be under way.
    #[error("{OPEN_MAX} access reviews are under way already: sign one off or cancel it")]
    TooMany,
    /// More than a campaign can hold.
    #[error("this would hold {0} items, more than {ITEMS_MAX}: choose a narrower scope")]
    TooLarge(usize),
    /// Nothing to review.
    #[error("there is nothing to review in this scope")]
    Empty,
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
            Error::OwnAccess => forbidden("own_access"),
            Error::AboutSigner => conflict("about_signer"),
            Error::SameSigner => conflict("same_signer"),
            Error::Undecided(items) => conflict("undecided").with("undecided", items.into()),
            Error::NotNow(_) => conflict("not_now"),
            Error::TooMany => conflict("too_many_reviews"),
            Error::TooLarge(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_items", text)
            }
            Error::Empty => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_review", text),
            Error::Request(problem) => problem,
            Error::Identity(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
        }
    }
}
