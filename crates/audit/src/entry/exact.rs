//! Integers that RFC 8785 could not write exactly: it writes every number as a double, so
//! beyond 2^53 - 1 they stand as text, as its section 3.2.2.3 and RFC 7493 advise.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The largest integer that stands as a number.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// The same value, with larger integers as text.
pub(crate) fn exact(value: &Value) -> Cow<'_, Value> {
    if is_exact(value) { Cow::Borrowed(value) } else { Cow::Owned(rewritten(value)) }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            size.is_none_or(|size| size <= NUMBER_MAX)
        }
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn rewritten(value: &Value) -> Value {
    match value {
        Value::Number(number) if !is_exact(value) => Value::String(number.to_string()),
        Value::Array(items) => items.iter().map(rewritten).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), rewritten(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// For `serde(with)`: an amount.
pub(crate) fn serialize<T, S>(amount: &T, to: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Into<i128> + Serialize + Display,
    S: Serializer,
{
    let size = (*amount).into().unsigned_abs();
    if size <= u128::from(NUMBER_MAX) { amount.serialize(to) } else { to.collect_str(amount) }
}

/// For `serde(with)`: an amount, however it stands.
pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written<T> {
        Number(T),
        Text(String),
    }
    match Written::deserialize(from)? {
        Written::Number(amount) => Ok(amount),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}
