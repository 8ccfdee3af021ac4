//! A thousand million entries.

use tlog::Hash;

use crate::imagined::{ENTRY, Imagined};
use crate::keys;
use crate::small_log::ORIGIN;

const SIZE: u64 = 1_000_000_000;
const HASHES: usize = 30;
const TEXT_BYTES_MAX: usize = 2_048;
const TILES_MAX: usize = 6;

#[test]
fn a_proof_among_a_thousand_million_entries_is_small() {
    let tree = Imagined { size: SIZE, index: 123_456_789 };
    let (path, tiles) = tree.path(None);
    assert_eq!(path.len(), HASHES);
    assert!(tiles <= TILES_MAX, "{tiles}");
    let (log, witness) = (keys::log(), keys::witness());
    let proof = tree.proof(ORIGIN, &[&log, &witness]);
    let text = proof.to_string();
    assert!(text.len() <= TEXT_BYTES_MAX, "{}", text.len());
    let known = [log.verifier().clone(), witness.verifier().clone()];
    let proven = proof.verify(&Hash::of_leaf(ENTRY), ORIGIN, &known).expect("proven");
    assert_eq!((proven.checkpoint.size(), proven.verified.len()), (SIZE, 2));

    // A size that no power of 256 divides has one partial tile more; with the frontier at
    // hand none of them is read.
    let tree = Imagined { size: SIZE + 77, index: 123_456_789 };
    let ((path, tiles), frontier) = (tree.path(None), tree.frontier());
    let (with_edge, fewer) = tree.path(Some(&frontier));
    assert_eq!((tiles, fewer), (TILES_MAX + 1, 4));
    assert_eq!(path, with_edge);
}
