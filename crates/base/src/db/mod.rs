//! One SQL text, two engines.
//!
//! Rooms write SQL that SQLite and PostgreSQL both understand, with `$1`
//! placeholders and four column types: `TEXT`, `BIGINT`, `DOUBLE PRECISION`
//! and `BYTEA`. This folder is the only place that knows which engine runs.
//!
//! Every use says [`Within`] which wall it happens: on PostgreSQL row-level
//! security shows only the rows of that org, whatever the statement says.

mod error;
mod migrate;
mod pool;
mod row;
mod statement;
mod tx;
mod value;

pub use self::error::DbError;
pub use self::migrate::Migration;
pub use self::pool::{Db, Engine};
pub use self::row::Row;
pub use self::statement::{Batch, Statement};
pub use self::tx::Tx;
pub use self::value::Value;

pub(crate) use self::pool::Pool;

/// The rows that row-level security lets through: those of one org, of some, or
/// of every org of this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within(String);

impl Within {
    /// The rows of one org.
    pub fn org(org_id: &str) -> Self {
        Self(org_id.to_owned())
    }

    /// The rows of several orgs: a batch of events of different orgs.
    pub fn orgs<'a>(org_ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self(org_ids.into_iter().collect::<Vec<_>>().join(","))
    }

    /// All rows: start-up, sweeps and migrations of this node, never a request.
    pub fn node() -> Self {
        Self("*".to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Arguments of a statement: `args![name, amount]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
