//! The messages of a chat: who speaks, where the images are, and what the user said last.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Place, Reading};
use crate::wire::{
    BadAsk,
    json::{Scalar, Text},
};

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function"];

/// Parts whose whole content is in the body, or that have an allowance of their own.
const INLINE: &[&str] = &["text", "image_url", "input_audio", "refusal"];

/// Reads `messages` into the reading it lends from.
pub(super) struct Messages<'r, 'a>(pub(super) &'r mut Reading<'a>);

struct Message<'r, 'a> {
    reading: &'r mut Reading<'a>,
    index: usize,
}

impl<'de> DeserializeSeed<'de> for Messages<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            self.0.place = Place::Message(index);
            let message = Message { reading: &mut *self.0, index };
            if seq.next_element_seed(message)?.is_none() {
                self.0.content = index > 0;
                break;
            }
        }
        if !self.0.content {
            return Err(self.0.stop(BadAsk::bad_value("messages", "must not be empty")));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Message<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mut role, mut content) = (None, None);
        while let Some(Text(key)) = map.next_key()? {
            let twice = match &*key {
                "role" => role.replace(map.next_value::<Scalar<'de>>()?).is_some(),
                "content" => content.replace(map.next_value::<&'de RawValue>()?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice {
                let param = format!("messages[{}].{key}", self.index);
                let fault = BadAsk::field(param, "stands there twice", "duplicate_parameter");
                return Err(self.reading.stop(fault));
            }
        }
        match self.check(role, content) {
            Ok(()) => Ok(()),
            Err(fault) => Err(self.reading.stop(fault)),
        }
    }
}

impl<'a> Message<'_, 'a> {
    fn check(
        &mut self,
        role: Option<Scalar<'a>>,
        content: Option<&'a RawValue>,
    ) -> Result<(), BadAsk> {
        let param = || format!("messages[{}].role", self.index);
        let role = match role {
            None | Some(Scalar::Null) => return Err(BadAsk::missing(param())),
            Some(Scalar::Text(role)) => role,
            Some(_) => return Err(BadAsk::wrong_type(param(), "a string")),
        };
        if !ROLES.contains(&&*role) {
            return Err(BadAsk::bad_value(
                param(),
                "must be one of `system`, `developer`, `user`, `assistant`, `tool`, `function`",
            ));
        }
        if let Some(content) = content {
            self.content(content)?;
            if role == "user" {
                self.reading.last_user = Some(content);
            }
        }
        Ok(())
    }

    fn content(&mut self, content: &RawValue) -> Result<(), BadAsk> {
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow, rename = "type")]
            kind: Option<Text<'a>>,
            #[serde(borrow)]
            image_url: Option<&'a RawValue>,
        }
        let wrong =
            |wanted| BadAsk::wrong_type(format!("messages[{}].content", self.index), wanted);
        let text = content.get();
        if text.starts_with('"') || text == "null" {
            return Ok(());
        }
        if !text.starts_with('[') {
            return Err(wrong("a string or an array of parts"));
        }
        let parts: Vec<Part<'_>> =
            serde_json::from_str(text).map_err(|_| wrong("an array of objects"))?;
        let inline = |kind: &Text<'_>| INLINE.contains(&&*kind.0);
        self.reading.by_reference |=
            !parts.iter().all(|part| part.kind.as_ref().is_some_and(inline));
        for image in parts.iter().filter_map(|part| part.image_url) {
            self.reading.images = self.reading.images.saturating_add(1);
            self.reading.image_bytes = self.reading.image_bytes.saturating_add(image.get().len());
        }
        Ok(())
    }
}
