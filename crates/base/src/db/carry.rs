//! Reading and writing the rows of one org as they are, whatever table they are in.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::begun::begin;
use super::row::EngineRow;
use super::shape::{Shape, Values};
use super::turn::{Run, WRITE};
use super::value::{Column, Value, bind};
use super::{Db, DbError, Pool, Row, Within};

/// Rows that are read at once, and written in one statement.
const ROWS_MAX: i64 = 1_000;

const LET_GO: &str = "let the rows of an org go";

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
        let rows = self.rows_within(org, text, args).await?;
        let read = rows.iter().map(|row| shape.read(row)).collect::<Result<Vec<_>, _>>()?;
        let full = i64::try_from(read.len()).is_ok_and(|count| count >= ROWS_MAX);
        let key = |row: &Values| {
            let places = rest.iter().filter_map(|name| shape.place(name));
            places.filter_map(|place| row.get(place).cloned()).collect()
        };
        let next = read.last().filter(|_| full && !rest.is_empty()).map(key);
        Ok((read, next))
    }

    /// The rows of an org that have these keys, as [`Shape::key_of`] gives them, in any order. A
    /// thousand keys at most; one without a row gives none.
    pub async fn rows_with(
        &self,
        shape: &Shape,
        org: &str,
        keys: &[Values],
    ) -> Result<Vec<Values>, DbError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (table, key) = (&shape.name, shape.key_kinds());
        let names: Vec<String> = shape.columns().map(|name| format!("{table}.{name}")).collect();
        let (names, columns) = (names.join(", "), key.iter().map(|(name, _)| *name));
        let given = columns.clone().collect::<Vec<_>>().join(", ");
        let same: Vec<String> =
            columns.map(|name| format!("{table}.{name} = given.{name}")).collect();
        let same = same.join(" AND ");
        // One key after the other is looked up: neither engine looks through the table.
        let rows = match self.pool() {
            Pool::Sqlite { .. } => {
                let row = format!("({})", vec!["?"; key.len()].join(", "));
                let rows = vec![row; keys.len()].join(", ");
                let text = format!(
                    "WITH given ({given}) AS (VALUES {rows})
                     SELECT {names} FROM given CROSS JOIN {table} WHERE {same}"
                );
                self.rows_within(org, text, keys.concat()).await?
            }
            Pool::Postgres(_) => {
                let arrays = key.iter().enumerate();
                let arrays: Vec<String> = arrays
                    .map(|(at, (_, kind))| format!("${}::{}[]", at + 1, kind.name()))
                    .collect();
                let text = format!(
                    "SELECT {names} FROM unnest({}) AS given ({given}) JOIN {table} ON {same}",
                    arrays.join(", ")
                );
                self.rows_of_columns(org, text, keys.to_vec()).await?
            }
        };
        rows.iter().map(|row| shape.read(row)).collect()
    }

    /// What a text gives within an org.
    pub(super) async fn rows_within(
        &self,
        org: &str,
        text: String,
        args: Values,
    ) -> Result<Vec<Row>, DbError> {
        let on = |cause| DbError::new("read the rows of an org", cause);
        match self.pool() {
            Pool::Sqlite { read, .. } => {
                let query = sqlx::query_with(AssertSqlSafe(text), of_sqlite(args).map_err(on)?);
                let rows = query.fetch_all(read).await.map_err(on)?.into_iter();
                Ok(rows.map(|row| Row(EngineRow::Sqlite(row))).collect())
            }
            Pool::Postgres(_) => {
                self.asked(org, text, of_postgres(args).map_err(on)?).await.map_err(on)
            }
        }
    }

    /// The same on PostgreSQL, with an array for each column of these rows.
    async fn rows_of_columns(
        &self,
        org: &str,
        text: String,
        rows: Vec<Values>,
    ) -> Result<Vec<Row>, DbError> {
        let on = |cause| DbError::new("read the rows of an org", cause);
        let args = columns_of(rows).map_err(on)?;
        self.asked(org, text, args).await.map_err(on)
    }

    async fn asked(
        &self,
        org: &str,
        text: String,
        args: PgArguments,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let Pool::Postgres(lines) = self.pool() else { return Ok(Vec::new()) };
        let (pool, _) = lines.now();
        let mut tx = begin(&pool, Within::org(org).begins("BEGIN READ ONLY")?).await?;
        let rows = sqlx::query_with(AssertSqlSafe(text), args).fetch_all(&mut *tx).await?;
        Ok(rows.into_iter().map(|row| Row(EngineRow::Postgres(row))).collect())
    }

    /// Writes rows of an org as they are, all or none, as whoever owns the tables; where it must
    /// be the turn of a run, only if it still is.
    pub async fn put_rows(
        &self,
        shape: &Shape,
        org: &str,
        writes: Writes,
        turn: Option<&Run<'_>>,
    ) -> Result<(), DbError> {
        let on = |cause| DbError::new(WRITE, cause);
        let (table, names) = (&shape.name, shape.names());
        let of_key = |(at, name): (usize, &String)| format!("{name} = ${}", at + 1);
        let of_key: Vec<String> = shape.key.iter().enumerate().map(of_key).collect();
        let delete = format!("DELETE FROM {table} WHERE {}", of_key.join(" AND "));
        let Writes { fresh, other, gone } = writes;
        // A row may have what another one had until now.
        let written = [(other, shape.on_conflict(true)), (fresh, shape.on_conflict(false))];
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let mut tx = write.begin().await.map_err(on)?;
                if let Some(run) = turn {
                    run.holds_sqlite(&mut tx).await?;
                }
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
                let mut tx = begin(&pool, begins).await.map_err(on)?;
                if let Some(run) = turn {
                    run.holds_postgres(&mut tx).await?;
                }
                for key in gone {
                    let args = of_postgres(key).map_err(on)?;
                    let query = sqlx::query_with(AssertSqlSafe(delete.clone()), args);
                    query.execute(&mut *tx).await.map_err(on)?;
                }
                for (rows, conflict) in written.into_iter().filter(|(rows, _)| !rows.is_empty()) {
                    let kinds = shape.columns.iter().enumerate();
                    let kinds =
                        kinds.map(|(at, (_, kind))| format!("${}::{}[]", at + 1, kind.name()));
                    let kinds = kinds.collect::<Vec<_>>().join(", ");
                    let text = format!(
                        "INSERT INTO {table} ({names}) SELECT * FROM unnest({kinds}) {conflict}"
                    );
                    let args = columns_of(rows).map_err(on)?;
                    let query = sqlx::query_with(AssertSqlSafe(text), args);
                    query.execute(&mut *tx).await.map_err(on)?;
                }
                tx.commit().await.map_err(on)
            }
        }
    }

    /// Deletes every row of an org from these tables, as whoever owns them; says how many there
    /// were of each. What a row belongs to stands in a table before its own: the last table is
    /// emptied first. `rows` at most go in one transaction, and `mark` stands in a table of its
    /// own in each: it lets go of what otherwise never leaves. Each piece goes only as long as it
    /// is the turn of this run here. Cut off, it is run again.
    pub async fn let_go(
        &self,
        shapes: &[Shape],
        mark: &Shape,
        rows: u32,
        turn: &Run<'_>,
    ) -> Result<Vec<u64>, DbError> {
        let on = |cause| DbError::new(LET_GO, cause);
        let mut gone = Vec::with_capacity(shapes.len());
        for shape in shapes.iter().rev() {
            let texts = [
                format!("INSERT INTO {} (org_id) VALUES ($1)", mark.name),
                shape.delete_some(rows),
                format!("DELETE FROM {} WHERE org_id = $1", mark.name),
            ];
            let mut all = 0;
            loop {
                let some = self.let_some_go(&texts, turn).await?;
                all += some;
                if some < u64::from(rows) {
                    break;
                }
            }
            gone.push(all);
        }
        if let Pool::Postgres(lines) = self.pool() {
            let (pool, _) = lines.now();
            // What was deleted leaves the files of its tables.
            for shape in shapes {
                let text = format!("VACUUM {}", shape.name);
                sqlx::query(AssertSqlSafe(text)).execute(&pool).await.map_err(on)?;
            }
        }
        gone.reverse();
        Ok(gone)
    }

    /// One transaction: the mark, what goes under it, and the mark is gone. Says how many went.
    async fn let_some_go(&self, texts: &[String; 3], turn: &Run<'_>) -> Result<u64, DbError> {
        let on = |cause| DbError::new(LET_GO, cause);
        let (org, texts) = (turn.org, texts.each_ref());
        let [mark, delete, unmark] = texts.map(|text| AssertSqlSafe(text.clone()));
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let mut tx = write.begin().await.map_err(on)?;
                turn.holds_sqlite(&mut tx).await?;
                sqlx::query(mark).bind(org).execute(&mut *tx).await.map_err(on)?;
                let gone = sqlx::query(delete).bind(org).execute(&mut *tx).await.map_err(on)?;
                sqlx::query(unmark).bind(org).execute(&mut *tx).await.map_err(on)?;
                tx.commit().await.map_err(on)?;
                Ok(gone.rows_affected())
            }
            Pool::Postgres(lines) => {
                let (pool, _) = lines.now();
                let begins = Within::org(org).begins("BEGIN").map_err(on)?;
                let mut tx = begin(&pool, begins).await.map_err(on)?;
                turn.holds_postgres(&mut tx).await?;
                sqlx::query(mark).bind(org).execute(&mut *tx).await.map_err(on)?;
                let gone = sqlx::query(delete).bind(org).execute(&mut *tx).await.map_err(on)?;
                sqlx::query(unmark).bind(org).execute(&mut *tx).await.map_err(on)?;
                tx.commit().await.map_err(on)?;
                Ok(gone.rows_affected())
            }
        }
    }
}

