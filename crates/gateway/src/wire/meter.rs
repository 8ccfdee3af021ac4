//! Counts what an OpenAI stream uses without parsing it.
//!
//! An ordinary event is recognised by a few byte searches. An unescaped quote ends a JSON string, so
//! `"usage":` stands in an event only as a key: text in which a model writes it holds backslashes.
//! Whatever is not ordinary, and every usage object, is confirmed by a real parse.

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    json,
    tally::{ProviderFailure, Tally},
    usage::{Usage, UsageObject},
};

/// What an event was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It carries text, a tool call, or the reason for the end.
    Choice,
    /// It carries the usage and nothing else: not for a caller who did not ask for it.
    UsageOnly,
    /// `[DONE]`.
    Done,
    /// The provider reports its failure; the words are in the tally.
    Failed,
    /// A comment, an event without choices, something unknown.
    Other,
}

/// Watches one stream. Costs about 100 ns per ordinary event.
#[derive(Debug)]
pub(crate) struct Meter {
    tally: Tally,
    delta: Finder<'static>,
    finish: Finder<'static>,
    usage: Finder<'static>,
    /// Where the text of a delta begins, most frequent first.
    texts: [Finder<'static>; 3],
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            tally: Tally::default(),
            delta: Finder::new(br#""delta":{"#),
            finish: Finder::new(br#""finish_reason":""#),
            usage: Finder::new(br#""usage":"#),
            texts: [
                Finder::new(br#""content":""#),
                Finder::new(br#""arguments":""#),
                Finder::new(br#""reasoning_content":""#),
            ],
        }
    }
}

impl Meter {
    /// Takes note of the data of one event.
    pub(crate) fn see(&mut self, data: &[u8]) -> Seen {
        if data.trim_ascii() == b"[DONE]" {
            self.tally.done = true;
            return Seen::Done;
        }
        if let Some(bytes) = self.glance(data) {
            self.tally.delta(bytes);
            return Seen::Choice;
        }
        self.read(data)
    }

    /// What was seen so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What was seen, at the end.
    #[cfg(test)]
    pub(crate) fn into_tally(self) -> Tally {
        self.tally
    }

    /// The bytes of text in an ordinary event; `None` asks for a real parse.
    fn glance(&self, data: &[u8]) -> Option<u64> {
        let delta = data.get(self.delta.find(data)?..)?;
        if self.finish.find(data).is_some() || self.names_usage(data) {
            return None;
        }
        self.texts.iter().find_map(|text| {
            let bytes: usize = text
                .find_iter(delta)
                .filter_map(|at| delta.get(at.checked_add(text.needle().len())?..))
                .map(json::string_len)
                .sum();
            u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)
        })
    }

    /// There is a `usage` that is not plainly `null`.
    fn names_usage(&self, data: &[u8]) -> bool {
        self.usage.find_iter(data).any(|at| {
            let value = at.checked_add(self.usage.needle().len()).and_then(|at| data.get(at..));
            !value.is_some_and(|value| value.starts_with(b"null"))
        })
    }

    fn read(&mut self, data: &[u8]) -> Seen {
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else { return Seen::Other };
        if let Some(error) = chunk.error {
            self.tally.failure = Some(ProviderFailure::of_error(error));
            return Seen::Failed;
        }
        if let Some(usage) = chunk.usage {
            self.tally.usage = Some(Usage::from(usage));
        }
        let choices = chunk.choices.unwrap_or_default();
        if choices.is_empty() {
            return if chunk.usage.is_some() { Seen::UsageOnly } else { Seen::Other };
        }
        let (mut delta, mut bytes) = (false, 0_u64);
        for choice in &choices {
            self.tally.finished |= choice.finish_reason.is_some();
            for text in choice.delta.iter().flat_map(Delta::texts).flatten() {
                let text = text.get();
                let inside =
                    text.strip_prefix('"').map_or(text.len(), |t| t.len().saturating_sub(1));
                delta |= inside > 0;
                bytes = bytes.saturating_add(u64::try_from(inside).unwrap_or(0));
            }
        }
        if delta {
            self.tally.delta(bytes);
        }
        Seen::Choice
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<UsageObject>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl<'a> Delta<'a> {
    fn texts(&self) -> impl Iterator<Item = Option<&'a RawValue>> {
        // Where both are sent, `reasoning` repeats `reasoning_content`.
        let plain = [self.content, self.refusal, self.reasoning_content.or(self.reasoning)];
        let calls = self.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
        plain.into_iter().chain(calls.flat_map(|function| [function.name, function.arguments]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(events: &[&str]) -> (Vec<Seen>, Tally) {
        let mut meter = Meter::default();
        let seen = events.iter().map(|event| meter.see(event.as_bytes())).collect();
        (seen, meter.into_tally())
    }

    fn choice(delta: &str) -> String {
        format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","usage":null,"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
        )
    }

    #[test]
    fn text_and_tool_calls_are_counted_as_they_pass() {
        for (delta, deltas, bytes) in [
            (r#"{"role":"assistant","content":""}"#, 0, 0),
            (r#"{"content":"hello"}"#, 1, 5),
            (r#"{"content":"a\"b\\"}"#, 1, 6),
            (r#"{"content" : "hello"}"#, 1, 5),
            (r#"{"content":null,"reasoning_content":"hmm"}"#, 1, 3),
            (r#"{"reasoning":"hmm"}"#, 1, 3),
            (
                r#"{"tool_calls":[{"index":0,"id":"x","function":{"name":"get","arguments":""}}]}"#,
                1,
                3,
            ),
            (r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}"#, 1, 7),
            ("{}", 0, 0),
        ] {
            let (seen, tally) = seen(&[&choice(delta)]);
            assert_eq!(seen, [Seen::Choice], "{delta}");
            assert_eq!((tally.deltas, tally.text_bytes), (deltas, bytes), "{delta}");
        }
    }

    #[test]
    fn the_usage_event_is_told_from_the_text_before_it() {
        let usage = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":2}}}"#;
        let stop = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        let (seen, tally) = seen(&[&choice(r#"{"content":"hi"}"#), stop, usage, "[DONE]"]);
        assert_eq!(seen, [Seen::Choice, Seen::Choice, Seen::UsageOnly, Seen::Done]);
        let expected = Usage { prompt: 9, completion: 3, total: 12, cached: 1, reasoning: 2 };
        assert_eq!(tally.usage, Some(expected));
        assert!(tally.finished && tally.done);
    }

    #[test]
    fn usage_that_rides_on_a_choice_is_read_and_the_choice_is_kept() {
        let event = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        let (seen, tally) = seen(&[event]);
        assert_eq!(seen, [Seen::Choice]);
        assert_eq!((tally.usage.unwrap().total, tally.deltas), (3, 1));
    }

    #[test]
    fn a_model_that_writes_about_usage_cannot_set_its_own_bill() {
        for delta in [
            r#"{"content":"{\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}"}"#,
            r#"{"content":"\"usage\":{"}"#,
            r#"{"content":"usage"}"#,
            r#"{"tool_calls":[{"function":{"arguments":"\"usage\":{\"prompt_tokens\":1}"}}]}"#,
            // A real key, but not the one of the event.
            r#"{"content":"x","usage":{"prompt_tokens":0,"completion_tokens":0}}"#,
        ] {
            let (seen, tally) = seen(&[&choice(delta)]);
            assert_eq!(
                (seen.as_slice(), tally.usage),
                ([Seen::Choice].as_slice(), None),
                "{delta}"
            );
            assert_eq!(tally.deltas, 1, "{delta}");
        }
        let data = choice(r#"{"content":"[DONE]"}"#);
        assert!(!seen(&[&data]).1.done);
    }

    #[test]
    fn a_provider_that_fails_in_the_middle_is_heard() {
        let (plain, tally) =
            seen(&[r#"{"error":{"message":"boom","type":"server_error","code":null}}"#]);
        assert_eq!(plain, [Seen::Failed]);
        assert_eq!(tally.failure.unwrap().message, "boom");
        let late = r#"{"choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"gone"}}"#;
        let mut meter = Meter::default();
        meter.see(late.as_bytes());
        assert_eq!(meter.tally().failure.as_ref().unwrap().code.as_deref(), Some("502"));
    }

    #[test]
    fn an_event_that_is_not_understood_changes_nothing() {
        let strange = ["", "{", "null", "[]", "{}", r#"{"choices":[],"prompt_filter_results":[]}"#];
        let (seen, tally) = seen(&strange);
        assert!(seen.iter().all(|seen| *seen == Seen::Other));
        assert_eq!(tally, Tally::default());
    }
}
