//! What an answer over HTTP means. A 200 that says it went wrong went wrong.

use std::time::Duration;

use base::fetch::{Answer, Failed};
use base::secret::Secret;
use base::time::At;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::Value;

use super::{Trouble, Why};

/// Characters of what a sink says that are kept.
const SAID_MAX: usize = 300;

/// A text of somebody else: short, in one line, without what steers a terminal.
pub(crate) fn bounded(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.take(SAID_MAX).collect();
    if text.chars().nth(SAID_MAX).is_some() {
        short.push('…');
    }
    short.trim().to_owned()
}

/// A text of somebody else without secrets that it repeats, as they are or as they stand in
/// JSON. To be asked before the text is cut: a part of a secret is not found.
pub(super) fn hidden<'a>(text: String, secrets: impl Iterator<Item = &'a Secret>) -> String {
    let mut secrets: Vec<_> = secrets.filter(|secret| !secret.reveal().is_empty()).collect();
    // One may be the beginning of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
    secrets.into_iter().fold(text, |text, secret| {
        let plain = secret.reveal();
        let quoted = Secret::new(plain.replace('\\', "\\\\").replace('"', "\\\""));
        let slashed = Secret::new(quoted.reveal().replace('/', "\\/"));
        [slashed.reveal(), quoted.reveal(), plain]
            .into_iter()
            .fold(text, |text, form| text.replace(form, "[secret]"))
    })
}

/// Nothing came back.
pub(super) fn failed(failed: &Failed) -> Trouble {
    Trouble::later(failed.to_string())
}

/// What came back, for every kind of sink that speaks HTTP. Not cut yet, and nothing hidden.
pub(super) fn judge(answer: &Answer, now: At) -> Result<String, Trouble> {
    let text = String::from_utf8_lossy(&answer.body);
    if answer.status.is_success() {
        return match error_in(&answer.body) {
            Some(error) => {
                Err(Trouble::later_as(format!("answered {} with an error:", answer.status), error))
            }
            None => Ok(format!("{} {text}", answer.status)),
        };
    }
    let why = Why::new(format!("answered {}", answer.status), text);
    Err(match answer.status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Trouble::Refused { why },
        _ => Trouble::Later { why, after: retry_after(answer, now) },
    })
}

/// How long the sink asks to be left alone: seconds, or a date.
fn retry_after(answer: &Answer, now: At) -> Option<Duration> {
    let text = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    at.duration_since(now).try_into().ok()
}

/// What an answer says went wrong although its status says it went well.
fn error_in(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object()?;
    let says = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Bool(true) => true,
    };
    let found = ["error", "errors"].iter().any(|name| object.get(*name).is_some_and(says));
    let denied =
        ["ok", "success"].iter().any(|name| object.get(*name) == Some(&Value::Bool(false)));
    let word = object.get("status").and_then(Value::as_str).unwrap_or_default();
    let worded =
        ["error", "failed", "failure", "rejected"].iter().any(|w| word.eq_ignore_ascii_case(w));
    (found || denied || worded).then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let (status, headers) = (StatusCode::from_u16(status).expect("a status"), HeaderMap::new());
        Answer { status, headers, body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn an_answer_of_200_that_tells_of_an_error_is_a_failure() {
        let now = At::UNIX_EPOCH;
        for body in [
            r#"{"error":"quota exceeded"}"#,
            r#"{"errors":[{"code":1}]}"#,
            r#"{"ok":false}"#,
            r#"{"success":false,"id":1}"#,
            r#"{"status":"ERROR"}"#,
        ] {
            assert!(matches!(judge(&answer(200, body), now), Err(Trouble::Later { .. })), "{body}");
        }
        for body in
            ["", "ok", "{}", r#"{"error":null,"errors":[]}"#, r#"{"status":"success"}"#, "[]"]
        {
            assert!(judge(&answer(202, body), now).is_ok(), "{body}");
        }
        for (status, refused) in [
            (400, true),
            (413, true),
            (422, true),
            (401, false),
            (404, false),
            (429, false),
            (302, false),
        ] {
            let judged = judge(&answer(status, ""), now);
            assert_eq!(matches!(judged, Err(Trouble::Refused { .. })), refused, "{status}");
        }
        let mut late = answer(429, "");
        late.headers.insert(RETRY_AFTER, http::HeaderValue::from_static("120"));
        let after = |late: &Answer| match judge(late, now) {
            Err(Trouble::Later { after, .. }) => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after(&late), Some(Duration::from_mins(2)));
        let date = http::HeaderValue::from_static("Thu, 01 Jan 1970 00:01:00 GMT");
        late.headers.insert(RETRY_AFTER, date);
        assert_eq!(after(&late), Some(Duration::from_mins(1)));
    }

    #[test]
    fn no_form_of_a_secret_and_no_rest_of_a_longer_one_is_repeated() {
        let [short, long] =
            [r#"a"b/c\d1"#, r#"a"b/c\d1-and-more"#].map(|it| Secret::new(it.into()));
        let quoted = serde_json::to_string(long.reveal()).expect("JSON");
        let said =
            format!("{} {quoted} {} {}", long.reveal(), quoted.replace('/', r"\/"), short.reveal());
        let told = hidden(said, [&short, &long].into_iter());
        assert_eq!(told, r#"[secret] "[secret]" "[secret]" [secret]"#);
    }

    #[test]
    fn what_a_sink_says_is_kept_short_and_in_one_line() {
        assert_eq!(bounded(" a\nb\u{1b}[31m "), "a b [31m");
        assert_eq!(bounded(&"é".repeat(5_000)).chars().count(), SAID_MAX + 1);
    }
}
