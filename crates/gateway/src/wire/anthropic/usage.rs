//! Anthropic counts cached prompt tokens beside the others; OpenAI counts them among the others.

use serde::Deserialize;

use crate::wire::usage::{TOKENS_AT_MOST, Usage};

/// Anthropic's counts. A stream repeats them, growing, and may leave out what it already said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Counts {
    #[serde(rename = "input_tokens")]
    input: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_written: Option<u64>,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: Option<u64>,
    #[serde(rename = "output_tokens")]
    output: Option<u64>,
}

impl Counts {
    pub(super) fn absorb(&mut self, later: Self) {
        self.input = self.input.max(later.input);
        self.cache_written = self.cache_written.max(later.cache_written);
        self.cache_read = self.cache_read.max(later.cache_read);
        self.output = self.output.max(later.output);
    }
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        let count = |tokens: Option<u64>| tokens.unwrap_or(0).min(TOKENS_AT_MOST);
        let cached = count(counts.cache_read);
        let prompt =
            count(counts.input).saturating_add(count(counts.cache_written)).saturating_add(cached);
        let completion = count(counts.output);
        Self { prompt, completion, total: prompt.saturating_add(completion), cached, reasoning: 0 }
    }
}
