//! SQL as values that a test can collect and prepare on each engine.

use std::fmt::Write as _;

use super::Engine;
use super::value::Column;

/// One statement, and what it does in words for errors: "look up a key".
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// "The database could not …".
    pub doing: &'static str,
    /// The SQL, understood by both engines. `$1` is the org.
    pub text: &'static str,
}

impl Statement {
    /// Names a statement.
    pub const fn new(doing: &'static str, text: &'static str) -> Self {
        Self { doing, text }
    }
}

/// An insert of many rows in one statement.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// "The database could not …".
    pub doing: &'static str,
    /// Up to and without `VALUES`.
    pub head: &'static str,
    /// How many values a row has.
    pub width: usize,
    /// Behind the rows: `ON CONFLICT …`, or empty.
    pub tail: &'static str,
}

/// Rows that one statement carries at most: 512 rows of 20 values stay below SQLite's 32,766
/// parameters.
pub(crate) const BATCH_ROWS_MAX: usize = 512;
/// Up to here a batch has a text for every number of rows, above for powers of two alone, so
/// that few texts of it are ever prepared.
const BATCH_ROWS_ANY: usize = 64;

/// How many of so many rows the next statement carries, where a text is of so many rows: few
/// statements, as each one costs a hop to the engine and back, and few texts.
pub(crate) fn rows_of_next(rows: usize) -> usize {
    match rows.min(BATCH_ROWS_MAX) {
        few @ ..=BATCH_ROWS_ANY => few,
        many => 1 << many.ilog2(),
    }
}

impl Batch {
    /// Names a batch.
    pub const fn new(
        doing: &'static str,
        head: &'static str,
        width: usize,
        tail: &'static str,
    ) -> Self {
        Self { doing, head, width, tail }
    }

    /// The SQL for any number of rows, which PostgreSQL is given by columns: one text and one
    /// plan, whatever the number.
    pub(crate) fn by_columns(&self, columns: &[Column]) -> String {
        let mut text = format!("{} SELECT * FROM unnest(", self.head);
        for (at, column) in columns.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let kind = match column {
                Column::Text(_) => "text",
                Column::Int(_) => "bigint",
                Column::Bytes(_) => "bytea",
            };
            let _infallible = write!(text, "{comma}${}::{kind}[]", at + 1);
        }
        text.push_str(") ");
        text.push_str(self.tail);
        text
    }

    /// The SQL for this many rows, as this engine numbers parameters.
    pub fn text(&self, engine: Engine, rows: usize) -> String {
        let mut text = format!("{} VALUES ", self.head);
        for row in 0..rows {
            let first = row * self.width + 1;
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in first..first + self.width {
                let comma = if column == first { "" } else { ", " };
                // SQLite looks a named parameter up among all others: hundreds in a batch.
                let _infallible = match engine {
                    Engine::Sqlite => write!(text, "{comma}?"),
                    Engine::Postgres => write!(text, "{comma}${column}"),
                };
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(self.tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_go_in_few_statements_of_few_texts() {
        let split = |mut rows: usize| {
            let mut split = Vec::new();
            while rows > 0 {
                split.push(rows_of_next(rows));
                rows -= rows_of_next(rows);
            }
            split
        };
        assert_eq!(split(64), [64]);
        assert_eq!(split(500), [256, 128, 64, 52]);
        assert_eq!(split(1_100), [512, 512, 64, 12]);
    }

    #[test]
    fn a_batch_numbers_its_parameters_through() {
        let batch = Batch::new("x", "INSERT INTO t (a, b)", 2, "ON CONFLICT DO NOTHING");
        let text = "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING";
        assert_eq!(batch.text(Engine::Postgres, 2), text);
        let text = "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING";
        assert_eq!(batch.text(Engine::Sqlite, 2), text);
        let text = "INSERT INTO t (a, b) SELECT * FROM unnest($1::text[], $2::bytea[]) \
            ON CONFLICT DO NOTHING";
        let columns = [Column::Text(Vec::new()), Column::Bytes(Vec::new())];
        assert_eq!(batch.by_columns(&columns), text);
    }
}
