//! SQL as values that a test can collect and prepare on each engine.

use std::fmt::Write as _;

use super::Engine;

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

/// Rows that one statement carries at most: 64 rows of 20 values stay far below
/// SQLite's 32,766 and PostgreSQL's 65,535 parameters.
pub(crate) const BATCH_ROWS_MAX: usize = 64;

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
    fn a_batch_numbers_its_parameters_through() {
        let batch = Batch::new("x", "INSERT INTO t (a, b)", 2, "ON CONFLICT DO NOTHING");
        let text = "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING";
        assert_eq!(batch.text(Engine::Postgres, 2), text);
        let text = "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING";
        assert_eq!(batch.text(Engine::Sqlite, 2), text);
    }
}