pub(super) fn columns_of(rows: Vec<Values>) -> Result<PgArguments, sqlx::Error> {
    let columns = Column::of(rows.into_iter());
    Column::bound(columns.map_err(|mixed| sqlx::Error::Encode(mixed.into()))?)
}

pub(super) fn of_sqlite(values: Values) -> Result<SqliteArguments, sqlx::Error> {
    bind!(SqliteArguments, values)
}

pub(super) fn of_postgres(values: Values) -> Result<PgArguments, sqlx::Error> {
    bind!(PgArguments, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;
    use crate::db::{Migration, Statement};
    use crate::testing::Bench;

    const TABLES: &[Migration] = &[Migration::both(
        "base/carry",
        "CREATE TABLE base_mark (org_id TEXT NOT NULL PRIMARY KEY);
         CREATE TABLE base_turn (org_id TEXT NOT NULL PRIMARY KEY, run TEXT NOT NULL);
         CREATE TABLE base_one (org_id TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (org_id, id));
         CREATE TABLE base_one_part (org_id TEXT NOT NULL, id BIGINT NOT NULL, part BIGINT NOT NULL,
             PRIMARY KEY (org_id, id, part),
             FOREIGN KEY (org_id, id) REFERENCES base_one (org_id, id) ON DELETE CASCADE);
         CREATE TABLE base_wall (org_id TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (org_id, id),
             FOREIGN KEY (org_id, id) REFERENCES base_one (org_id, id));",
    )];
    const ADD: Statement =
        Statement::new("add", "INSERT INTO base_one (org_id, id) VALUES ($1, $2)");
    const ADD_PART: Statement = Statement::new(
        "add a part",
        "INSERT INTO base_one_part (org_id, id, part) VALUES ($1, $2, 1)",
    );
    const WALL: Statement =
        Statement::new("hold", "INSERT INTO base_wall (org_id, id) VALUES ($1, $2)");
    const ALL: Statement = Statement::new("list", "SELECT id FROM base_one WHERE org_id = $1");
    const MARKS: Statement = Statement::new("list marks", "SELECT org_id FROM base_mark");

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test of the database itself")]
    async fn an_org_goes_in_pieces_that_are_counted_and_a_cut_off_run_is_gone_on_with() {
        for bench in Bench::on_each_engine(TABLES, &[]).await {
            let owner = Db::open(&bench.owner_url).await.unwrap();
            let within = Within::orgs(["org_a", "org_b"]);
            let mut tx = bench.db.begin(&within).await.unwrap();
            for id in 1..=10_i64 {
                for org in ["org_a", "org_b"] {
                    tx.run(ADD, args![org, id]).await.unwrap();
                    tx.run(ADD_PART, args![org, id]).await.unwrap();
                }
            }
            tx.run(WALL, args!["org_a", 8_i64]).await.unwrap();
            tx.commit().await.unwrap();
            let shapes = owner.shapes().await.unwrap();
            let shape = |name: &str| shapes.iter().find(|one| one.name == name).unwrap().clone();
            let (mark, rows) = (shape("base_mark"), [shape("base_one"), shape("base_one_part")]);
            let left =
                async |org: &str| bench.db.all(&within, ALL, args![org]).await.unwrap().len();

            let turn = |org, name| Run { org, name, turns: "base_turn", notes: "" };
            let (a, b) = (turn("org_a", "one"), turn("org_b", "one"));
            owner.take_turn(&a).await.unwrap();
            owner.take_turn(&b).await.unwrap();

            // Something stands in the way of the eighth: what went before it is gone for good.
            owner.let_go(&rows, &mark, 3, &a).await.unwrap_err();
            assert_eq!(left("org_a").await, 4, "pieces of three, each by itself");
            assert!(bench.db.all(&within, MARKS, vec![]).await.unwrap().is_empty());
            let gone = owner.let_go(&[shape("base_wall")], &mark, 3, &a).await.unwrap();
            assert_eq!(gone, [1]);
            assert_eq!(owner.let_go(&rows, &mark, 3, &a).await.unwrap(), [4, 0]);
            assert_eq!((left("org_a").await, left("org_b").await), (0, 10), "another's stay");

            // Whoever has not the turn any more erases nothing.
            let error = owner.let_go(&rows, &mark, 3, &turn("org_b", "other")).await.unwrap_err();
            let error = format!("{error:?}");
            assert!(error.contains("another run has the turn"), "{error}");
            assert_eq!(left("org_b").await, 10);

            // What goes with what it belongs to is counted too, and a whole piece is not the end.
            assert_eq!(owner.let_go(&rows, &mark, 5, &b).await.unwrap(), [10, 10]);
            owner.close().await;
        }
    }
}
