//! What can go wrong while attesting. A leak is no error: it is what is looked for.

use std::io;
use std::path::PathBuf;

use crate::canary::TooMany;

/// Why no statement could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan says something that cannot be.
    #[error("{0}: {1}")]
    Plan(String, String),
    /// A file or folder.
    #[error("{} cannot be read", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A PostgreSQL or a SQLite file.
    #[error("the database {0} cannot be read")]
    Database(String, #[source] sqlx::Error),
    /// A Redis or Valkey.
    #[error("the store of counters {0} cannot be read")]
    Counters(String, #[source] redis::RedisError),
    /// A page of metrics, a document.
    #[error("{0} cannot be asked: {1}")]
    Page(String, String),
    /// A cell does not answer as a cell does.
    #[error("the cell `{0}`: {1}")]
    Cell(String, String),
    /// More than a run may plant.
    #[error(transparent)]
    Canaries(#[from] TooMany),
    /// No signature.
    #[error("the statement could not be signed: {0}")]
    Unsigned(String),
    /// The machine failed: no randomness.
    #[error("the machine failed")]
    Machine(#[from] io::Error),
}
