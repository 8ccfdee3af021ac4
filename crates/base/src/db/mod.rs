//! One SQL text, two engines.
//!
//! Rooms write SQL that SQLite and PostgreSQL both understand, with `$1`
//! placeholders and four column types: `TEXT`, `BIGINT`, `DOUBLE PRECISION`
//! and `BYTEA`. This folder is the only place that knows which engine runs.
//!
//! A database fails and comes back. What it undid by itself (a serialization failure, a deadlock,
//! a connection that ended) is done again, unseen, if it then gives the same as before:
//! see [`Tx`].
//!
//! Every use says [`Within`] which wall it happens: on PostgreSQL row-level
//! security shows only the rows of that org, whatever the statement says.

mod begun;
mod carry;
mod clock;
mod copy;
mod error;
#[cfg(test)]
mod fails;
mod here;
#[cfg(feature = "testing")]
pub(crate) mod inject;
mod lines;
mod log;
mod migrate;
mod noting;
mod pack;
mod pool;
mod posture;
mod row;
mod shape;
mod standby;
mod statement;
mod together;
mod told;
mod tries;
mod turn;
mod tx;
mod value;
mod within;
mod writer;

pub use self::carry::Writes;
pub use self::error::DbError;
pub use self::lines::Health;
pub use self::migrate::Migration;
pub use self::noting::Noted;
pub use self::pack::{NotPacked, Packed};
pub use self::pool::{Db, Engine};
pub use self::row::Row;
pub use self::shape::{Shape, Values};
pub use self::standby::Standby;
pub use self::statement::{Batch, Statement};
pub use self::together::Ask;
pub use self::tries::Tries;
pub use self::turn::Run;
pub use self::tx::Tx;
pub use self::value::Value;
pub use self::within::Within;

pub(crate) use self::pool::Pool;

/// A unit of work in which nothing happens for this long is undone by PostgreSQL: whoever
/// stands still must not hold locks, nor go on later where others have taken over.
pub const IDLE_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// A statement that takes longer than this is undone by PostgreSQL.
pub const STATEMENT_MAX: std::time::Duration = std::time::Duration::from_secs(14);

/// Arguments of a statement: `args![name, amount]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
