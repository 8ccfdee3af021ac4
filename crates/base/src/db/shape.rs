//! Tables as the database itself describes them, for whoever carries the rows of one org from
//! one database to another: no table can be forgotten, and none needs a statement of its own.

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};

use super::row::EngineRow;
use super::value::{Column, Value, bind};
use super::{Db, DbError, Pool, Row, Within};

/// Rows that are read at once, and written in one statement.
const ROWS_MAX: i64 = 1_000;

/// A table whose rows belong to orgs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    columns: Vec<(String, Kind)>,
    /// The columns of its primary key, in the order of the key.
    key: Vec<String>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
    Bytes,
}

impl Kind {
    fn of(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Some(Self::Text),
            "bigint" => Some(Self::Int),
            "bytea" => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// One row: its values in the order of [`Shape::columns`].
pub type Values = Vec<Value>;

impl Shape {
    /// The names of its columns, in the order in which rows have them.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// At which place of a row this column is.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns().position(|name| name == column)
    }

    /// What tells a row from all others of its org.
    pub fn key_of(&self, row: &Values) -> Values {
        let places = self.key.iter().filter_map(|name| self.place(name));
        places.filter_map(|place| row.get(place).cloned()).collect()
    }

    /// The SHA-256 of a row, without these columns: the same on both engines.
    pub fn digest(&self, row: &Values, without: &[&str]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for (name, value) in self.columns().zip(row) {
            if !without.contains(&name) {
                add(&mut context, value);
            }
        }
        finished(context)
    }

    /// The digest of rows in their order: that of those before, and the next.
    pub fn chained(digests: [[u8; 32]; 2]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        digests.iter().for_each(|digest| context.update(digest));
        finished(context)
    }

    /// Whether a column is part of the key.
    pub fn is_key(&self, column: &str) -> bool {
        self.key.iter().any(|key| key == column)
    }

    /// The SHA-256 of many rows, in whatever order they came: each by its own.
    pub fn digest_of_all(rows: impl IntoIterator<Item = [u8; 32]>) -> [u8; 32] {
        let mut rows: Vec<[u8; 32]> = rows.into_iter().collect();
        rows.sort_unstable();
        let mut context = Context::new(&SHA256);
        rows.iter().for_each(|row| context.update(row));
        finished(context)
    }

    fn names(&self) -> String {
        self.columns().collect::<Vec<_>>().join(", ")
    }

    /// The columns of the key but the org.
    fn rest(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).filter(|name| *name != "org_id").collect()
    }

    fn read(&self, row: &Row) -> Result<Values, DbError> {
        let value = |(name, kind): &(String, Kind)| {
            Ok(match kind {
                Kind::Text => Value::Text(row.opt_text(name)?),
                Kind::Int => Value::Int(row.opt_int(name)?),
                Kind::Bytes => Value::Bytes(row.opt_bytes(name)?),
            })
        };
        self.columns.iter().map(value).collect()
    }

    /// In a table that is only ever added to, what is there stays.
    fn on_conflict(&self, replace: bool) -> String {
        let own = self.columns().filter(|name| !self.is_key(name));
        let own: Vec<String> = own.map(|name| format!("{name} = excluded.{name}")).collect();
        let key = self.key.join(", ");
        if replace && !own.is_empty() {
            format!("ON CONFLICT ({key}) DO UPDATE SET {}", own.join(", "))
        } else {
            format!("ON CONFLICT ({key}) DO NOTHING")
        }
    }
}

/// What is to be written of one table.
#[derive(Debug, Default)]
pub struct Writes {
    /// Rows that are not there.
    pub fresh: Vec<Values>,
    /// Rows that are there with other values.
    pub other: Vec<Values>,
    /// The keys of rows that must go.
    pub gone: Vec<Values>,
}

impl Writes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.other.is_empty() && self.gone.is_empty()
    }
}

