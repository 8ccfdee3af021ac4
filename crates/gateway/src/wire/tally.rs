//! What a stream has shown so far: enough to settle it, however it ends.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{json::Text, usage::Usage};

/// As much of a provider's message as is kept.
const MESSAGE_BYTES_AT_MOST: usize = 1024;

/// Kept by the meter of a stream, or by its translator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The provider's own count. The last one wins: some count as they go.
    pub(crate) usage: Option<Usage>,
    /// What the provider counted before it began: the prompt, exactly.
    pub(crate) begun: Option<Usage>,
    /// Events that carried text or a piece of a tool call.
    pub(crate) deltas: u64,
    /// Bytes of that text as JSON writes it, escapes included.
    pub(crate) text_bytes: u64,
    /// A reason for the end was given.
    pub(crate) finished: bool,
    /// The stream said that it is complete.
    pub(crate) done: bool,
    /// The provider said that it failed.
    pub(crate) failure: Option<ProviderFailure>,
}

impl Tally {
    /// What to settle, and whether it is an estimate: the provider's count, or else what was seen.
    /// Most providers send a token per event, and a token is about four bytes: the larger of the
    /// two is taken.
    pub(crate) fn settled(&self, prompt_estimate: u64) -> (Usage, bool) {
        if let Some(usage) = self.usage.filter(Usage::says_something) {
            return (usage, false);
        }
        let begun = self.begun.unwrap_or(Usage { prompt: prompt_estimate, ..Usage::default() });
        let completion = self.deltas.max(self.text_bytes.div_ceil(4));
        let total = begun.prompt.saturating_add(completion);
        (Usage { completion, total, ..begun }, true)
    }

    pub(super) fn delta(&mut self, text_bytes: u64) {
        self.deltas = self.deltas.saturating_add(1);
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
    }
}

/// A failure in the provider's own words. Log it; show it only where the provider's words are fit to
/// be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProviderFailure {
    pub(crate) message: String,
    pub(crate) kind: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<String>,
}

impl ProviderFailure {
    /// Reads `{"error": …}`, the answer of an OpenAI-compatible provider that failed.
    pub(crate) fn of_json(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow)]
            error: Option<&'a RawValue>,
        }
        serde_json::from_slice::<Answer<'_>>(body).ok()?.error.map(Self::of_error)
    }

    /// Reads the value of `error`: an object, or in some providers plain text.
    pub(super) fn of_error(error: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct Object<'a> {
            #[serde(borrow)]
            message: Option<Text<'a>>,
            #[serde(borrow, rename = "type")]
            kind: Option<Text<'a>>,
            #[serde(borrow)]
            param: Option<Text<'a>>,
            #[serde(borrow)]
            code: Option<&'a RawValue>,
        }
        if let Ok(object) = serde_json::from_str::<Object<'_>>(error.get()) {
            let code = object.code.map(|code| short(code.get().trim_matches('"')));
            let param = object.param.map(|param| short(&param.0));
            let kind = object.kind.map(|kind| short(&kind.0));
            let message = object.message.map(|message| short(&message.0)).unwrap_or_default();
            return Self { message, kind, param, code };
        }
        let message = match serde_json::from_str::<Text<'_>>(error.get()) {
            Ok(text) => short(&text.0),
            Err(_) => short(error.get()),
        };
        Self { message, ..Self::default() }
    }
}

pub(super) fn short(text: &str) -> String {
    let end = text.floor_char_boundary(MESSAGE_BYTES_AT_MOST);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_failure_is_read_in_every_shape_they_send() {
        let read = |body: &str| ProviderFailure::of_json(body.as_bytes());
        let full = read(
            r#"{"error":{"message":"slow \"down\"","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
        );
        let full = full.unwrap();
        assert_eq!(
            (full.message.as_str(), full.kind.as_deref()),
            ("slow \"down\"", Some("requests"))
        );
        assert_eq!(full.code.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!(
            read(r#"{"error":{"message":"m","code":502}}"#).unwrap().code.as_deref(),
            Some("502")
        );
        assert_eq!(read(r#"{"error":"plain"}"#).unwrap().message, "plain");
        assert_eq!(read(r#"{"error":null}"#), None);
        assert_eq!(read("<html>bad gateway</html>"), None);
        let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
        assert!(read(&long).unwrap().message.len() <= MESSAGE_BYTES_AT_MOST);
    }

    #[test]
    fn a_stream_without_usage_settles_an_estimate_of_what_was_produced() {
        let mut tally = Tally::default();
        (0..3).for_each(|_| tally.delta(10));
        assert_eq!(
            tally.settled(50),
            (Usage { prompt: 50, completion: 8, total: 58, ..Usage::default() }, true)
        );
        tally.usage = Some(Usage { prompt: 5, completion: 6, total: 11, ..Usage::default() });
        assert_eq!(tally.settled(50).0.total, 11);
    }
}
