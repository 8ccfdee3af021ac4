//! JSON objects of strangers: no member twice, at any depth, and not too deep. Two parsers
//! that choose differently between duplicates are two opinions of one token.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Arrays and objects within each other at most.
const DEPTH_MAX: u32 = 16;

/// Why it is not such an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NotAnObject,
    Duplicate,
    Deep,
}

/// The object that `bytes` are.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let fault = Cell::new(Fault::NotAnObject);
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let read = Seed { left: DEPTH_MAX, fault: &fault }.deserialize(&mut from);
    match (read, from.end()) {
        (Ok(Value::Object(object)), Ok(())) => Ok(object),
        _ => Err(fault.get()),
    }
}

/// Reads one value that may hold `left` levels more.
#[derive(Clone, Copy)]
struct Seed<'a> {
    left: u32,
    fault: &'a Cell<Fault>,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(self.refuse(Fault::Deep)),
        }
    }

    fn refuse<E: serde::de::Error>(self, fault: Fault) -> E {
        self.fault.set(fault);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            let value = from.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(self.refuse(Fault::Duplicate));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_a_member_twice_or_too_deep_is_none() {
        let read = object(br#" {"a": [1, -2, 2.5, "x", null, true, {"b": {}}]} "#).unwrap();
        let whole = serde_json::json!({"a": [1, -2, 2.5, "x", null, true, {"b": {}}]});
        assert_eq!(Value::Object(read), whole);
        assert_eq!(object(br#"{"a":1,"a":1}"#), Err(Fault::Duplicate));
        assert_eq!(object(br#"{"a":1,"\u0061":2}"#), Err(Fault::Duplicate));
        assert_eq!(object(br#"{"x":[{"a":1,"a":2}]}"#), Err(Fault::Duplicate));
        let deep =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(object(deep(15).as_bytes()).is_ok());
        assert_eq!(object(deep(16).as_bytes()), Err(Fault::Deep));
        assert_eq!(object(deep(100_000).as_bytes()), Err(Fault::Deep));
        for not in ["", "[]", "1", "{}{}", "{} x", "{\"a\"", "\u{feff}{}", "{\"a\":NaN}"] {
            assert_eq!(object(not.as_bytes()), Err(Fault::NotAnObject), "{not}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(Fault::NotAnObject));
    }
}
