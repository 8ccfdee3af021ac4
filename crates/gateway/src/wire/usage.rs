//! What a call used, as the provider counted it.

use serde::{Deserialize, Serialize};

/// More tokens than any model reads or writes; a larger count on the wire is taken as this one, so
/// that no price computed from it can overflow.
pub(crate) const TOKENS_AT_MOST: u64 = 1_000_000_000;

/// Tokens of one call. `cached` is part of `prompt`, `reasoning` is part of `completion`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) total: u64,
    pub(crate) cached: u64,
    pub(crate) reasoning: u64,
}

impl Usage {
    /// Reads the `usage` object of an OpenAI answer (chat or embeddings) and nothing else of it.
    pub(crate) fn of_json(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer {
            usage: Option<UsageObject>,
        }
        let usage = serde_json::from_slice::<Answer>(body).ok()?.usage.map(Self::from)?;
        usage.says_something().then_some(usage)
    }

    /// Of a model that writes nothing: whatever is counted was read.
    pub(crate) fn all_read(self) -> Self {
        Self { prompt: self.prompt.saturating_add(self.completion), completion: 0, ..self }
    }

    /// Something was read, so a count of nothing is no count.
    pub(crate) fn says_something(&self) -> bool {
        self.prompt > 0 || self.completion > 0
    }
}

/// `usage` as OpenAI writes it.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
pub(super) struct UsageObject {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// As Anthropic names it, and gateways in front of it.
    #[serde(skip_serializing)]
    cache_read_input_tokens: Option<u64>,
    #[serde(skip_serializing)]
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<UsageObject> for Usage {
    fn from(object: UsageObject) -> Self {
        let count = |tokens: Option<u64>| tokens.unwrap_or(0).min(TOKENS_AT_MOST);
        let completion = count(object.completion_tokens);
        let named = object.total_tokens.map(|total| count(Some(total)));
        // Some providers name the total alone.
        let rest = named.unwrap_or_default().saturating_sub(completion);
        let prompt = object.prompt_tokens.map_or(rest, |prompt| count(Some(prompt)));
        let within = count(object.prompt_tokens_details.and_then(|details| details.cached_tokens));
        let read = count(object.cache_read_input_tokens);
        let cached = read.max(within);
        let reasoning = count(object.completion_tokens_details.and_then(|d| d.reasoning_tokens));
        // Some (gateways to Bedrock) count the cache beside `prompt_tokens`: where it is more than
        // those, or the total has room for it that what was thought does not fill.
        let named_cache = read.saturating_add(count(object.cache_creation_input_tokens));
        let unnamed = rest.saturating_sub(prompt);
        let beside = match named_cache.max(within) {
            cache if cache > prompt => cache,
            _ if named_cache <= unnamed && unnamed != reasoning => named_cache,
            _ => 0,
        };
        let prompt = count(prompt.checked_add(beside));
        // Some (xAI, Gemini) count what was thought beside `completion_tokens`, and in the total
        // alone: all that is not the prompt was written, and is paid as such.
        let written = completion.max(named.unwrap_or_default().saturating_sub(prompt));
        // More was thought than written: so it is no part of it.
        let beside = if reasoning > written { reasoning } else { 0 };
        let completion = count(written.checked_add(beside));
        let total = named.unwrap_or_default().max(prompt.saturating_add(completion));
        Self { prompt, completion, total, cached, reasoning }
    }
}

impl From<Usage> for UsageObject {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: Some(usage.prompt),
            completion_tokens: Some(usage.completion),
            total_tokens: Some(usage.total),
            prompt_tokens_details: Some(PromptDetails { cached_tokens: Some(usage.cached) }),
            completion_tokens_details: Some(CompletionDetails {
                reasoning_tokens: Some(usage.reasoning),
            }),
            cache_read_input_tokens: None,
            cache_creation_input_tokens: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_of_an_answer_is_read_without_reading_the_answer() {
        let body =
            br#"{"id":"x","choices":[{"message":{"content":"{\"usage\":{\"prompt_tokens\":9}}"}}],
            "usage":{"prompt_tokens":12,"completion_tokens":30,"total_tokens":42,
            "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},
            "completion_tokens_details":{"reasoning_tokens":7}}}"#;
        let usage = Usage { prompt: 12, completion: 30, total: 42, cached: 4, reasoning: 7 };
        assert_eq!(Usage::of_json(body), Some(usage));
    }