impl Db {
    /// Every table with a column `org_id`, in the order of their names. A table whose columns
    /// or key cannot be carried is an error.
    pub async fn shapes(&self) -> Result<Vec<Shape>, DbError> {
        let on = |cause| DbError::new("describe its tables", cause);
        let (columns, keys): (Vec<[String; 3]>, Vec<[String; 2]>) = match self.pool() {
            Pool::Sqlite { read, .. } => {
                let rows = sqlx::query(SQLITE_COLUMNS).fetch_all(read).await.map_err(on)?;
                let columns = rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]);
                let keys = sqlx::query(SQLITE_KEYS).fetch_all(read).await.map_err(on)?;
                (columns.collect(), keys.iter().map(|row| [row.get(0), row.get(1)]).collect())
            }
            Pool::Postgres(lines) => {
                let (pool, _) = lines.now();
                let rows = sqlx::query(POSTGRES_COLUMNS).fetch_all(&pool).await.map_err(on)?;
                let columns = rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]);
                let keys = sqlx::query(POSTGRES_KEYS).fetch_all(&pool).await.map_err(on)?;
                (columns.collect(), keys.iter().map(|row| [row.get(0), row.get(1)]).collect())
            }
        };
        let mut shapes: Vec<Shape> = Vec::new();
        for [table, column, kind] in columns {
            let strange = || {
                let cause = std::io::Error::other(format!("`{table}.{column}` is `{kind}`"));
                DbError::unreadable("type", cause)
            };
            let kind = Kind::of(&kind).ok_or_else(strange)?;
            match shapes.last_mut() {
                Some(last) if last.name == table => last.columns.push((column, kind)),
                _ => shapes.push(Shape {
                    name: table,
                    columns: vec![(column, kind)],
                    key: Vec::new(),
                }),
            }
        }
        shapes.retain(|shape| shape.place("org_id").is_some());
        for shape in &mut shapes {
            let of_table = keys.iter().filter(|[table, _]| *table == shape.name);
            shape.key = of_table.map(|[_, column]| column.clone()).collect();
            if !shape.key.iter().any(|column| column == "org_id") {
                let cause = std::io::Error::other(format!("the key of `{}`", shape.name));
                return Err(DbError::unreadable("key", cause));
            }
        }
        Ok(shapes)
    }

    /// The next rows of an org behind this key, and behind which key more may follow.
    pub async fn rows_of(
        &self,
        shape: &Shape,
        org: &str,
        after: Option<Values>,
    ) -> Result<(Vec<Values>, Option<Values>), DbError> {
        let (table, names, rest) = (&shape.name, shape.names(), shape.rest());
        let mut args = vec![Value::from(org)];
        let mut text = format!("SELECT {names} FROM {table} WHERE org_id = $1");
        if let Some(after) = after {
            let places: Vec<String> = (2..rest.len() + 2).map(|at| format!("${at}")).collect();
            text += &format!(" AND ({}) > ({})", rest.join(", "), places.join(", "));
            args.extend(after);
        }
        if !rest.is_empty() {
            text += &format!(" ORDER BY {}", rest.join(", "));
        }
        text += &format!(" LIMIT {ROWS_MAX}");
        let on = |cause| DbError::new("read the rows of an org", cause);
        let rows: Vec<Row> = match self.pool() {
            Pool::Sqlite { read, .. } => {
                let args = of_sqlite(args).map_err(on)?;
                let rows = sqlx::query_with(AssertSqlSafe(text), args).fetch_all(read);
                let rows = rows.await.map_err(on)?.into_iter();
                rows.map(|row| Row(EngineRow::Sqlite(row))).collect()
            }
            Pool::Postgres(lines) => {
                let (pool, _) = lines.now();
                let begins = Within::org(org).begins("BEGIN READ ONLY").map_err(on)?;
                let mut tx = pool.begin_with(begins).await.map_err(on)?;
                let args = of_postgres(args).map_err(on)?;
                let rows = sqlx::query_with(AssertSqlSafe(text), args).fetch_all(&mut *tx);
                let rows = rows.await.map_err(on)?.into_iter();
                rows.map(|row| Row(EngineRow::Postgres(row))).collect()
            }
        };
        let read = rows.iter().map(|row| shape.read(row)).collect::<Result<Vec<_>, _>>()?;
        let full = i64::try_from(read.len()).is_ok_and(|count| count >= ROWS_MAX);
        let key = |row: &Values| {
            let places = rest.iter().filter_map(|name| shape.place(name));
            places.filter_map(|place| row.get(place).cloned()).collect()
        };
        let next = read.last().filter(|_| full && !rest.is_empty()).map(key);
        Ok((read, next))
    }

    /// Writes rows of an org as they are, all or none, as whoever owns the tables.
    pub async fn put_rows(&self, shape: &Shape, org: &str, writes: Writes) -> Result<(), DbError> {
        let on = |cause| DbError::new("write the rows of an org", cause);
        let (table, names) = (&shape.name, shape.names());
        let of_key = |(at, name): (usize, &String)| format!("{name} = ${}", at + 1);
        let of_key: Vec<String> = shape.key.iter().enumerate().map(of_key).collect();
        let delete = format!("DELETE FROM {table} WHERE {}", of_key.join(" AND "));
        let Writes { fresh, other, gone } = writes;
        let written = [(fresh, shape.on_conflict(false)), (other, shape.on_conflict(true))];
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await.map_err(on)?;
                for key in gone {
                    let args = of_sqlite(key).map_err(on)?;
                    let query = sqlx::query_with(AssertSqlSafe(delete.clone()), args);
                    query.execute(&mut *tx).await.map_err(on)?;
                }
                let places = vec!["?"; shape.columns.len()].join(", ");
                for (rows, conflict) in written {
                    let text =
                        format!("INSERT INTO {table} ({names}) VALUES ({places}) {conflict}");
                    for row in rows {
                        let args = of_sqlite(row).map_err(on)?;
                        let query = sqlx::query_with(AssertSqlSafe(text.clone()), args);
                        query.execute(&mut *tx).await.map_err(on)?;
                    }
                }
                tx.commit().await.map_err(on)
            }
            Pool::Postgres(lines) => {
                let (pool, _) = lines.now();
                let begins = Within::org(org).begins("BEGIN").map_err(on)?;
                let mut tx = pool.begin_with(begins).await.map_err(on)?;
                for key in gone {
                    let args = of_postgres(key).map_err(on)?;
                    let query = sqlx::query_with(AssertSqlSafe(delete.clone()), args);
                    query.execute(&mut *tx).await.map_err(on)?;
                }
                for (rows, conflict) in written.into_iter().filter(|(rows, _)| !rows.is_empty()) {
                    let kinds = shape.columns.iter().enumerate().map(|(at, (_, kind))| {
                        let kind = match kind {
                            Kind::Text => "text",
                            Kind::Int => "bigint",
                            Kind::Bytes => "bytea",
                        };
                        format!("${}::{kind}[]", at + 1)
                    });
                    let kinds = kinds.collect::<Vec<_>>().join(", ");
                    let text = format!(
                        "INSERT INTO {table} ({names}) SELECT * FROM unnest({kinds}) {conflict}"
                    );
                    let columns = Column::of(rows.into_iter());
                    let columns = columns.map_err(|mixed| on(sqlx::Error::Encode(mixed.into())))?;
                    let mut args = PgArguments::default();
                    for column in columns {
                        match column {
                            Column::Text(all) => args.add(all),
                            Column::Int(all) => args.add(all),
                            Column::Bytes(all) => args.add(all),
                        }
                        .map_err(|cause| on(sqlx::Error::Encode(cause)))?;
                    }
                    let query = sqlx::query_with(AssertSqlSafe(text), args);
                    query.execute(&mut *tx).await.map_err(on)?;
                }
                tx.commit().await.map_err(on)
            }
        }
    }

    /// Deletes every row of an org from these tables, all or none, as whoever owns them; says
    /// how many there were of each. `mark` stands in a table of its own meanwhile: it lets go
    /// of what otherwise never leaves.
    pub async fn let_go(
        &self,
        shapes: &[Shape],
        org: &str,
        mark: &Shape,
    ) -> Result<Vec<u64>, DbError> {
        let on = |cause| DbError::new("let the rows of an org go", cause);
        let marks = [
            format!("INSERT INTO {} (org_id) VALUES ($1)", mark.name),
            format!("DELETE FROM {} WHERE org_id = $1", mark.name),
        ];
        let [marked, unmarked] = &marks;
        let deletes = shapes.iter().map(|one| format!("DELETE FROM {} WHERE org_id = $1", one.name));
        let texts = std::iter::once(marked.clone()).chain(deletes).chain([unmarked.clone()]);
        let mut gone = Vec::with_capacity(shapes.len() + 2);
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await.map_err(on)?;
                for text in texts {
                    let query = sqlx::query(AssertSqlSafe(text)).bind(org);
                    gone.push(query.execute(&mut *tx).await.map_err(on)?.rows_affected());
                }
                tx.commit().await.map_err(on)?;
            }
            Pool::Postgres(lines) => {
                let (pool, _) = lines.now();
                let begins = Within::org(org).begins("BEGIN").map_err(on)?;
                let mut tx = pool.begin_with(begins).await.map_err(on)?;
                for text in texts {
                    let query = sqlx::query(AssertSqlSafe(text)).bind(org);
                    gone.push(query.execute(&mut *tx).await.map_err(on)?.rows_affected());
                }
                tx.commit().await.map_err(on)?;
                // What was deleted leaves the files of its tables.
                for shape in shapes {
                    let text = format!("VACUUM {}", shape.name);
                    sqlx::query(AssertSqlSafe(text)).execute(&pool).await.map_err(on)?;
                }
            }
        }
        // Behind the mark's, and without its end.
        Ok(gone.into_iter().skip(1).take(shapes.len()).collect())
    }
}

