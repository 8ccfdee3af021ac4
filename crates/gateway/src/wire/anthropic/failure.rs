//! Anthropic's errors, as a caller of OpenAI may see them.

use http::StatusCode;
use serde::Deserialize;

use crate::wire::{
    json::Text,
    openai_error::OpenAiError,
    tally::{ProviderFailure, short},
};

/// A failed call: what to answer, and what the provider said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    /// Fit for the caller: words about the operator's account with the provider are not in it.
    pub(crate) message: String,
    /// For the log.
    pub(crate) provider: ProviderFailure,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    error: ErrorObject<'a>,
}

/// The `error` of an answer or of an event.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorObject<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

impl Failure {
    /// Reads the body of an answer that was not a success. A body that is not Anthropic's error is
    /// the failure of something between us and them.
    pub(crate) fn of_json(body: &[u8]) -> Self {
        match serde_json::from_slice::<Answer<'_>>(body) {
            Ok(answer) => answer.error.into(),
            Err(_) => Self::new("", String::new()),
        }
    }

    /// The error object that answers it.
    pub(crate) fn as_openai(&self) -> OpenAiError<'_> {
        OpenAiError { message: &self.message, kind: self.kind, param: None, code: self.code }
    }

    fn new(kind: &str, said: String) -> Self {
        let (status, ours, code, words) = match kind {
            "invalid_request_error" => {
                (StatusCode::BAD_REQUEST, "invalid_request_error", None, None)
            }
            "request_too_large" => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "invalid_request_error",
                Some("request_too_large"),
                None,
            ),
            "rate_limit_error" => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                Some("provider_rate_limited"),
                Some("the provider's own rate limit is reached"),
            ),
            "overloaded_error" => (
                StatusCode::SERVICE_UNAVAILABLE,
                "server_error",
                Some("provider_overloaded"),
                Some("the provider is overloaded"),
            ),
            "timeout_error" => (
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                Some("provider_timeout"),
                Some("the provider took too long"),
            ),
            // Ours to repair, not the caller's: nothing is wrong with their key.
            "authentication_error" | "permission_error" | "billing_error" => (
                StatusCode::BAD_GATEWAY,
                "server_error",
                Some("provider_refused_gateway"),
                Some("the provider does not accept this gateway's account"),
            ),
            "not_found_error" => (
                StatusCode::BAD_GATEWAY,
                "server_error",
                Some("provider_model_not_found"),
                Some("the provider does not know the model that is configured here"),
            ),
            _ => (
                StatusCode::BAD_GATEWAY,
                "server_error",
                Some("provider_failed"),
                Some("the provider failed"),
            ),
        };
        let message = match words {
            Some(words) => words.to_owned(),
            None => said.clone(),
        };
        let kind = (!kind.is_empty()).then(|| short(kind));
        let provider = ProviderFailure { message: said, kind, ..ProviderFailure::default() };
        Self { status, kind: ours, code, message, provider }
    }
}

impl From<ErrorObject<'_>> for Failure {
    fn from(error: ErrorObject<'_>) -> Self {
        let said = error.message.map(|message| short(&message.0)).unwrap_or_default();
        Self::new(error.kind.as_ref().map_or("", |kind| &kind.0), said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> Failure {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"their words"}},"request_id":"r"}}"#
        );
        Failure::of_json(body.as_bytes())
    }

    #[test]
    fn each_failure_of_the_provider_has_the_status_that_clients_act_on() {
        for (kind, status) in [
            ("invalid_request_error", 400),
            ("request_too_large", 413),
            ("rate_limit_error", 429),
            ("overloaded_error", 503),
            ("timeout_error", 504),
            ("api_error", 502),
            ("authentication_error", 502),
            ("permission_error", 502),
            ("billing_error", 502),
            ("not_found_error", 502),
            ("something_new", 502),
        ] {
            assert_eq!(of(kind).status.as_u16(), status, "{kind}");
        }
        assert_eq!(Failure::of_json(b"<html>").status.as_u16(), 502);
    }

    #[test]
    fn a_caller_reads_what_is_wrong_with_their_request_but_nothing_of_our_account() {
        assert_eq!(of("invalid_request_error").message, "their words");
        let ours = of("authentication_error");
        assert!(!ours.message.contains("their words"));
        assert_eq!(ours.provider.message, "their words");
    }
}
