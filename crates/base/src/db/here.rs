//! The embedded engine on the thread that asks.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::{FromSql, ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{CachedStatement, Connection, ffi};
use sqlx::error::{DatabaseError, ErrorKind};

use super::lines::ACQUIRE_TIMEOUT;
use super::row::EngineRow;
use super::statement::{Batch, Statement};
use super::told::{Heard, Saying};
use super::writer::Turn;
use super::{Db, Row, Value};

/// Statements that stay prepared: a batch is one, however many rows it has.
const PREPARED_MAX: usize = 128;

/// One unit of work. Dropped without a commit, it leaves no trace.
#[derive(Debug)]
pub(crate) struct Here(Turn);

impl Here {
    /// A connection like those of the pool.
    pub(super) fn open(file: &Path) -> Result<Connection, sqlx::Error> {
        let open = || {
            let connection = Connection::open(file)?;
            connection.busy_timeout(ACQUIRE_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
            for (name, value) in super::pool::PRAGMAS {
                connection.pragma_update(None, name, value)?;
            }
            Ok(connection)
        };
        open().map_err(refused)
    }

    pub(super) fn begin(turn: Turn) -> Result<Self, sqlx::Error> {
        let mut here = Self(turn);
        here.run("BEGIN IMMEDIATE")?;
        Ok(here)
    }

    pub(super) fn commit(mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT")
    }

    fn run(&mut self, text: &str) -> Result<(), sqlx::Error> {
        let mut statement = self.prepared(text)?;
        statement.raw_execute().map(drop).map_err(refused)
    }

    fn prepared(&mut self, text: &str) -> Result<CachedStatement<'_>, sqlx::Error> {
        let connection = self.0.as_ref().ok_or(sqlx::Error::PoolClosed)?;
        connection.prepare_cached(text).map_err(refused)
    }

    /// Says it, and gives what the engine gave.
    pub(super) fn ask(&mut self, db: &Db, saying: Saying) -> Result<Heard, sqlx::Error> {
        match saying {
            Saying::All(statement, args) => {
                let connection = self.0.as_ref().ok_or(sqlx::Error::PoolClosed)?;
                all(connection, &statement, &args).map(Heard::Rows).map_err(refused)
            }
            Saying::Run(statement, args) => {
                let mut prepared = self.prepared(statement.text)?;
                bind(&mut prepared, &args).map_err(refused)?;
                let changed = prepared.raw_execute().map_err(refused)?;
                Ok(Heard::Changed(u64::try_from(changed).unwrap_or_default()))
            }
            Saying::Many(batch, rows) => self.many(db, &batch, rows),
        }
    }

    /// Row by row: no hop is saved by more in one statement, and one text is all that is
    /// prepared.
    fn many(
        &mut self,
        db: &Db,
        batch: &Batch,
        rows: Vec<Vec<Value>>,
    ) -> Result<Heard, sqlx::Error> {
        let mut heard = Vec::new();
        if !rows.is_empty() {
            let mut statement = self.prepared(&db.batch_text(batch, 1))?;
            let names = names_of(&statement);
            for row in rows {
                given(&mut statement, &names, &row, &mut heard).map_err(refused)?;
            }
        }
        Ok(Heard::Rows(heard))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if self.0.as_ref().is_some_and(|connection| !connection.is_autocommit())
            && let Err(error) = self.run("ROLLBACK")
        {
            // A connection that does not let go of its lock is of no use to anybody.
            tracing::error!(error = &error as &dyn std::error::Error, "the writer is closed");
            drop(self.0.take());
        }
    }
}

/// Binds `$1` and its like to the arguments by their numbers, and every `?` to the next one.
fn bind(statement: &mut CachedStatement<'_>, args: &[Value]) -> rusqlite::Result<()> {
    let named = statement.parameter_name(1).is_some();
    if !named {
        for (at, arg) in args.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, Bound(arg))?;
        }
        return Ok(());
    }
    for at in 1..=statement.parameter_count() {
        let number = statement.parameter_name(at).and_then(|name| name.strip_prefix('$'));
        let arg = number.and_then(|number| number.parse::<usize>().ok());
        let arg = arg.and_then(|number| args.get(number.checked_sub(1)?));
        let arg = arg.ok_or_else(|| rusqlite::Error::InvalidParameterCount(at, args.len()))?;
        statement.raw_bind_parameter(at, Bound(arg))?;
    }
    Ok(())
}

struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self.0 {
            Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Value::Int(Some(number)) => ValueRef::Integer(*number),
            Value::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Value::Text(None) | Value::Int(None) | Value::Bytes(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

/// All rows that a read gives.
pub(super) fn all(
    connection: &Connection,
    statement: &Statement,
    args: &[Value],
) -> rusqlite::Result<Vec<Row>> {
    let (mut prepared, mut rows) = (connection.prepare_cached(statement.text)?, Vec::new());
    let names = names_of(&prepared);
    given(&mut prepared, &names, args, &mut rows)?;
    Ok(rows)
}

/// Runs a statement and adds the rows that it gives.
fn given(
    statement: &mut CachedStatement<'_>,
    names: &Names,
    args: &[Value],
    heard: &mut Vec<Row>,
) -> rusqlite::Result<()> {
    bind(statement, args)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        heard.push(Row(EngineRow::Here(HereRow { names: Arc::clone(names), values })));
    }
    Ok(())
}

type Names = Arc<[Box<str>]>;

/// What the columns of the rows are called that a statement gives.
fn names_of(statement: &CachedStatement<'_>) -> Names {
    statement.column_names().into_iter().map(Into::into).collect()
}

/// A row as the engine stored it.
#[derive(Debug)]
pub(crate) struct HereRow {
    names: Names,
    values: Vec<Stored>,
}

impl HereRow {
    pub(super) fn get<T: FromSql>(&self, column: &str) -> Result<T, sqlx::Error> {
        let at = self.names.iter().position(|name| **name == *column);
        let stored = at.and_then(|at| self.values.get(at));
        let stored = stored.ok_or_else(|| sqlx::Error::ColumnNotFound(column.to_owned()))?;
        T::column_result(stored.into()).map_err(|cause| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: Box::new(cause),
        })
    }
}

/// What the engine refused, told as the pool's connections tell it.
pub(super) fn refused(error: rusqlite::Error) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Refused(error)))
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Refused(rusqlite::Error);

impl DatabaseError for Refused {
    fn message(&self) -> &str {
        match &self.0 {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message,
            _ => "the engine refused it",
        }
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.sqlite_error()?.extended_code.to_string().into())
    }

    fn kind(&self) -> ErrorKind {
        match self.0.sqlite_error().map(|error| error.extended_code) {
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                ErrorKind::UniqueViolation
            }
            _ => ErrorKind::Other,
        }
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests of the database itself")]
mod tests {
    use super::super::{Migration, Pool, Statement, Tx, Within};
    use super::*;
    use crate::args;

    const ADD: Batch = Batch::new(
        "add",
        "INSERT INTO base_thing (org_id, size, body)",
        3,
        "ON CONFLICT (org_id) DO UPDATE SET size = base_thing.size + 1 RETURNING org_id, size",
    );
    // The second argument stands before the first.
    const SET: Statement =
        Statement::new("set", "UPDATE base_thing SET size = $2 WHERE org_id = $1");
    const LOOK: Statement =
        Statement::new("look", "SELECT org_id, size, body FROM base_thing WHERE org_id = $1");
    const COUNT: Statement = Statement::new("count", "SELECT COUNT(*) AS count FROM base_thing");

