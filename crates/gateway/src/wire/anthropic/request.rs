//! An OpenAI chat request becomes an Anthropic one.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

use super::{fields::Fields, messages, tools};
use crate::wire::{BadAsk, json::Scalar};

/// Where the request goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The provider's name of the model.
    pub(crate) model: &'a str,
    /// The ceiling that Anthropic demands, when the caller names none.
    pub(crate) max_tokens: u64,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    messages: Vec<messages::Turn<'a>>,
    #[serde(flatten)]
    tools: tools::Tools<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: Cow<'a, str>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a RawValue,
}

/// Translates a body, or says which field has no counterpart.
pub(crate) fn request(body: &[u8], target: &Target<'_>) -> Result<Bytes, BadAsk> {
    let chat = Fields::of_body(body)?;
    refuse(&chat)?;
    let (system, messages) = messages::translate(&chat)?;
    let ceiling = chat.whole("max_tokens")?.max(chat.whole("max_completion_tokens")?);
    let translated = Outgoing {
        model: target.model,
        max_tokens: ceiling.unwrap_or(target.max_tokens),
        system,
        messages,
        tools: tools::translate(&chat)?,
        output_config: output_config(&chat)?,
        temperature: temperature(&chat)?,
        top_p: number(&chat, "top_p")?.map(|(raw, _)| raw),
        stop_sequences: stop_sequences(&chat)?,
        metadata: chat.text("user")?.map(|user_id| Metadata { user_id }),
        stream: chat.flag("stream")?.unwrap_or(false),
    };
    serde_json::to_vec(&translated).map(Bytes::from).map_err(|error| {
        BadAsk::body(format!("the body cannot be written: {error}"), "invalid_json")
    })
}

/// Refuses what would change the answer and cannot be said, unless it asks for nothing.
fn refuse(chat: &Fields<'_>) -> Result<(), BadAsk> {
    chat.refuse(&["audio", "functions", "function_call", "web_search_options", "top_logprobs"])?;
    if chat.whole("n")?.is_some_and(|n| n != 1) {
        return Err(BadAsk::unsupported("n"));
    }
    if chat.flag("logprobs")? == Some(true) {
        return Err(BadAsk::unsupported("logprobs"));
    }
    for name in ["presence_penalty", "frequency_penalty"] {
        if number(chat, name)?.is_some_and(|(_, value)| value != 0.0) {
            return Err(BadAsk::unsupported(name));
        }
    }
    if chat
        .get("logit_bias")
        .is_some_and(|bias| !bias.get().bytes().all(|b| b"{} \r\n\t".contains(&b)))
    {
        return Err(BadAsk::unsupported("logit_bias"));
    }
    for (path, modality) in chat.list("modalities")? {
        if modality.get() != "\"text\"" {
            return Err(BadAsk::unsupported(path));
        }
    }
    Ok(())
}

/// A number, as it is written and as it counts.
fn number<'a>(chat: &Fields<'a>, name: &str) -> Result<Option<(&'a RawValue, f64)>, BadAsk> {
    let Some(raw) = chat.get(name) else { return Ok(None) };
    match serde_json::from_str::<f64>(raw.get()) {
        Ok(value) => Ok(Some((raw, value))),
        Err(_) => Err(BadAsk::wrong_type(name, "a number")),
    }
}

/// The scales differ: OpenAI's ends at 2, Anthropic's at 1. A silent clamp would be another request.
fn temperature<'a>(chat: &Fields<'a>) -> Result<Option<&'a RawValue>, BadAsk> {
    match number(chat, "temperature")? {
        Some((_, value)) if !(0.0..=1.0).contains(&value) => {
            Err(BadAsk::bad_value("temperature", "must be between 0 and 1 for this model"))
        }
        other => Ok(other.map(|(raw, _)| raw)),
    }
}

fn stop_sequences<'a>(chat: &Fields<'a>) -> Result<Vec<Cow<'a, str>>, BadAsk> {
    match chat.scalar("stop")? {
        Scalar::Null => return Ok(Vec::new()),
        Scalar::Text(stop) => return Ok(vec![stop]),
        _ => {}
    }
    let text = |(path, raw): (String, &'a RawValue)| match serde_json::from_str(raw.get()) {
        Ok(Scalar::Text(stop)) => Ok(stop),
        _ => Err(BadAsk::wrong_type(path, "a string")),
    };
    chat.list("stop")?.into_iter().map(text).collect()
}

/// A JSON schema is enforced by the provider's own structured output. "Any JSON object" is not on
/// offer there, and an unenforced promise would be none.
fn output_config<'a>(chat: &Fields<'a>) -> Result<Option<OutputConfig<'a>>, BadAsk> {
    let Some(format) = chat.object("response_format")? else { return Ok(None) };
    match &*format.need_text("type")? {
        "text" => Ok(None),
        "json_schema" => {
            let schema = format.need_object("json_schema")?.need("schema")?;
            Ok(Some(OutputConfig { format: Format { kind: "json_schema", schema } }))
        }
        "json_object" => Err(BadAsk::field(
            "response_format.type",
            "cannot be `json_object` for this model: give a `json_schema`",
            "unsupported_parameter",
        )),
        _ => Err(BadAsk::bad_value("response_format.type", "must be `text` or `json_schema`")),
    }
}
