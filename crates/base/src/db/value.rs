//! What a statement is given.

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

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

/// One column of many rows.
#[derive(Debug)]
pub(crate) enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    /// As PostgreSQL takes them: an array for each.
    pub(crate) fn bound(columns: Vec<Self>) -> Result<PgArguments, sqlx::Error> {
        let mut args = PgArguments::default();
        for column in columns {
            match column {
                Self::Text(all) => args.add(all),
                Self::Int(all) => args.add(all),
                Self::Bytes(all) => args.add(all),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(args)
    }

    /// Turns rows into columns. Each row has a value of the same type at the same place.
    pub(crate) fn of(rows: impl Iterator<Item = Vec<Value>>) -> Result<Vec<Self>, MixedRows> {
        let mut columns: Vec<Self> = Vec::new();
        for row in rows {
            if columns.is_empty() {
                columns = row.iter().map(Self::like).collect();
            }
            if row.len() != columns.len() {
                return Err(MixedRows);
            }
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value)?;
            }
        }
        Ok(columns)
    }

    fn like(value: &Value) -> Self {
        match value {
            Value::Text(_) => Self::Text(Vec::new()),
            Value::Int(_) => Self::Int(Vec::new()),
            Value::Bytes(_) => Self::Bytes(Vec::new()),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), MixedRows> {
        match (self, value) {
            (Self::Text(all), Value::Text(one)) => all.push(one),
            (Self::Int(all), Value::Int(one)) => all.push(one),
            (Self::Bytes(all), Value::Bytes(one)) => all.push(one),
            _ => return Err(MixedRows),
        }
        Ok(())
    }
}

/// The rows of a batch are not alike.
#[derive(Debug, thiserror::Error)]
#[error("the rows of a batch have values of different types")]
pub(crate) struct MixedRows;

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
