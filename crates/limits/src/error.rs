//! What can go wrong, and how it is told.

use std::fmt;
use std::io;

use access::Denied;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use base::db::DbError;
use base::money::NanoCents;
use base::problem::{FieldError, Problem};
use serde_json::{Value, json};

use crate::core::{Dimension, Refused, Retry};
use crate::headers::{self, millis_up, seconds_up};
use crate::shared::Away;
use crate::subject::{NotASubject, bare, spoken};

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
/// The official clients of `OpenAI` try again on every 429, unless this says no.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Seconds that a program may be expected to wait.
const WAIT_SECS_MAX: u64 = 60;

/// What can go wrong with limits.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A limit stands in the way; nothing was taken.
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
    /// A call of this id is under way already: an id stands for one call.
    #[error("a call of this id is already under way")]
    Repeated,
    /// The limits or the ledger of the org could not be read.
    #[error("the limits could not be loaded")]
    Unloadable(#[source] DbError),
    /// Somebody else has just tried to read them in vain, or it took too long.
    #[error("the limits could not be loaded in time")]
    Unavailable,
    /// The store of the counters is away, and what was asked cannot be decided without it.
    #[error("the counters are not available")]
    StoreAway(#[source] Away),
    /// What the call may spend could not be noted, and an earlier note could not be removed.
    #[error("what the call may spend could not be noted")]
    Unnoted(#[source] io::Error),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Such a subject cannot be.
    #[error(transparent)]
    NotASubject(#[from] NotASubject),
    /// No limit is set on this subject.
    #[error("no limit is set on this subject")]
    NoSuchLimit,
    /// A ceiling that cannot be set.
    #[error("say at least one limit")]
    BadCeiling(Vec<FieldError>),
    /// The org has as many limits as it can have.
    #[error("an organization can have {0} limits at most; set one for each with `*`")]
    TooMany(u64),
    /// Something else about the request.
    #[error(transparent)]
    BadQuery(Problem),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Refused(refused) => told(&refused),
            Error::Repeated => Self::new(StatusCode::CONFLICT, "call_repeated", text),
            Error::Unloadable(_) | Error::Unavailable => {
                let detail = "the limits are not available; nothing was called";
                Self::unavailable("limits_unavailable", detail, &error)
            }
            Error::StoreAway(_) | Error::Unnoted(_) => {
                let detail = "the counters are not available, so money cannot be limited now; \
                              nothing was called";
                Self::unavailable("counters_unavailable", detail, &error)
            }
            Error::Denied(denied) => denied.into(),
            Error::NotASubject(_) => Self::invalid("subject", text),
            Error::NoSuchLimit => Self::new(StatusCode::NOT_FOUND, "not_found", text),
            Error::BadCeiling(errors) => {
                let first = errors.first().map_or(text, |first| first.detail.clone());
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", first).errors(errors)
            }
            Error::TooMany(_) => Self::new(StatusCode::CONFLICT, "too_many_limits", text),
            Error::BadQuery(problem) => problem,
            Error::Db(cause) => cause.into(),
        }
    }
}

/// A refusal, as the caller reads it: 429, with when to come back.
fn told(refused: &Refused) -> Problem {
    let money = is_money(refused.dimension);
    let code = match refused.retry {
        Retry::Never => "request_too_large_for_limit",
        Retry::After(_) if money => "insufficient_quota",
        Retry::After(_) => "rate_limit_exceeded",
    };
    let limit = json!({
        "level": refused.level,
        "subject": bare(&refused.subject),
        "dimension": refused.dimension,
        "limit": amount(refused.dimension, refused.limit),
        "remaining": amount(refused.dimension, refused.remaining),
    });
    let detail = sentence(refused).to_string();
    let mut problem =
        Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail).with("limit", limit);
    let mut worth_it = false;
    if let Retry::After(wait) = refused.retry {
        let seconds = seconds_up(wait).max(1);
        worth_it = seconds <= WAIT_SECS_MAX;
        problem = problem
            .header(RETRY_AFTER, seconds.into())
            .header(RETRY_AFTER_MS, millis_up(wait).max(1).into());
    }
    if !worth_it {
        problem = problem.header(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    for (name, value) in headers::of(&refused.standing) {
        if let Some(name) = name {
            problem = problem.header(name, value);
        }
    }
    problem
}

/// `the limit of the team allows 20 requests per minute; none is left`.
fn sentence(refused: &Refused) -> impl fmt::Display {
    let whose = spoken(refused.level, &refused.subject);
    let limit = refused.dimension.describe(refused.limit);
    fmt::from_fn(move |f| {
        write!(f, "the limit of the {whose} allows {limit}; ")?;
        match (refused.retry, refused.remaining) {
            (Retry::Never, _) => f.write_str("this call alone may use more, so it can never pass"),
            (Retry::After(_), 0) => f.write_str("none is left"),
            (Retry::After(_), left) if is_money(refused.dimension) => {
                write!(f, "{} is left, less than this call may cost", money(left))
            }
            (Retry::After(_), left) => write!(f, "{left} left, fewer than this call may use"),
        }
    })
}

fn is_money(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::MoneyPerDay | Dimension::MoneyPerMonth)
}

fn money(nanos: u64) -> NanoCents {
    NanoCents(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn amount(dimension: Dimension, amount: u64) -> Value {
    if is_money(dimension) { money(amount).to_string().into() } else { amount.into() }
}
