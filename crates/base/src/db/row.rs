//! What a statement gives back.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::DbError;
use crate::time::At;

/// One row; columns are read by name, and a wrong type is an error, not a panic.
pub struct Row(pub(crate) EngineRow);

pub(crate) enum EngineRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr) => {
        match &$row.0 {
            EngineRow::Sqlite(row) => row.try_get($column),
            EngineRow::Postgres(row) => row.try_get($column),
        }
        .map_err(|cause| DbError::new("read a column", cause))
    };
}

impl Row {
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
