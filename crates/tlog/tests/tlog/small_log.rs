//! A log in memory that writes its tiles as `audit` does.

use std::collections::BTreeMap;
use std::convert::Infallible;

use tlog::proof::Tree;
use tlog::tile::{self, Slot, Tile};
use tlog::{Checkpoint, Frontier, Hash, Note, Signer};

pub(crate) const ORIGIN: &str = "portico.example/cell/org";

/// The bytes of the `index`-th entry.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

#[derive(Default)]
pub(crate) struct SmallLog {
    pub(crate) frontier: Frontier,
    /// What the tiles of each level are cut from.
    levels: Vec<Vec<Hash>>,
    /// What lies in the object store.
    pub(crate) files: BTreeMap<Tile, Vec<u8>>,
}

impl SmallLog {
    pub(crate) fn of(size: u64) -> Self {
        let mut log = Self::default();
        log.grow(size);
        log
    }

    pub(crate) fn grow(&mut self, to: u64) {
        let from = self.frontier.size();
        for index in from..to {
            let levels = &mut self.levels;
            let keep = |node, hash| {
                let Some(slot) = Slot::of(node) else { return };
                let level = usize::from(slot.level);
                if levels.len() == level {
                    levels.push(Vec::new());
                }
                assert_eq!(levels[level].len() as u64, slot.tile * 256 + u64::from(slot.offset));
                levels[level].push(hash);
            };
            self.frontier.append(Hash::of_leaf(&entry(index)), keep).expect("room");
        }
        for tile in tile::tiles(from, to) {
            let first = usize::try_from(tile.index() * 256).expect("small");
            let hashes = &self.levels[usize::from(tile.level())][first..];
            let bytes = tile.encode(&hashes[..usize::from(tile.width())]).expect("its width");
            self.files.insert(tile, bytes);
        }
    }

    /// As it was at `size`; every checkpoint has had its partial tiles written.
    pub(crate) fn at(
        &self,
        size: u64,
    ) -> Tree<impl FnMut(Tile) -> Result<Vec<u8>, Infallible> + use<'_>> {
        let read = |tile: Tile| {
            let file = self.files.get(&tile);
            Ok(file.unwrap_or_else(|| panic!("{} was never written", tile.path())).clone())
        };
        Tree::new(size, read).expect("a size")
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        self.at(size).frontier().expect("tiles").root()
    }

    pub(crate) fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint::new(ORIGIN, size, self.root(size)).expect("a checkpoint")
    }

    pub(crate) fn signed(&self, size: u64, signers: &[&Signer]) -> Note {
        signed(&self.checkpoint(size), signers)
    }
}

pub(crate) fn signed(checkpoint: &Checkpoint, signers: &[&Signer]) -> Note {
    let mut note = Note::new(checkpoint.to_string()).expect("a text");
    for signer in signers {
        let signature = signer.sign(note.text(), crate::keys::TIME).expect("signs");
        note.add(signature).expect("room");
    }
    note
}
