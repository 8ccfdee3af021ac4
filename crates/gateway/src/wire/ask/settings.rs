//! The settings beside the messages: each is read by itself, so that each can be named when wrong.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Kind, Named, OptionsShape, Reading, StreamOptions, extra};
use crate::wire::{
    BadAsk,
    json::{self, Scalar},
};

/// Bytes of a model's name at most: it is named in errors and in the record.
const MODEL_BYTES_MAX: usize = 256;
/// No model writes more in one answer.
const MAX_TOKENS_AT_MOST: u64 = 100_000_000;
/// As many answers as OpenAI gives to one request.
const N_AT_MOST: u64 = 128;

const CHAT: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "temperature",
    "user",
];
const EMBEDDINGS: &[&str] = &["model", "input", "user"];

/// Our own copy of this key, if it is one that we read.
pub(super) fn known(kind: Kind, key: &str) -> Option<&'static str> {
    let keys = match kind {
        Kind::Chat => CHAT,
        Kind::Embeddings => EMBEDDINGS,
    };
    let extras = || extra::KEYS.iter().map(|(known, _)| *known).find(|known| *known == key);
    keys.iter().find(|known| **known == key).copied().or_else(extras)
}

/// The key of ours that this one is, read without regard to case. Providers written in
/// Go read keys so, and Unicode folds a long `ſ` and a Kelvin `K` like letters.
pub(super) fn mistaken_for(kind: Kind, key: &str) -> Option<&'static str> {
    let folded: String = key
        .chars()
        .map(|letter| match letter {
            'ſ' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    known(kind, &folded)
}

impl<'a> Reading<'a> {
    pub(super) fn setting(&mut self, name: &'static str, raw: &'a RawValue) -> Result<(), BadAsk> {
        match name {
            "model" => self.model(raw)?,
            "stream" => self.stream = boolean(name, raw)?.unwrap_or(false),
            "stream_options" => self.stream_options = Some(stream_options(self.body, raw)?),
            "max_tokens" => self.max_tokens = Some(self.ceiling(name, raw)?),
            "max_completion_tokens" => self.max_completion_tokens = Some(self.ceiling(name, raw)?),
            "n" => {
                let n = whole(name, raw, N_AT_MOST)?.and_then(|n| u32::try_from(n).ok());
                self.n = n.unwrap_or(1);
            }
            "temperature" => temperature(raw)?,
            "user" => match scalar(name, raw)? {
                Scalar::Null | Scalar::Text(_) => {}
                _ => return Err(BadAsk::wrong_type(name, "a string")),
            },
            "input" => self.input(raw)?,
            _ => self.extras.extend(extra::asked(name, raw).map(|extra| (name, extra))),
        }
        Ok(())
    }

    fn model(&mut self, raw: &'a RawValue) -> Result<(), BadAsk> {
        match scalar("model", raw)? {
            Scalar::Text(model) if model.trim().is_empty() => {
                Err(BadAsk::bad_value("model", "must not be empty"))
            }
            Scalar::Text(model)
                if model.len() > MODEL_BYTES_MAX || model.chars().any(char::is_control) =>
            {
                Err(BadAsk::bad_value("model", "must be a name, at most 256 bytes long"))
            }
            Scalar::Text(model) => {
                self.model = Some((model, json::span(self.body, raw)));
                Ok(())
            }
            Scalar::Null => Err(BadAsk::missing("model")),
            _ => Err(BadAsk::wrong_type("model", "a string")),
        }
    }

    fn ceiling(&self, name: &str, raw: &RawValue) -> Result<Named, BadAsk> {
        let tokens = whole(name, raw, MAX_TOKENS_AT_MOST)?;
        Ok(Named { tokens, span: json::span(self.body, raw) })
    }

    fn input(&mut self, raw: &RawValue) -> Result<(), BadAsk> {
        let text = raw.get();
        let array = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let empty = match array {
            Some(inside) => inside.trim_ascii().is_empty(),
            None if text == "null" => return Err(BadAsk::missing("input")),
            None if text.starts_with('"') => text == "\"\"",
            None => return Err(BadAsk::wrong_type("input", "a string or an array")),
        };
        if empty {
            return Err(BadAsk::bad_value("input", "must not be empty"));
        }
        self.content = true;
        Ok(())
    }
}

fn scalar<'a>(name: &str, raw: &'a RawValue) -> Result<Scalar<'a>, BadAsk> {
    serde_json::from_str(raw.get())
        .map_err(|_| BadAsk::bad_value(name, "is not a value that can be read"))
}

fn boolean(name: &str, raw: &RawValue) -> Result<Option<bool>, BadAsk> {
    match scalar(name, raw)? {
        Scalar::Null => Ok(None),
        Scalar::Bool(value) => Ok(Some(value)),
        _ => Err(BadAsk::wrong_type(name, "a boolean")),
    }
}

fn whole(name: &str, raw: &RawValue, most: u64) -> Result<Option<u64>, BadAsk> {
    match scalar(name, raw)? {
        Scalar::Null => Ok(None),
        Scalar::Whole(0) | Scalar::Negative => Err(BadAsk::bad_value(name, "must be at least 1")),
        Scalar::Whole(value) if value > most => {
            Err(BadAsk::bad_value(name, &format!("must be at most {most}")))
        }
        Scalar::Whole(value) => Ok(Some(value)),
        _ => Err(BadAsk::wrong_type(name, "a whole number")),
    }
}

fn temperature(raw: &RawValue) -> Result<(), BadAsk> {
    let inside = match scalar("temperature", raw)? {
        Scalar::Null => true,
        Scalar::Whole(value) => value <= 2,
        Scalar::Number(value) => (0.0..=2.0).contains(&value),
        Scalar::Negative => false,
        _ => return Err(BadAsk::wrong_type("temperature", "a number")),
    };
    if inside { Ok(()) } else { Err(BadAsk::bad_value("temperature", "must be between 0 and 2")) }
}

fn stream_options(body: &str, raw: &RawValue) -> Result<StreamOptions, BadAsk> {
    // A plain `Option` would take a `null` for absence, and with it the place to splice at.
    #[derive(Deserialize)]
    struct Options<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        include_usage: Option<&'a RawValue>,
    }
    let span = json::span(body, raw);
    let Some(inside) = raw.get().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        if raw.get() == "null" {
            let shape = OptionsShape::Null;
            return Ok(StreamOptions {
                span,
                include_usage: false,
                include_usage_span: None,
                shape,
            });
        }
        return Err(BadAsk::wrong_type("stream_options", "an object"));
    };
    let options: Options<'_> = serde_json::from_str(raw.get()).map_err(|_| {
        BadAsk::bad_value("stream_options", "must have `include_usage` at most once")
    })?;
    let include_usage = match options.include_usage {
        Some(value) => boolean("stream_options.include_usage", value)?.unwrap_or(false),
        None => false,
    };
    let shape = match inside.trim_ascii() {
        "" => OptionsShape::Empty,
        _ => OptionsShape::Members,
    };
    let include_usage_span = options.include_usage.map(|value| json::span(body, value));
    Ok(StreamOptions { span, include_usage, include_usage_span, shape })
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}
