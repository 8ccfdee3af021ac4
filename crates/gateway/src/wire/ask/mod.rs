//! What routing, limits and metering need to know of a request, borrowed from its bytes.
//!
//! Everything else stays unread and reaches the provider untouched. A key that we do read may stand
//! only once: two parsers that disagree on duplicates would let a caller show us one model, or one
//! ceiling, and the provider another.

pub(crate) mod extra;
mod messages;
mod settings;

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};

use super::{BadAsk, json};
use extra::Extra;
use messages::Messages;

/// Brackets that may be open at once in a body.
pub(crate) const DEPTH_AT_MOST: usize = 64;

/// Prompt tokens set aside for each image unless the operator says otherwise: more than the current flagship
/// models charge for one at full detail. The operator says it of a model that charges more.
pub(crate) const IMAGE_TOKENS: u32 = 6_000;

/// Which door the body came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    Embeddings,
}

/// A request, as far as the gateway reads it.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) model: Cow<'a, str>,
    /// Where the model's JSON string lies in the body, quotes included.
    pub(crate) model_span: Range<usize>,
    pub(crate) stream: bool,
    pub(crate) stream_options: Option<StreamOptions>,
    pub(crate) max_tokens: Option<Named>,
    pub(crate) max_completion_tokens: Option<Named>,
    /// Answers asked for; each may use the full ceiling of tokens.
    pub(crate) n: u32,
    /// What makes it dearer, or has somebody else process it, with the keys that say so.
    pub(crate) extras: Vec<(&'static str, Extra)>,
    /// Bytes of the body without the data of images.
    pub(crate) text_bytes: u64,
    /// Images in it.
    pub(crate) images: u64,
    /// It names content that is not in the body: its size cannot be told from here.
    pub(crate) by_reference: bool,
    /// The content of the last user message, unread; see `last_user_text`.
    pub(super) last_user: Option<&'a RawValue>,
}

/// The `stream_options` of a body: where they lie, and what they say about usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamOptions {
    pub(crate) span: Range<usize>,
    pub(crate) include_usage: bool,
    /// Where the value of `include_usage` lies, if it is there.
    pub(crate) include_usage_span: Option<Range<usize>>,
    /// The span holds an object (not `null`), and it has members.
    pub(crate) shape: OptionsShape,
}

/// A ceiling that stands in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// None: `null` stands there.
    pub(crate) tokens: Option<u64>,
    /// Where its value lies.
    pub(crate) span: Range<usize>,
}

/// What an edit has to insert into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionsShape {
    Null,
    Empty,
    Members,
}

impl<'a> Ask<'a> {
    /// Reads a body, or says what is wrong with it and where.
    pub(crate) fn parse(kind: Kind, body: &'a [u8]) -> Result<Self, BadAsk> {
        if json::deeper_than(DEPTH_AT_MOST, body) {
            return Err(BadAsk::body("the body nests deeper than 64 levels", "too_deep"));
        }
        let body = str::from_utf8(body).map_err(|error| {
            let at = error.valid_up_to();
            BadAsk::body(format!("the body is not UTF-8 at byte {at}"), "invalid_json")
        })?;
        let mut reading = Reading::new(kind, body);
        let mut json = serde_json::Deserializer::from_str(body);
        match (&mut reading).deserialize(&mut json).and_then(|()| json.end()) {
            Ok(()) => reading.finish(),
            Err(error) => Err(reading.blame(&error)),
        }
    }

    /// The caller asked for the event that carries the usage of a stream.
    pub(crate) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }

    /// The prompt cannot be longer than this where an image counts as so many tokens, whatever its
    /// size. A token is at least one byte, so the other bytes of the body bound the rest.
    pub(crate) fn prompt_tokens_with(&self, image_tokens: u64) -> u64 {
        self.text_bytes.saturating_add(self.images.saturating_mul(image_tokens))
    }

    /// The ceiling the caller set for one answer. Of two ceilings, the higher one counts.
    pub(crate) fn completion_tokens_at_most(&self) -> Option<u64> {
        let tokens = |named: &Option<Named>| named.as_ref().and_then(|named| named.tokens);
        tokens(&self.max_tokens).max(tokens(&self.max_completion_tokens))
    }
}

