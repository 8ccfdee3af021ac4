//! Proofs that an entry is in a tree, and that one tree continues another: made from tiles,
//! written as text, verified.

mod document;
mod read;
mod verify;

pub(crate) use document::read_path;
pub use document::{EXTRA_BYTES_MAX, Malformed, PROOF_BYTES_MAX, Proof, Proven, Unproven};
pub use read::{Tree, Unreadable, tiles_of_consistency, tiles_of_inclusion};
pub use verify::{Refused, root_of, verify_consistency, verify_inclusion};
