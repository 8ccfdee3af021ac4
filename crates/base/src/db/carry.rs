//! Reading and writing the rows of one org as they are, whatever table they are in.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::row::EngineRow;
use super::shape::{Kind, Shape, Values};
use super::value::{Column, Value, bind};
use super::{Db, DbError, Pool, Row, Within};

/// Rows that are read at once, and written in one statement.
const ROWS_MAX: i64 = 1_000;

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
            text.extend([" AND (", &rest.join(", "), ") > (", &places.join(", "), ")"]);
            args.extend(after);
        }
        if !rest.is_empty() {
            text.extend([" ORDER BY ", &rest.join(", ")]);
        }
        text.extend([" LIMIT ", &ROWS_MAX.to_string()]);
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
                let mut tx = write.begin().await.map_err(on)?;
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
                    let args = Column::bound(columns).map_err(on)?;
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
        let deletes =
            shapes.iter().map(|one| format!("DELETE FROM {} WHERE org_id = $1", one.name));
        let texts = std::iter::once(marked.clone()).chain(deletes).chain([unmarked.clone()]);
        let mut gone = Vec::with_capacity(shapes.len() + 2);
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let mut tx = write.begin().await.map_err(on)?;
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

fn of_sqlite(values: Values) -> Result<SqliteArguments, sqlx::Error> {
    bind!(SqliteArguments, values)
}

fn of_postgres(values: Values) -> Result<PgArguments, sqlx::Error> {
    bind!(PgArguments, values)
}
