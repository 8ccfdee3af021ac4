//! Borrowed readings of JSON that the rest of the wire shares.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The text of a JSON string, borrowed unless it holds an escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        from.deserialize_str(Reader).map(Text)
    }
}

/// Any JSON value, as far as a setting needs to be understood. Never fails on a type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    Negative,
    Number(f64),
    Text(Cow<'a, str>),
    Nested,
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Null)
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Whole(value))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                Ok(u64::try_from(value).map_or(Scalar::Negative, Scalar::Whole))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value))
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nested)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nested)
            }
        }
        from.deserialize_any(Reader)
    }
}

/// The JSON string that stands for this text, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Where a borrowed value lies in the body it was read from.
pub(crate) fn span(body: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr().saturating_sub(body.as_ptr().addr());
    start..start.saturating_add(value.get().len())
}

/// The values nest deeper than this. Text that is not JSON gives some answer, never a panic.
pub(crate) fn deeper_than(most: usize, body: &[u8]) -> bool {
    // Most bodies open fewer brackets than are allowed to be open at once.
    if memchr::memchr2_iter(b'{', b'[', body).take(most.saturating_add(1)).count() <= most {
        return false;
    }
    let (mut depth, mut rest) = (0_usize, body);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'"' => rest = after_string(tail),
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if depth > most {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// How many bytes are written before the quote that ends the string we are in.
pub(crate) fn string_len(inside: &[u8]) -> usize {
    inside.len().saturating_sub(from_closing_quote(inside).len())
}

fn after_string(inside: &[u8]) -> &[u8] {
    from_closing_quote(inside).get(1..).unwrap_or_default()
}

fn from_closing_quote(inside: &[u8]) -> &[u8] {
    let mut rest = inside;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let here = rest.get(at..).unwrap_or_default();
        if here.first() == Some(&b'"') {
            return here;
        }
        rest = here.get(2..).unwrap_or_default();
    }
    &[]
}
