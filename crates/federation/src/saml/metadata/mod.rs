//! Metadata: theirs is read, ours is written.

mod entities;
mod read;
mod write;

pub use read::METADATA_BYTES_MAX;
