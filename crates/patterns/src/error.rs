//! What can go wrong in this room.

use access::Denied;
use audit::NotDurable;
use axum::http::StatusCode;
use base::db::DbError;
use base::problem::{FieldError, Problem};
use serde_json::json;

use crate::engine::{Flaw, ImportError};
use crate::judge::FailedCase;

/// Patterns of one org at most.
pub(crate) const PATTERNS_MAX: u64 = 10_000;

/// What can go wrong with patterns.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No such pattern, or none that the caller may know of.
    #[error("no such pattern")]
    NoSuchPattern,
    /// The pattern has no such version.
    #[error("no such version of this pattern")]
    NoSuchVersion,
    /// No pattern of this name answers.
    #[error("the model `{0}` does not exist, or you may not use it")]
    NoSuchModel(String),
    /// Another pattern of the org has this slug.
    #[error("the slug `{0}` is taken")]
    SlugTaken(String),
    /// The pattern was changed since the caller read it.
    #[error("the pattern is at version {0} by now: read it and try again")]
    Changed(i64),
    /// Some fields of a draft are wrong.
    #[error("{} of the pattern cannot be kept", if .0.len() == 1 { "one field" } else { "some fields" })]
    Flaws(Vec<Flaw>),
    /// Cases of what was to be published do not go as expected.
    #[error("{}: nothing was published", counted(.0))]
    CasesFailed(Vec<FailedCase>),
    /// The org has as many patterns as it may have.
    #[error("an organization keeps at most {PATTERNS_MAX} patterns")]
    TooMany,
    /// Too many cases are judged at this moment, or what they are judged by never stands still.
    #[error("this organization is trying and changing too much at once")]
    Busy,
    /// A file cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The patterns cannot be written as a file.
    #[error("the patterns could not be written as yaml")]
    Export(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A template needs a value that nobody gave.
    #[error("variable `{name}` of pattern `{slug}` is missing and has no default")]
    MissingVariable {
        /// The variable.
        name: String,
        /// Whose.
        slug: String,
    },
    /// A template has no such variable.
    #[error("pattern `{slug}` has no variable `{name}`")]
    UnknownVariable {
        /// What was given.
        name: String,
        /// Whose.
        slug: String,
    },
    /// A value for a template is wrong.
    #[error("variable `{name}` of pattern `{slug}` {message}")]
    InvalidVariable {
        /// The variable.
        name: String,
        /// Whose.
        slug: String,
        /// What is wrong with it.
        message: String,
    },
    /// The request itself is wrong.
    #[error(transparent)]
    Request(Problem),
    /// It could not be recorded.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NoSuchPattern | Error::NoSuchVersion => {
                Self::new(StatusCode::NOT_FOUND, "not_found", detail)
            }
            Error::NoSuchModel(_) => {
                Self::new(StatusCode::NOT_FOUND, "model_not_found", detail).param("model")
            }
            Error::SlugTaken(_) => {
                let taken = FieldError {
                    pointer: "/slug".into(),
                    detail: "is taken by another pattern".into(),
                };
                Self::new(StatusCode::CONFLICT, "slug_taken", detail).errors(vec![taken])
            }
            Error::Changed(latest) => Self::new(StatusCode::CONFLICT, "version_conflict", detail)
                .param("version")
                .with("version", json!(latest)),
            Error::Flaws(flaws) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
                .errors(flaws.into_iter().map(field).collect()),
            Error::CasesFailed(failed) => cases_failed(&failed, detail),
            Error::TooMany => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_patterns", detail)
            }
            Error::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5)
            }
            Error::Import(cause) => refused(cause),
            Error::Export(cause) => Self::internal(&*cause),
            Error::MissingVariable { name, .. } => {
                Self::bad_request("missing_variable", detail).param(format!("variables.{name}"))
            }
            Error::UnknownVariable { name, .. } => {
                Self::bad_request("unknown_variable", detail).param(format!("variables.{name}"))
            }
            Error::InvalidVariable { name, .. } => {
                Self::bad_request("invalid_variable", detail).param(format!("variables.{name}"))
            }
            Error::Request(problem) => problem,
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
        }
    }
}

fn field(flaw: Flaw) -> FieldError {
    FieldError { pointer: flaw.field, detail: flaw.message }
}

/// In how many cases it did not go as expected, and in which first.
pub(crate) fn counted(failed: &[FailedCase]) -> String {
    let Some(first) = failed.first() else { return "every case passes".to_owned() };
    let FailedCase { slug, number, reason, .. } = first;
    match failed.len() {
        1 => format!("case {number} of `{slug}` fails: {reason}"),
        many => format!("{many} cases fail, first case {number} of `{slug}`: {reason}"),
    }
}

/// Names the cases, each with its question: the caller may read the pattern.
fn cases_failed(failed: &[FailedCase], detail: String) -> Problem {
    let error = |case: &FailedCase| FieldError {
        pointer: format!("/cases/{}", case.number - 1),
        detail: format!("case {} of `{}`, `{}`: {}", case.number, case.slug, case.ask, case.reason),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "cases_failed", detail)
        .errors(failed.iter().map(error).collect())
        .with("failed", json!(failed))
}

/// Why a file was refused, with the line to look at.
fn refused(error: ImportError) -> Problem {
    let detail = error.to_string();
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    match error {
        ImportError::Size(_) => Problem::new(invalid, "import_too_large", detail),
        ImportError::Form { line, column, .. } => Problem::new(invalid, "invalid_yaml", detail)
            .with("line", json!(line))
            .with("column", json!(column)),
        ImportError::Flaws(flaws) => {
            let named = |(line, flaw): (u64, Flaw)| FieldError {
                pointer: flaw.field,
                detail: format!("line {line}: {}", flaw.message),
            };
            Problem::new(invalid, "invalid", "some patterns of the file cannot be kept; none was")
                .errors(flaws.into_iter().map(named).collect())
        }
    }
}
