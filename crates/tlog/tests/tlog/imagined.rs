//! A tree of any size of which only what a proof reads exists.

use std::convert::Infallible;

use tlog::proof::Tree;
use tlog::tile::Tile;
use tlog::{Checkpoint, Frontier, Hash, Note, Proof, Signer};

/// The entry whose place is proven.
pub(crate) const ENTRY: &[u8] = b"the one entry that there is";

pub(crate) struct Imagined {
    pub(crate) size: u64,
    pub(crate) index: u64,
}

impl Imagined {
    /// The hashes above the entry follow from those below; the others are made up.
    fn hash(&self, level: u8, place: u64) -> Hash {
        if place != self.index >> (8 * level) {
            return Hash::of_leaf(format!("{level} {place}").as_bytes());
        }
        let Some(below) = level.checked_sub(1) else { return Hash::of_leaf(ENTRY) };
        let mut hashes: Vec<Hash> =
            (0..256).map(|offset| self.hash(below, place * 256 + offset)).collect();
        while hashes.len() > 1 {
            let pairs = hashes.chunks(2);
            hashes = pairs.map(|pair| Hash::of_node(&pair[0], &pair[1])).collect();
        }
        hashes[0]
    }

    pub(crate) fn tile(&self, tile: Tile) -> Vec<u8> {
        let first = tile.index() * 256;
        let places = first..first + u64::from(tile.width());
        let hashes: Vec<Hash> = places.map(|place| self.hash(tile.level(), place)).collect();
        tile.encode(&hashes).expect("its width")
    }

    pub(crate) fn frontier(&self) -> Frontier {
        let read = |tile| Ok::<_, Infallible>(self.tile(tile));
        Tree::new(self.size, read).expect("a size").frontier().expect("tiles")
    }

    /// The path, and how many tiles were read for it.
    pub(crate) fn path(&self, edge: Option<&Frontier>) -> (Vec<Hash>, usize) {
        let mut tiles = 0;
        let read = |tile| {
            tiles += 1;
            Ok::<_, Infallible>(self.tile(tile))
        };
        let path = match edge {
            Some(edge) => Tree::with_edge(edge, read).inclusion(self.index),
            None => Tree::new(self.size, read).expect("a size").inclusion(self.index),
        };
        (path.expect("tiles"), tiles)
    }

    /// The file that a customer holds.
    pub(crate) fn proof(&self, origin: &str, signers: &[&Signer]) -> Proof {
        let root = self.frontier().root();
        let checkpoint = Checkpoint::new(origin, self.size, root).expect("a checkpoint");
        let mut note = Note::new(checkpoint.to_string()).expect("a text");
        for signer in signers {
            let signature = signer.sign(note.text(), 1_679_315_147).expect("signs");
            note.add(signature).expect("room");
        }
        Proof::new(self.index, self.path(None).0, note).expect("a proof")
    }
}
