//! What can go wrong with a call, whose fault it is, and what the caller is told.

use access::{CredentialsEnded, DataClass, Denied, Region};
use audit::NotDurable;
use axum::response::{IntoResponse, Response};
use base::problem::Problem;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::wire::BadAsk;
use crate::wire::openai_error::OpenAiError;
use crate::wire::tally::ProviderFailure;
use crate::wire::usage::Usage;

/// Says whose fault an error is: `caller`, `portico` or `provider`.
const FAULT: HeaderName = HeaderName::from_static("portico-fault");

/// Tells the official clients not to try again: it would end the same, or cost again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Seconds after which there may be room for an answer.
const ROOM_RETRY_SECS: u64 = 2;

/// What can go wrong with a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    BadAsk(#[from] BadAsk),
    #[error("the model `{0}` does not exist, or no endpoint in region `{1}` has it")]
    NoSuchModel(String, Region),
    #[error("this key may not call the model `{0}`")]
    ModelNotAllowed(String),
    #[error("the model `{0}` does not do this")]
    WrongKind(String),
    #[error(transparent)]
    Limits(#[from] limits::Error),
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    #[error(transparent)]
    CredentialsEnded(#[from] CredentialsEnded),
    #[error("no endpoint in region `{0}` can take the call now")]
    NoEndpoint(Region),
    #[error("the provider could not be reached or broke off")]
    ProviderFailed,
    /// The operator's catalogue names a model or an address that is not there.
    #[error(
        "the provider has no such model, or not at this address (it says {0}): whoever operates this must look"
    )]
    NotThere(u16),
    #[error("the provider did not answer in time")]
    ProviderTooSlow,
    #[error("the provider is overloaded")]
    ProviderOverloaded { retry_after_secs: u64 },
    /// A stream that its caller left unread.
    #[error("nobody read the answer for a minute, and it was ended")]
    NotRead,
    /// Calls of all orgs together are more than the endpoints are given.
    #[error("too many calls wait for the model's endpoints now: try again later")]
    Shortage { retry_after_secs: u64 },
    /// What all whole answers of this node hold together has a bound. With what was used, where
    /// the answer said so.
    #[error("too many large answers are under way here, and there was no room for this one")]
    AnswersFull { bytes: usize, usage: Option<Usage> },
    #[error("the provider's answer is larger than {bytes_max} bytes: ask for less at once")]
    AnswerTooLarge { bytes: usize, bytes_max: usize },
    /// The provider understood and refused: its words go to the caller.
    #[error("the provider refused the request with status {}", .0.as_u16())]
    ProviderRefused(StatusCode, Bytes),
    #[error(
        "the pattern `{pattern}` needs the model `{model}`, which no endpoint in region `{region}` has"
    )]
    NoModelForPattern { pattern: String, model: String, region: Region },
    #[error(
        "the pattern `{pattern}` is {class}, and the model `{model}` is approved for {approved} data at most"
    )]
    NotApproved { pattern: String, class: DataClass, model: String, approved: DataClass },
    /// Told by the engine, or by a call that was admitted and then failed.
    #[error(transparent)]
    Told(#[from] Problem),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let provider = |status, code| {
            Self::new(status, code, text.clone())
                .header(FAULT, HeaderValue::from_static("provider"))
        };
        let ours = |status, code| {
            Self::new(status, code, text.clone()).header(FAULT, HeaderValue::from_static("portico"))
        };
        let at_last =
            |problem: Self| problem.header(SHOULD_RETRY, HeaderValue::from_static("false"));
        match error {
            Error::Denied(denied) => denied.into(),
            Error::BadAsk(bad) => {
                let problem = Self::bad_request(bad.code.unwrap_or("invalid_request"), bad.message);
                match bad.param {
                    Some(param) => problem.param(param),
                    None => problem,
                }
            }
            Error::NoSuchModel(..) | Error::NoModelForPattern { .. } => {
                Self::new(StatusCode::NOT_FOUND, "model_not_found", text).param("model")
            }
            Error::NotApproved { .. } => {
                Self::new(StatusCode::FORBIDDEN, "model_not_approved", text).param("model")
            }
            Error::ModelNotAllowed(_) => {
                Self::new(StatusCode::FORBIDDEN, "model_not_allowed", text).param("model")
            }
            Error::WrongKind(_) => Self::bad_request("model_not_supported", text).param("model"),
            Error::Limits(cause) => cause.into(),
            Error::NotDurable(cause) => cause.into(),
            Error::CredentialsEnded(ended) => ended.into(),
            Error::NotRead => Self::new(StatusCode::REQUEST_TIMEOUT, "answer_not_read", text),
            Error::NoEndpoint(_) => {
                provider(StatusCode::SERVICE_UNAVAILABLE, "no_endpoint").retry_after(5)
            }
            Error::ProviderFailed => provider(StatusCode::BAD_GATEWAY, "provider_failed"),
            Error::NotThere(_) => at_last(provider(StatusCode::BAD_GATEWAY, "provider_failed")),
            Error::ProviderTooSlow => provider(StatusCode::GATEWAY_TIMEOUT, "provider_timeout"),
            Error::ProviderOverloaded { retry_after_secs } => {
                provider(StatusCode::SERVICE_UNAVAILABLE, "provider_overloaded")
                    .retry_after(retry_after_secs)
            }
            Error::Shortage { retry_after_secs } => {
                ours(StatusCode::SERVICE_UNAVAILABLE, "overloaded").retry_after(retry_after_secs)
            }
            Error::AnswersFull { .. } => {
                at_last(ours(StatusCode::SERVICE_UNAVAILABLE, "answers_full"))
                    .retry_after(ROOM_RETRY_SECS)
            }
            Error::AnswerTooLarge { .. } => {
                at_last(ours(StatusCode::BAD_GATEWAY, "answer_too_large"))
            }
            Error::ProviderRefused(status, body) => {
                let words = String::from_utf8_lossy(&body).into_owned();
                provider(status, "provider_refused").with("provider", words.into())
            }
            Error::Told(problem) => problem,
        }
    }
}

/// A problem in `OpenAI`'s error shape: the one place that turns one into the other.
pub fn openai_shape(problem: &Problem) -> Response {
    let status = problem.status();
    let words = problem.get("provider").and_then(serde_json::Value::as_str);
    let provider = words.and_then(|words| ProviderFailure::of_json(words.as_bytes()));
    let ours = as_openai(problem);
    let body = match &provider {
        // The provider's own words, rebuilt: whatever else it sent stays here.
        Some(said) => OpenAiError {
            message: &said.message,
            kind: said.kind.as_deref().unwrap_or(ours.kind),
            param: said.param.as_deref(),
            code: said.code.as_deref(),
        }
        .to_body(),
        None => ours.to_body(),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(problem.headers().iter().cloned());
    response.extensions_mut().insert(problem.clone());
    response
}

/// The error object of a problem.
pub(crate) fn as_openai(problem: &Problem) -> OpenAiError<'_> {
    let kind = match problem.status().as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 if problem.code() == "insufficient_quota" => "insufficient_quota",
        429 => "rate_limit_error",
        status if status >= 500 => "server_error",
        _ => "invalid_request_error",
    };
    OpenAiError {
        message: problem.detail(),
        kind,
        param: problem.field(),
        code: Some(problem.code()),
    }
}