    async fn things() -> (tempfile::TempDir, Db, Within) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let db = Db::open(&url).await.unwrap();
        let text = "CREATE TABLE base_thing
            (org_id TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, body BLOB)";
        db.migrate(&[Migration::both("base/thing", text)]).await.unwrap();
        (folder, db, Within::org("org_a"))
    }

    async fn add(tx: &mut Tx, names: &[&str]) -> Vec<Row> {
        let body: Option<i64> = None;
        let rows = names.iter().map(|name| args![*name, 1, Value::Bytes(body.map(|_| vec![]))]);
        tx.many(&ADD, rows.collect::<Vec<_>>()).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_written_here_is_read_everywhere() {
        let (_folder, db, within) = things().await;
        let mut tx = db.begin_here(&within).await.unwrap();
        let given = add(&mut tx, &["org_a", "org_b", "org_a"]).await;
        let sizes: Vec<_> = given.iter().map(|row| row.int("size").unwrap()).collect();
        assert_eq!(sizes, [1, 1, 2], "each row tells of itself, in order");
        assert_eq!(tx.run(SET, args!["org_b", 7]).await.unwrap(), 1, "arguments by their numbers");
        let here = tx.maybe(LOOK, args!["org_b"]).await.unwrap().unwrap();
        assert!(db.maybe(&within, LOOK, args!["org_b"]).await.unwrap().is_none(), "not yet");
        tx.commit().await.unwrap();
        let there = db.maybe(&within, LOOK, args!["org_b"]).await.unwrap().unwrap();
        for row in [here, there] {
            assert_eq!(
                (row.text("org_id").unwrap(), row.int("size").unwrap()),
                ("org_b".into(), 7)
            );
            assert_eq!(row.opt_bytes("body").unwrap(), None);
            assert!(row.int("org_id").is_err(), "of another type");
            assert!(row.text("else").is_err(), "no such column");
        }
    }

    #[tokio::test]
    async fn what_was_not_committed_here_leaves_no_trace_and_gives_the_turn_back() {
        let (_folder, db, within) = things().await;
        let mut tx = db.begin_here(&within).await.unwrap();
        add(&mut tx, &["org_a"]).await;
        drop(tx);
        let mut tx = db.begin_here(&within).await.unwrap();
        add(&mut tx, &["org_b"]).await;
        let again = Statement::new("again", "INSERT INTO base_thing (org_id, size) VALUES ($1, 1)");
        let error = tx.run(again, args!["org_b"]).await.unwrap_err();
        assert!(error.is_conflict() && !error.is_undone(), "{error:?}");
        drop(tx);
        let rows = db.all(&within, COUNT, Vec::new()).await.unwrap();
        assert_eq!(rows[0].int("count").unwrap(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn those_who_write_here_and_beside_take_turns() {
        let (_folder, db, within) = things().await;
        let write = async |here: bool| {
            for _ in 0..100 {
                let tx = if here { db.begin_here(&within).await } else { db.begin(&within).await };
                let mut tx = tx.unwrap();
                add(&mut tx, &["org_a"]).await;
                tx.commit().await.unwrap();
            }
        };
        tokio::join!(write(true), write(false), write(true), write(false));
        let row = db.maybe(&within, LOOK, args!["org_a"]).await.unwrap().unwrap();
        assert_eq!(row.int("size").unwrap(), 400, "none was lost");
    }

    #[tokio::test]
    async fn a_connection_that_was_given_up_is_opened_anew_until_the_database_is_closed() {
        let (_folder, db, within) = things().await;
        let Pool::Sqlite { write, .. } = db.pool() else { unreachable!("it is SQLite") };
        write.give_up().await;
        let mut tx = db.begin_here(&within).await.unwrap();
        add(&mut tx, &["org_a"]).await;
        tx.commit().await.unwrap();
        db.close().await;
        assert!(db.begin_here(&within).await.unwrap_err().is_away());
    }

    #[tokio::test]
    async fn both_connections_that_write_are_told_the_same() {
        let (_folder, db, _) = things().await;
        let Pool::Sqlite { write, .. } = db.pool() else { unreachable!("it is SQLite") };
        for (name, _) in super::super::pool::PRAGMAS {
            let text = format!("PRAGMA {name}");
            let mut here = write.begin_here().await.unwrap().unwrap();
            let (mut prepared, mut rows) = (here.prepared(&text).unwrap(), Vec::new());
            let names = names_of(&prepared);
            given(&mut prepared, &names, &[], &mut rows).unwrap();
            drop(prepared);
            drop(here);
            let EngineRow::Here(row) = &rows[0].0 else { unreachable!("it is a row of here") };
            let mut beside = write.alone().await.unwrap();
            let told =
                sqlx::query(sqlx::AssertSqlSafe(text)).fetch_one(&mut *beside).await.unwrap();
            let told = EngineRow::Sqlite(told);
            let column = Row(told);
            let same = match &row.values[0] {
                Stored::Text(text) => column.text(name).unwrap() == *text,
                Stored::Integer(number) => column.int(name).unwrap() == *number,
                other => unreachable!("{other:?}"),
            };
            assert!(same, "{name}: {:?}", row.values);
        }
    }
}
