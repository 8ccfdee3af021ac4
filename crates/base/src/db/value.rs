//! What a statement is given.

/// One argument. A missing value still has a type: PostgreSQL asks for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `TEXT`.
    Text(Option<String>),
    /// `BIGINT`.
    Int(Option<i64>),
    /// `BYTEA`.
    Bytes(Option<Vec<u8>>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(ToOwned::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<crate::time::At> for Value {
    fn from(at: crate::time::At) -> Self {
        Self::Int(Some(at.as_microsecond()))
    }
}

impl From<Option<crate::time::At>> for Value {
    fn from(at: Option<crate::time::At>) -> Self {
        Self::Int(at.map(crate::time::At::as_microsecond))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

/// Turns values into the arguments of one engine.
macro_rules! bind {
    ($arguments:ty, $values:expr) => {{
        use sqlx::Arguments as _;
        let mut arguments = <$arguments>::default();
        for value in $values {
            match value {
                $crate::db::Value::Text(text) => arguments.add(text),
                $crate::db::Value::Int(number) => arguments.add(number),
                $crate::db::Value::Bytes(bytes) => arguments.add(bytes),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok::<_, sqlx::Error>(arguments)
    }};
}
pub(crate) use bind;
