//! Callers speak OpenAI, this provider speaks Anthropic Messages: both directions.
//!
//! A field that would change the answer and has no counterpart is refused by name; hints
//! (`seed`, `reasoning_effort`, `store` …) and unknown fields are left out.

mod answer;
mod content;
mod failure;
mod fields;
mod messages;
mod request;
mod stream;
mod tools;
mod usage;

#[cfg(test)]
pub(crate) use answer::BadAnswer;
pub(crate) use answer::{answer, used};
pub(crate) use failure::Failure;
pub(crate) use request::{Target, request};
pub(crate) use stream::Translator;

/// What our own answer carries whatever the provider says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'a> {
    /// `chatcmpl-…`
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: i64,
    /// The model as the caller named it.
    pub(crate) model: &'a str,
}

/// OpenAI's word for the reason an answer ended.
fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

#[cfg(test)]
mod tests;