    #[test]
    fn embeddings_use_a_prompt_and_nothing_else() {
        let body = br#"{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let usage = Usage { prompt: 8, total: 8, ..Usage::default() };
        assert_eq!(Usage::of_json(body), Some(usage));
    }

    #[test]
    fn an_answer_without_usage_is_not_an_answer_that_used_nothing() {
        assert_eq!(Usage::of_json(br#"{"choices":[]}"#), None);
        assert_eq!(Usage::of_json(br#"{"choices":[],"usage":null}"#), None);
        assert_eq!(Usage::of_json(b"<html>"), None);
    }

    #[test]
    fn a_total_alone_is_a_prompt_and_a_count_of_nothing_is_none() {
        let usage = Usage::of_json(br#"{"usage":{"total_tokens":5000}}"#).unwrap();
        assert_eq!((usage.prompt, usage.completion, usage.total), (5000, 0, 5000));
        assert_eq!(Usage::of_json(br#"{"usage":{}}"#), None);
        assert_eq!(Usage::of_json(br#"{"usage":{"prompt_tokens":0,"completion_tokens":0}}"#), None);
    }

    #[test]
    fn what_a_model_thought_is_paid_where_a_provider_counts_it_beside_what_it_wrote() {
        let read = |usage: &str| Usage::of_json(format!(r#"{{"usage":{usage}}}"#).as_bytes());
        // As xAI documents it; as Gemini's OpenAI door sends it; where no total is named.
        for usage in [
            r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,
                "prompt_tokens_details":{"cached_tokens":6},
                "completion_tokens_details":{"reasoning_tokens":94}}"#,
            r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135}"#,
            r#"{"prompt_tokens":32,"completion_tokens":9,
                "completion_tokens_details":{"reasoning_tokens":94}}"#,
        ] {
            let read = read(usage).unwrap();
            assert_eq!((read.prompt, read.completion, read.total), (32, 103, 135), "{usage}");
        }
        // OpenAI counts it within: nothing is paid twice.
        let within = r#"{"prompt_tokens":32,"completion_tokens":103,"total_tokens":135,
            "completion_tokens_details":{"reasoning_tokens":94}}"#;
        assert_eq!(read(within).unwrap().completion, 103);
    }

    #[test]
    fn a_cache_that_is_counted_beside_the_prompt_is_read_and_not_written() {
        for (usage, prompt, completion, cached) in [
            // As gateways to Bedrock answer.
            (
                r#"{"prompt_tokens":368,"completion_tokens":19,"total_tokens":10923,
                "cache_read_input_tokens":10536,"cache_creation_input_tokens":0}"#,
                10_904,
                19,
                10_536,
            ),
            (
                r#"{"prompt_tokens":368,"completion_tokens":19,"total_tokens":687,
                "cache_read_input_tokens":100,"cache_creation_input_tokens":200}"#,
                668,
                19,
                100,
            ),
            (
                r#"{"prompt_tokens":4,"completion_tokens":9,"total_tokens":43,
                "prompt_tokens_details":{"cached_tokens":30}}"#,
                34,
                9,
                30,
            ),
            // Within the prompt, as the total says; with what was thought beside.
            (
                r#"{"prompt_tokens":400,"completion_tokens":19,"total_tokens":419,
                "cache_read_input_tokens":300}"#,
                400,
                19,
                300,
            ),
            (
                r#"{"prompt_tokens":400,"completion_tokens":9,"total_tokens":503,
                "cache_read_input_tokens":50,
                "completion_tokens_details":{"reasoning_tokens":94}}"#,
                400,
                103,
                50,
            ),
        ] {
            let read = Usage::of_json(format!(r#"{{"usage":{usage}}}"#).as_bytes()).unwrap();
            assert_eq!(
                (read.prompt, read.completion, read.cached),
                (prompt, completion, cached),
                "{usage}"
            );
        }
    }

    #[test]
    fn an_absurd_count_cannot_overflow_a_price() {
        let body = br#"{"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":1}}"#;
        let usage = Usage::of_json(body).unwrap();
        assert_eq!(usage.prompt, TOKENS_AT_MOST);
        assert_eq!(usage.total, TOKENS_AT_MOST + 1);
    }
}
