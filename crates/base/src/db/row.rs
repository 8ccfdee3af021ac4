//! What a statement gives back.

use aws_lc_rs::digest::Context;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, ValueRef as _};

use super::here::HereRow;
use super::{DbError, Value};
use crate::time::At;

/// One row; columns are read by name, and a wrong type is an error, not a panic.
pub struct Row(pub(crate) EngineRow);

pub(crate) enum EngineRow {
    Sqlite(SqliteRow),
    Here(HereRow),
    Postgres(PgRow),
    Given(Vec<(&'static str, Value)>),
}

macro_rules! get {
    ($row:expr, $column:expr) => {
        match &$row.0 {
            EngineRow::Sqlite(row) => row.try_get($column),
            EngineRow::Here(row) => row.get($column),
            EngineRow::Postgres(row) => row.try_get($column),
            EngineRow::Given(columns) => given(columns, $column),
        }
        .map_err(|cause| DbError::new("read a column", cause))
    };
}

/// What a column of a given row is read as.
trait Given: Sized {
    /// None: it is of another type, or missing where it may not be.
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! given {
    ($kind:ident: $type:ty) => {
        impl Given for $type {
            fn of(value: &Value) -> Option<Self> {
                Option::<Self>::of(value)?
            }
        }
        impl Given for Option<$type> {
            fn of(value: &Value) -> Option<Self> {
                if let Value::$kind(value) = value { Some(value.clone()) } else { None }
            }
        }
    };
}
given!(Text: String);
given!(Int: i64);
given!(Bytes: Vec<u8>);

fn given<T: Given>(columns: &[(&'static str, Value)], column: &str) -> Result<T, sqlx::Error> {
    let found = columns.iter().find(|(name, _)| *name == column);
    let (_, value) = found.ok_or_else(|| sqlx::Error::ColumnNotFound(column.to_owned()))?;
    T::of(value).ok_or_else(|| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "another type, or missing".into(),
    })
}

impl Row {
    /// A row that no statement gave: what was kept elsewhere, and is read as if it had been
    /// in the database.
    pub fn given(columns: Vec<(&'static str, Value)>) -> Self {
        Self(EngineRow::Given(columns))
    }

    /// Adds all columns, as `PostgreSQL` gave them, to a digest.
    pub(crate) fn digest(&self, context: &mut Context) -> Option<()> {
        let mut add = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| u64::try_from(bytes.len()).unwrap_or(0));
            context.update(&length.to_le_bytes());
            context.update(bytes.unwrap_or_default());
        };
        match &self.0 {
            EngineRow::Postgres(row) => {
                for at in 0..row.len() {
                    let value = row.try_get_raw(at).ok()?;
                    add(if value.is_null() { None } else { Some(value.as_bytes().ok()?) });
                }
            }
            EngineRow::Sqlite(_) | EngineRow::Here(_) | EngineRow::Given(_) => return None,
        }
        Some(())
    }

    /// A `TEXT` column.
    pub fn text(&self, column: &str) -> Result<String, DbError> {
        get!(self, column)
    }

    /// A `TEXT` column that may be missing.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, DbError> {
        get!(self, column)
    }

    /// A `BIGINT` column.
    pub fn int(&self, column: &str) -> Result<i64, DbError> {
        get!(self, column)
    }

    /// A `BIGINT` column that may be missing.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, DbError> {
        get!(self, column)
    }

    /// A `BIGINT` column that counts something.
    pub fn count(&self, column: &str) -> Result<u64, DbError> {
        self.int(column)?.try_into().map_err(|cause| DbError::unreadable(column, cause))
    }

    /// A `BYTEA` column.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>, DbError> {
        get!(self, column)
    }

    /// A `BYTEA` column that may be missing.
    pub fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, DbError> {
        get!(self, column)
    }

    /// An instant, stored as microseconds.
    pub fn at(&self, column: &str) -> Result<At, DbError> {
        At::from_microsecond(self.int(column)?).map_err(|cause| DbError::unreadable(column, cause))
    }

    /// An instant that may be missing.
    pub fn opt_at(&self, column: &str) -> Result<Option<At>, DbError> {
        self.opt_int(column)?
            .map(|micros| {
                At::from_microsecond(micros).map_err(|cause| DbError::unreadable(column, cause))
            })
            .transpose()
    }

    /// A `TEXT` column that is an id, a state or another checked text.
    pub fn parse<T>(&self, column: &str) -> Result<T, DbError>
    where
        T: std::str::FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        self.text(column)?.parse().map_err(|cause| DbError::unreadable(column, cause))
    }

    /// A `TEXT` column that is JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, DbError> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|cause| DbError::unreadable(column, cause))
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Row")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_kept_elsewhere_is_read_like_any_other() {
        let none: Option<&str> = None;
        let row = Row::given(vec![
            ("name", "a".into()),
            ("size", 3.into()),
            ("body", vec![1_u8].into()),
            ("gone", none.into()),
        ]);
        assert_eq!(row.text("name").unwrap(), "a");
        assert_eq!((row.int("size").unwrap(), row.count("size").unwrap()), (3, 3));
        assert_eq!(row.bytes("body").unwrap(), [1]);
        assert_eq!(row.opt_text("gone").unwrap(), None);
        assert!(row.text("gone").is_err(), "it may not be missing");
        assert!(row.int("name").is_err(), "another type");
        assert!(row.text("else").is_err(), "no such column");
    }
}
