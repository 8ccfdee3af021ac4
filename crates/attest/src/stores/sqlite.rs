//! A file of SQLite, as its tables are: a value that lies on several pages is whole here.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::canary::Canaries;
use crate::error::Error;
use crate::scan::{Scan, Seen};

const COLUMNS: &str = "SELECT m.name AS t, c.name AS c FROM sqlite_master m
    JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, 2";

/// A connection to one.
pub(crate) struct Sqlite {
    connection: SqliteConnection,
    shown: String,
}

impl Sqlite {
    /// Opens one that is there, to read it alone.
    pub(crate) async fn open(file: &Path) -> Result<Self, Error> {
        Self::with(file, SqliteConnectOptions::new().read_only(true)).await
    }

    /// Makes one for a control.
    pub(crate) async fn create(file: &Path) -> Result<Self, Error> {
        Self::with(file, SqliteConnectOptions::new().create_if_missing(true)).await
    }

    async fn with(file: &Path, options: SqliteConnectOptions) -> Result<Self, Error> {
        let shown = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let connection = options.filename(file).connect().await;
        let connection = connection.map_err(|error| Error::Database(shown.clone(), error))?;
        Ok(Self { connection, shown })
    }

    fn fault(&self, error: sqlx::Error) -> Error {
        Error::Database(self.shown.clone(), error)
    }

    async fn places(&mut self) -> Result<Vec<(String, String)>, Error> {
        let rows = sqlx::query(COLUMNS).fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| self.fault(error))?;
        let read = |row: &sqlx::sqlite::SqliteRow| Ok((row.try_get("t")?, row.try_get("c")?));
        let places: Result<_, sqlx::Error> = rows.iter().map(read).collect();
        places.map_err(|error| self.fault(error))
    }

    pub(crate) async fn look(&mut self, canaries: &Canaries) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        for (table, column) in self.places().await? {
            let text = format!("SELECT CAST({} AS BLOB) FROM {}", quoted(&column), quoted(&table));
            let Self { connection, shown } = self;
            let fault = |error| Error::Database(shown.clone(), error);
            let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(connection);
            while let Some(row) = rows.try_next().await.map_err(fault)? {
                let value: Option<Vec<u8>> = row.try_get(0).map_err(fault)?;
                if let Some(value) = value {
                    Scan::value(&value, canaries, &mut seen);
                }
            }
        }
        Ok(seen)
    }

    /// Puts values into a table.
    pub(crate) async fn put(&mut self, values: &[Vec<u8>]) -> Result<(), Error> {
        let made = "CREATE TABLE attest_control (value BLOB NOT NULL)";
        sqlx::query(made).execute(&mut self.connection).await.map_err(|error| self.fault(error))?;
        for value in values {
            let put = sqlx::query("INSERT INTO attest_control (value) VALUES ($1)").bind(value);
            put.execute(&mut self.connection).await.map_err(|error| self.fault(error))?;
        }
        Ok(())
    }

    /// The columns of its tables, with the bytes in each.
    pub(crate) async fn columns(&mut self) -> Result<Vec<(String, String, u64)>, Error> {
        let mut columns = Vec::new();
        for (table, column) in self.places().await? {
            let sum = format!(
                "SELECT coalesce(sum(length(CAST({} AS BLOB))), 0) AS n FROM {}",
                quoted(&column),
                quoted(&table)
            );
            let told = sqlx::query(AssertSqlSafe(sum)).fetch_one(&mut self.connection).await;
            let told = told.map_err(|error| self.fault(error))?;
            let bytes: i64 = told.try_get("n").map_err(|error| self.fault(error))?;
            columns.push((table, column, u64::try_from(bytes).unwrap_or_default()));
        }
        Ok(columns)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
