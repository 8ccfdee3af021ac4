//! An Anthropic answer becomes an OpenAI one.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Envelope, finish_reason, usage::Counts};
use crate::wire::{
    json::Text,
    usage::{Usage, UsageObject},
};

/// The provider answered with something that is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's answer is not an Anthropic message")]
pub(crate) struct BadAnswer;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(default)]
    usage: Counts,
}

/// Any block; what is neither text nor a call of a tool has no place in OpenAI's answer.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: UsageObject,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Reply<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Reply<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Translates a whole answer, and says what it used.
pub(crate) fn answer(body: &[u8], envelope: &Envelope<'_>) -> Result<(Bytes, Usage), BadAnswer> {
    let message: Message<'_> = serde_json::from_slice(body).map_err(|_| BadAnswer)?;
    let usage = Usage::from(message.usage);
    let (mut text, mut tool_calls) = (None::<String>, Vec::new());
    for block in &message.content {
        match &*block.kind.0 {
            "text" => {
                let more = block.text.as_ref().ok_or(BadAnswer)?;
                text.get_or_insert_default().push_str(&more.0);
            }
            "tool_use" => tool_calls.push(call(block).ok_or(BadAnswer)?),
            _ => {}
        }
    }
    if tool_calls.is_empty() {
        text.get_or_insert_default();
    }
    let reason = message.stop_reason.as_ref().map_or("stop", |reason| finish_reason(&reason.0));
    let reply = Reply { role: "assistant", content: text, refusal: None, tool_calls };
    let choice = Choice { index: 0, message: reply, logprobs: None, finish_reason: reason };
    let completion = Completion {
        id: envelope.id,
        object: "chat.completion",
        created: envelope.created,
        model: envelope.model,
        choices: [choice],
        usage: usage.into(),
    };
    let bytes = serde_json::to_vec(&completion).map_err(|_| BadAnswer)?;
    Ok((Bytes::from(bytes), usage))
}

/// What a whole answer used, and nothing else of it.
pub(crate) fn used(body: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Counted {
        usage: Counts,
    }
    let usage = Usage::from(serde_json::from_slice::<Counted>(body).ok()?.usage);
    usage.says_something().then_some(usage)
}

fn call<'a>(block: &'a Block<'_>) -> Option<Call<'a>> {
    let function = Function {
        name: &block.name.as_ref()?.0,
        arguments: block.input.map_or("{}", RawValue::get),
    };
    Some(Call { id: &block.id.as_ref()?.0, kind: "function", function })
}
