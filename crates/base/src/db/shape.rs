//! Tables as the database itself describes them, for whoever carries the rows of one org from
//! one database to another: no table can be forgotten, and none needs a statement of its own.

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::Row as _;

use super::value::Value;
use super::{Db, DbError, Pool, Row};

/// A table whose rows belong to orgs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    pub(super) columns: Vec<(String, Kind)>,
    /// The columns of its primary key, in the order of the key.
    pub(super) key: Vec<String>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Bytes,
}

impl Kind {
    /// As PostgreSQL calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "bigint",
            Self::Bytes => "bytea",
        }
    }

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

    /// The same of a row that is read, or of what [`Shape::key_of`] gave: told apart by 32 bytes.
    pub fn key_digest(key: &Values) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for value in key {
            add(&mut context, value);
        }
        finished(context)
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
        for digest in &digests {
            context.update(digest);
        }
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
        for row in &rows {
            context.update(row);
        }
        finished(context)
    }

    pub(super) fn names(&self) -> String {
        self.columns().collect::<Vec<_>>().join(", ")
    }

    /// The columns of the key but the org.
    pub(super) fn rest(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).filter(|name| *name != "org_id").collect()
    }

    /// The columns of the key, and what each holds.
    pub(super) fn key_kinds(&self) -> Vec<(&str, Kind)> {
        let kind = |name: &String| self.columns.iter().find(|(column, _)| column == name);
        let kinds = self.key.iter().filter_map(kind);
        kinds.map(|(name, kind)| (name.as_str(), *kind)).collect()
    }

    /// Deletes rows of an org, in the order of their keys, and not more of them than that.
    pub(super) fn delete_some(&self, rows: u32) -> String {
        let (table, rest) = (&self.name, self.rest().join(", "));
        if rest.is_empty() {
            return format!("DELETE FROM {table} WHERE org_id = $1");
        }
        format!(
            "DELETE FROM {table} WHERE org_id = $1 AND ({rest}) IN
                (SELECT {rest} FROM {table} WHERE org_id = $1 ORDER BY {rest} LIMIT {rows})"
        )
    }

    pub(super) fn read(&self, row: &Row) -> Result<Values, DbError> {
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
    pub(super) fn on_conflict(&self, replace: bool) -> String {
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

const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, c.type FROM sqlite_master m
    JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
    ORDER BY m.name, c.name";

const SQLITE_KEYS: &str = "SELECT m.name, c.name FROM sqlite_master m
    JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk > 0 ORDER BY m.name, c.pk";

const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text, c.data_type::text
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
