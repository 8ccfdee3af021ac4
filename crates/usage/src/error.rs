//! What can go wrong, and how it is told.

use access::{CredentialsEnded, Denied};
use base::db::DbError;
use base::problem::Problem;

/// What can go wrong when usage is read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A parameter that makes no sense: its name, and what is wrong with it.
    #[error("{1}")]
    BadQuery(&'static str, String),
    /// The credentials of the reader ended in the middle of an export.
    #[error(transparent)]
    CredentialsEnded(#[from] CredentialsEnded),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denied) => denied.into(),
            Error::BadQuery(param, detail) => {
                Self::bad_request("invalid_query", detail).param(param)
            }
            Error::CredentialsEnded(ended) => ended.into(),
            Error::Db(cause) => cause.into(),
        }
    }
}
