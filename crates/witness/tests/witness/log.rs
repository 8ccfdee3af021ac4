//! A log in memory, with two faces if need be.

use std::convert::Infallible;

use tlog::note::{Algorithm, KeyName, Seed};
use tlog::proof::Tree;
use tlog::tile::Tile;
use tlog::witness::Request;
use tlog::{Checkpoint, Frontier, Hash, Note, Signer};

pub(crate) const ORIGIN: &str = "portico.example/us/org one";

pub(crate) fn signer(seed: u8) -> Signer {
    let name = KeyName::new("portico.example/us").expect("a name");
    Signer::new(name, Algorithm::Ed25519, &Seed::from_bytes(&[seed; 32])).expect("a key")
}

/// A log of at most 255 entries: one tile.
pub(crate) struct SmallLog {
    leaves: Vec<Hash>,
}

impl SmallLog {
    /// The log as it is.
    pub(crate) fn honest() -> Self {
        Self::rewritten(255)
    }

    /// The same, but for its entries from this one on.
    pub(crate) fn rewritten(from: u8) -> Self {
        let entry = |index: u8| {
            let face = if index < from { "entry" } else { "another entry" };
            Hash::of_leaf(format!("{face} {index}").as_bytes())
        };
        Self { leaves: (0..255).map(entry).collect() }
    }

    pub(crate) fn root(&self, size: u8) -> Hash {
        let mut frontier = Frontier::new();
        for leaf in &self.leaves[..usize::from(size)] {
            frontier.append(*leaf, |_, _| ()).expect("room");
        }
        frontier.root()
    }

    pub(crate) fn checkpoint(&self, size: u8) -> Checkpoint {
        Checkpoint::new(ORIGIN, size.into(), self.root(size)).expect("a checkpoint")
    }

    /// A checkpoint, signed by the log.
    pub(crate) fn note(&self, size: u8) -> Note {
        signed(&self.checkpoint(size), &[&signer(1)])
    }

    pub(crate) fn path(&self, old: u8, new: u8) -> Vec<Hash> {
        let read = |tile: Tile| {
            let hashes = &self.leaves[..usize::from(tile.width())];
            Ok::<_, Infallible>(tile.encode(hashes).expect("its width"))
        };
        let mut tree = Tree::new(new.into(), read).expect("a size");
        tree.consistency(old.into()).expect("a tile")
    }

    /// Asks to cosign the tree of `new` leaves after that of `old`.
    pub(crate) fn request(&self, old: u8, new: u8) -> Request {
        let path = if old < new { self.path(old, new) } else { Vec::new() };
        Request::new(old.into(), path, self.note(new)).expect("a request")
    }
}

pub(crate) fn signed(checkpoint: &Checkpoint, signers: &[&Signer]) -> Note {
    let mut note = Note::new(checkpoint.to_string()).expect("a text");
    for signer in signers {
        note.add(signer.sign(note.text(), 1_700_000_000).expect("signs")).expect("room");
    }
    note
}
