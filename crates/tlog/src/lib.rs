//! Transparency logs: their formats and their proofs, without a database, an org or a clock.
//!
//! Everything is as C2SP writes it, so that other people's programs verify what this one says:
//! `tlog-tiles`, `tlog-checkpoint`, `signed-note`, `tlog-cosignature`, `tlog-proof` and
//! `tlog-witness`, over the trees of RFC 6962.
//!
//! # What this room promises
//!
//! - Trees, roots and proofs are those of RFC 6962, of whatever size the tree is
//!   (`leaves_and_nodes_hash_as_rfc_6962_says`, `roots_and_proofs_equal_those_of_another_implementation`,
//!   `programs_of_others_accept_what_we_prove_and_refuse_what_was_altered`).
//! - A proof with a bit flipped, a hash left out, added or exchanged proves nothing
//!   (`no_altered_inclusion_proof_verifies`, `no_altered_consistency_proof_verifies`,
//!   `every_bit_of_a_proof_file_counts`).
//! - A tree grows by a frontier of two KiB at most, which names what must be written, and the
//!   tiles of its growth are enough for every proof
//!   (`a_frontier_is_kept_in_few_bytes_and_only_its_own_bytes_are_read`,
//!   `tiles_of_every_growth_are_enough_for_every_proof`,
//!   `tiles_of_a_growth_equal_those_of_another_implementation`).
//! - A proof in a tree of a thousand million entries has thirty hashes, two KiB, and reads six
//!   tiles (`a_proof_among_a_thousand_million_entries_is_small`).
//! - Each thing has one text: what is read is written again byte for byte
//!   (`each_thing_has_one_text`, `paths_are_those_of_the_specification`).
//! - What strangers send is bounded and never stops us
//!   (`bytes_of_strangers_are_read_or_refused_and_never_stop_us`).
//! - A signature of an unknown key changes nothing, one of a known key that does not verify
//!   refuses the whole (`signatures_of_strangers_are_passed_over_and_wrong_ones_refuse_the_note`).
//! - A witness cosigns what continues its memory, and nothing else; each refusal has the status
//!   that the specification says (`a_witness_refuses_rollback_fork_and_strangers`).
//! - Secrets are not shown (`keys_show_no_secret`).

pub mod checkpoint;
mod frontier;
mod hash;
mod lines;
pub mod note;
pub mod proof;
pub mod tile;
mod tree;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use frontier::{FRONTIER_BYTES_MAX, Frontier, Full, Malformed as MalformedFrontier};
pub use hash::{HASH_BYTES, Hash, NotAHash};
pub use note::{Note, Signer, Verifier};
pub use proof::Proof;
pub use tile::Tile;
pub use tree::{Node, PATH_MAX, SIZE_MAX};
