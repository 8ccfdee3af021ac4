//! A database of PostgreSQL, as its tables are: `COPY` in binary, so that each value comes as
//! it is kept.

use std::str::FromStr as _;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::canary::Canaries;
use crate::error::Error;
use crate::plan::Place;
use crate::scan::{Scan, Seen};

/// Every table of this database, those of this session as well.
const TABLES: &str = "SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND (n.nspname NOT LIKE 'pg\\_%' OR n.oid = pg_my_temp_schema())
    ORDER BY 1";
/// What the engine itself keeps of values and of statements.
const KEPT_BY_THE_ENGINE: [&str; 3] = [
    "SELECT schemaname::text, tablename::text, attname::text, most_common_vals::text,
            histogram_bounds::text FROM pg_stats",
    "SELECT query, application_name FROM pg_stat_activity",
    "SELECT obj_description(oid) FROM pg_class",
];
const IDENTITY: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text
    || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    || '/' || coalesce(current_schema(), '') AS name";
const LARGE_OBJECTS: &str = "SELECT count(*)::text AS name FROM pg_largeobject_metadata";

/// A connection to one.
pub(crate) struct Postgres {
    connection: PgConnection,
    shown: String,
}

impl Postgres {
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let shown = Place::Postgres(url).shown();
        let fault = |error| Error::Database(shown.clone(), error);
        let options = PgConnectOptions::from_str(url).map_err(fault)?;
        let mut connection = options.connect().await.map_err(fault)?;
        // Row-level security shows a connection that says nothing no row at all.
        let every = "SELECT set_config('portico.org', '*', false)";
        sqlx::query(every).execute(&mut connection).await.map_err(fault)?;
        Ok(Self { connection, shown })
    }

    fn fault(&self, error: sqlx::Error) -> Error {
        Error::Database(self.shown.clone(), error)
    }

    async fn names(&mut self, statement: &'static str) -> Result<Vec<String>, Error> {
        let rows = sqlx::query(statement).fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| self.fault(error))?;
        let names: Result<_, _> = rows.iter().map(|row| row.try_get("name")).collect();
        names.map_err(|error| self.fault(error))
    }

    /// The cluster, the database in it and the schema.
    pub(crate) async fn identity(&mut self) -> Result<String, Error> {
        let names = self.names(IDENTITY).await?;
        Ok(format!("postgres {}", names.first().map_or("", String::as_str)))
    }

    /// What is not looked into.
    pub(crate) async fn blind(&mut self) -> Result<Vec<String>, Error> {
        let mut blind = Vec::new();
        let count = self.names(LARGE_OBJECTS).await?;
        if count.first().is_some_and(|count| count != "0") {
            blind.push(format!("{}: large objects are not read", self.shown));
        }
        let rows = sqlx::query("SHOW wal_compression").fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| self.fault(error))?;
        let compressed: String = match rows.first() {
            Some(row) => row.try_get(0).map_err(|error| self.fault(error))?,
            None => String::new(),
        };
        if compressed != "off" {
            blind.push(format!("{}: pages in the log are compressed and not opened", self.shown));
        }
        Ok(blind)
    }

    pub(crate) async fn look(&mut self, canaries: &Canaries) -> Result<Seen, Error> {
        let tables = self.names(TABLES).await?;
        let mut seen = Seen::default();
        for table in tables {
            Scan::value(table.as_bytes(), canaries, &mut seen);
            let statement = format!("COPY {table} TO STDOUT (FORMAT binary)");
            self.copy(&statement, canaries, &mut seen).await?;
        }
        for query in KEPT_BY_THE_ENGINE {
            let statement = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
            self.copy(&statement, canaries, &mut seen).await?;
        }
        Ok(seen)
    }

    async fn copy(
        &mut self,
        statement: &str,
        canaries: &Canaries,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let Self { connection, shown } = self;
        let fault = |error| Error::Database(shown.clone(), error);
        let mut rows = connection.copy_out_raw(statement).await.map_err(fault)?;
        let mut scan = Scan::new();
        while let Some(bytes) = rows.try_next().await.map_err(fault)? {
            scan.feed(&bytes, canaries, seen);
        }
        scan.end(canaries, seen);
        Ok(())
    }

    /// Puts values into a table of this session alone, which nobody else sees and which ends
    /// with it.
    pub(crate) async fn put(&mut self, values: &[Vec<u8>]) -> Result<(), Error> {
        let made = "CREATE TEMPORARY TABLE attest_control (value BYTEA NOT NULL)";
        sqlx::query(made).execute(&mut self.connection).await.map_err(|error| self.fault(error))?;
        for value in values {
            let put = sqlx::query("INSERT INTO attest_control (value) VALUES ($1)").bind(value);
            put.execute(&mut self.connection).await.map_err(|error| self.fault(error))?;
        }
        Ok(())
    }

    /// The columns of its tables, with the bytes in each.
    pub(crate) async fn columns(&mut self) -> Result<Vec<(String, String, u64)>, Error> {
        let rows = sqlx::query(
            "SELECT table_schema::text AS s, table_name::text AS t, column_name::text AS c
               FROM information_schema.columns
              WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3",
        );
        let rows = rows.fetch_all(&mut self.connection).await;
        let rows = rows.map_err(|error| self.fault(error))?;
        let read = |row: &PgRow| Ok((row.try_get("s")?, row.try_get("t")?, row.try_get("c")?));
        let names: Result<Vec<(String, String, String)>, _> = rows.iter().map(read).collect();
        let mut columns = Vec::new();
        for (schema, table, column) in names.map_err(|error| self.fault(error))? {
            let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
            let sum = format!(
                "SELECT coalesce(sum(octet_length({}::text)), 0)::bigint AS n FROM {}.{}",
                quoted(&column),
                quoted(&schema),
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
