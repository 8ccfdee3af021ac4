//! How a caller stands, in the headers of every answer: as `OpenAI` says it, and as
//! the IETF does (draft-ietf-httpapi-ratelimit-headers-10). Nothing without a limit.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::core::{Gauge, Standing};

const LIMIT_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
const LIMIT_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-limit-tokens");
const REMAINING_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-tokens");
const RESET_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-reset-tokens");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The headers of a standing.
pub(crate) fn of(standing: &Standing) -> HeaderMap {
    if standing.requests.is_none() && standing.tokens.is_none() {
        return HeaderMap::new();
    }
    let mut headers = HeaderMap::with_capacity(12);
    let (mut policy, mut state) = (String::with_capacity(64), String::with_capacity(64));
    if let Some(gauge) = &standing.requests {
        headers.insert(LIMIT_REQUESTS, gauge.limit.into());
        headers.insert(REMAINING_REQUESTS, gauge.remaining.into());
        insert(&mut headers, RESET_REQUESTS, &duration(gauge.reset));
        item(&mut policy, &mut state, "requests", gauge);
    }
    if let Some(gauge) = &standing.tokens {
        headers.insert(LIMIT_TOKENS, gauge.limit.into());
        headers.insert(REMAINING_TOKENS, gauge.remaining.into());
        insert(&mut headers, RESET_TOKENS, &duration(gauge.reset));
        item(&mut policy, &mut state, "tokens", gauge);
    }
    insert(&mut headers, POLICY, &policy);
    insert(&mut headers, RATELIMIT, &state);
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

fn item(policy: &mut String, state: &mut String, name: &str, gauge: &Gauge) {
    let comma = if policy.is_empty() { "" } else { ", " };
    let reset = seconds_up(gauge.reset);
    let _infallible = write!(policy, "{comma}\"{name}\";q={};w=60", gauge.limit);
    let _infallible = write!(state, "{comma}\"{name}\";r={};t={reset}", gauge.remaining);
}

/// Whole seconds, none too few.
pub(crate) fn seconds_up(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

/// Whole milliseconds, none too few.
pub(crate) fn millis_up(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A span as `OpenAI` writes it: `120ms`, `1s`, `8.64s`, `6m0s`, `1h0m0s`.
fn duration(span: Duration) -> String {
    let millis = millis_up(span);
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let (all, millis) = (millis / 1_000, millis % 1_000);
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    let mut text = String::with_capacity(12);
    if hours > 0 {
        let _infallible = write!(text, "{hours}h");
    }
    if all >= 60 {
        let _infallible = write!(text, "{minutes}m");
    }
    let _infallible = write!(text, "{seconds}");
    if millis > 0 {
        let fraction = format!(".{millis:03}");
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_openai_writes_them() {
        for (micros, text) in [
            (0, "0ms"),
            (1, "1ms"),
            (120_000, "120ms"),
            (999_001, "1s"),
            (8_640_000, "8.64s"),
            (59_999_999, "1m0s"),
            (360_000_000, "6m0s"),
            (3_601_500_000, "1h0m1.5s"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), text, "{micros}");
        }
    }
}