fn add(context: &mut Context, value: &Value) {
    let (kind, bytes): (u8, Option<Vec<u8>>) = match value {
        Value::Text(text) => (1, text.clone().map(String::into_bytes)),
        Value::Int(number) => (2, number.map(|number| number.to_be_bytes().to_vec())),
        Value::Bytes(bytes) => (3, bytes.clone()),
    };
    let length = bytes.as_ref().map_or(u64::MAX, |it| u64::try_from(it.len()).unwrap_or(0));
    context.update(&[kind]);
    context.update(&length.to_be_bytes());
    context.update(&bytes.unwrap_or_default());
}

fn finished(context: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

fn of_sqlite(values: Values) -> Result<SqliteArguments, sqlx::Error> {
    bind!(SqliteArguments, values)
}

fn of_postgres(values: Values) -> Result<PgArguments, sqlx::Error> {
    bind!(PgArguments, values)
}

const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, c.type FROM sqlite_master m
    JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
    ORDER BY m.name, c.name";

const SQLITE_KEYS: &str = "SELECT m.name, c.name FROM sqlite_master m
    JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk > 0 ORDER BY m.name, c.pk";

const POSTGRES_COLUMNS: &str =
    "SELECT c.table_name::text, c.column_name::text, c.data_type::text
       FROM information_schema.columns c
       JOIN information_schema.tables t
         ON t.table_schema = c.table_schema AND t.table_name = c.table_name
      WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
      ORDER BY c.table_name::text COLLATE \"C\", c.column_name::text COLLATE \"C\"";

const POSTGRES_KEYS: &str = "SELECT t.relname::text, a.attname::text
       FROM pg_index i
       JOIN pg_class t ON t.oid = i.indrelid
       JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
      WHERE i.indisprimary
      ORDER BY t.relname::text, array_position(i.indkey::int2[], a.attnum)";
