//! OpenAI's error object, as an answer and as the last event of a stream.

use bytes::Bytes;
use serde::Serialize;

/// The error that official clients turn into their typed exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct OpenAiError<'a> {
    pub(crate) message: &'a str,
    /// `invalid_request_error`, `rate_limit_error`, `server_error` …
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) param: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
}

#[derive(Serialize)]
struct Object<'a> {
    error: &'a OpenAiError<'a>,
}

impl OpenAiError<'_> {
    /// `{"error":{…}}`, the body of an answer.
    pub(crate) fn to_body(self) -> Bytes {
        Bytes::from(self.written())
    }

    /// `data: {"error":{…}}` and the blank line: how a stream says that it ends badly.
    pub(crate) fn to_event(self) -> Bytes {
        let mut event = b"data: ".to_vec();
        event.extend_from_slice(&self.written());
        event.extend_from_slice(b"\n\n");
        Bytes::from(event)
    }

    fn written(&self) -> Vec<u8> {
        // Strings into memory: there is nothing here that could fail.
        serde_json::to_vec(&Object { error: self }).unwrap_or_else(|_| {
            br#"{"error":{"message":"unknown","type":"server_error","param":null,"code":null}}"#
                .to_vec()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITED: OpenAiError<'_> = OpenAiError {
        message: "too \"many\"\ncalls",
        kind: "rate_limit_error",
        param: None,
        code: Some("rate_limit_exceeded"),
    };

    #[test]
    fn an_error_has_the_four_fields_that_official_clients_read() {
        assert_eq!(
            LIMITED.to_body(),
            r#"{"error":{"message":"too \"many\"\ncalls","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#
        );
    }

    #[test]
    fn a_stream_that_ends_badly_says_so_in_one_event() {
        let event = LIMITED.to_event();
        assert!(event.starts_with(b"data: {\"error\":"));
        assert!(event.ends_with(b"}\n\n"));
        assert_eq!(memchr::memchr_iter(b'\n', &event).count(), 2);
    }
}