/// What is being read, so that a wrong JSON type can be blamed on it.
#[derive(Clone, Copy)]
enum Place {
    Body,
    Messages,
    Message(usize),
}

/// A body on its way to becoming an [`Ask`].
struct Reading<'a> {
    kind: Kind,
    body: &'a str,
    place: Place,
    /// The first thing found wrong. Serde's own error then only carries us out.
    fault: Option<BadAsk>,
    seen: Vec<&'static str>,
    model: Option<(Cow<'a, str>, Range<usize>)>,
    stream: bool,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<Named>,
    max_completion_tokens: Option<Named>,
    n: u32,
    extras: Vec<(&'static str, Extra)>,
    last_user: Option<&'a RawValue>,
    /// Messages or input were there.
    content: bool,
    images: u64,
    image_bytes: usize,
    by_reference: bool,
}

impl<'a> Reading<'a> {
    fn new(kind: Kind, body: &'a str) -> Self {
        Self {
            kind,
            body,
            place: Place::Body,
            fault: None,
            seen: Vec::with_capacity(12),
            model: None,
            stream: false,
            stream_options: None,
            max_tokens: None,
            max_completion_tokens: None,
            n: 1,
            extras: Vec::new(),
            last_user: None,
            content: false,
            images: 0,
            image_bytes: 0,
            by_reference: false,
        }
    }

    /// Notes what is wrong, and gives the serde error that stops the reading.
    fn stop<E: Error>(&mut self, fault: BadAsk) -> E {
        self.fault = Some(fault);
        E::custom("refused")
    }

    fn blame(self, error: &serde_json::Error) -> BadAsk {
        if let Some(fault) = self.fault {
            return fault;
        }
        match (error.classify(), self.place) {
            (Category::Data, Place::Body) => {
                BadAsk::body("the body must be a JSON object", "invalid_type")
            }
            (Category::Data, Place::Messages) => BadAsk::wrong_type("messages", "an array"),
            (Category::Data, Place::Message(index)) => {
                BadAsk::wrong_type(format!("messages[{index}]"), "an object")
            }
            (Category::Io | Category::Syntax | Category::Eof, _) => {
                BadAsk::body(format!("the body is not valid JSON: {error}"), "invalid_json")
            }
        }
    }

    fn finish(self) -> Result<Ask<'a>, BadAsk> {
        let (model, model_span) = self.model.ok_or_else(|| BadAsk::missing("model"))?;
        if !self.content {
            return Err(BadAsk::missing(match self.kind {
                Kind::Chat => "messages",
                Kind::Embeddings => "input",
            }));
        }
        let bytes = self.body.len().saturating_sub(self.image_bytes);
        Ok(Ask {
            model,
            model_span,
            stream: self.stream,
            stream_options: self.stream_options,
            max_tokens: self.max_tokens,
            max_completion_tokens: self.max_completion_tokens,
            n: self.n,
            extras: self.extras,
            text_bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            images: self.images,
            by_reference: self.by_reference,
            last_user: self.last_user,
        })
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(json::Text(key)) = map.next_key()? {
            let Some(name) = settings::known(self.kind, &key) else {
                if let Some(ours) = settings::mistaken_for(self.kind, &key) {
                    let what = format!("could be read as `{ours}`: write it as it is documented");
                    let fault = BadAsk::field(key.into_owned(), &what, "ambiguous_parameter");
                    return Err(self.stop(fault));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if self.seen.contains(&name) {
                let twice = BadAsk::field(name, "stands in the body twice", "duplicate_parameter");
                return Err(self.stop(twice));
            }
            self.seen.push(name);
            if name == "messages" {
                self.place = Place::Messages;
                map.next_value_seed(Messages(self))?;
                self.place = Place::Body;
            } else {
                let value = map.next_value()?;
                if let Err(fault) = self.setting(name, value) {
                    return Err(self.stop(fault));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
