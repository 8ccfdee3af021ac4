//! A tree that is read by its tiles.

use std::collections::{BTreeMap, BTreeSet};

use crate::frontier::Frontier;
use crate::hash::Hash;
use crate::tile::{self, TILE_HEIGHT, Tile};
use crate::tree::{self, Node, Range, SIZE_MAX};

/// Tiles that are kept while proofs are made, of eight KiB each; a proof needs fifteen at most.
const TILES_KEPT_MAX: usize = 64;

/// Proves things of a tree of one size. `read` gives the bytes of a tile; nothing that it
/// gives is believed until somebody verifies the proof.
#[derive(Debug)]
pub struct Tree<R> {
    size: u64,
    read: R,
    edge: BTreeMap<Node, Hash>,
    kept: BTreeMap<Tile, Vec<Hash>>,
}

/// Why a proof could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable<E: std::error::Error + 'static> {
    /// The tree has no such leaf, or was never of such a size.
    #[error("the tree of {size} leaves has nothing at {asked}")]
    #[expect(missing_docs, reason = "the words say it")]
    OutOfRange { asked: u64, size: u64 },
    /// A tile could not be read.
    #[error("the tile `{}` could not be read", .0.path())]
    Read(Tile, #[source] E),
    /// A tile is not of its length.
    #[error("the tile `{}` is damaged", .0.path())]
    Damaged(Tile, #[source] tile::Malformed),
}

impl<R, E> Tree<R>
where
    R: FnMut(Tile) -> Result<Vec<u8>, E>,
    E: std::error::Error + 'static,
{
    /// A tree of `size` leaves.
    pub fn new(size: u64, read: R) -> Result<Self, Unreadable<E>> {
        if size > SIZE_MAX {
            return Err(Unreadable::OutOfRange { asked: size, size: SIZE_MAX });
        }
        Ok(Self { size, read, edge: BTreeMap::new(), kept: BTreeMap::new() })
    }

    /// The tree of this frontier: its right edge need not be read from partial tiles.
    pub fn with_edge(frontier: &Frontier, read: R) -> Self {
        let edge = frontier.nodes().collect();
        Self { size: frontier.size(), read, edge, kept: BTreeMap::new() }
    }

    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the leaf of this index.
    pub fn leaf(&mut self, index: u64) -> Result<Hash, Unreadable<E>> {
        self.check(index)?;
        self.node(Node { level: 0, index })
    }

    /// Proves that the leaf of this index is in the tree: from its sibling to below the root.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, Unreadable<E>> {
        self.check(index)?;
        self.hashes(tree::inclusion(index, self.size))
    }

    /// Proves that the tree continues the one that it was at `old` leaves.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>, Unreadable<E>> {
        if old == 0 || old == self.size {
            return Ok(Vec::new());
        }
        self.check(old)?;
        self.hashes(tree::consistency(old, self.size))
    }

    /// The right edge of the tree, and with it the root.
    pub fn frontier(&mut self) -> Result<Frontier, Unreadable<E>> {
        let all = Range { start: 0, end: self.size };
        let edge = all.nodes().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        Ok(Frontier::of(self.size, edge))
    }

    fn check(&self, asked: u64) -> Result<(), Unreadable<E>> {
        if asked < self.size {
            Ok(())
        } else {
            Err(Unreadable::OutOfRange { asked, size: self.size })
        }
    }

    fn hashes(&mut self, path: Vec<Range>) -> Result<Vec<Hash>, Unreadable<E>> {
        path.into_iter().map(|range| self.range(range)).collect()
    }

    fn range(&mut self, range: Range) -> Result<Hash, Unreadable<E>> {
        let mut hash = None;
        for node in range.nodes().rev() {
            let left = self.node(node)?;
            hash = Some(hash.map_or(left, |right| Hash::of_node(&left, &right)));
        }
        Ok(hash.unwrap_or(Hash::EMPTY))
    }

    fn node(&mut self, node: Node) -> Result<Hash, Unreadable<E>> {
        if let Some(hash) = self.edge.get(&node) {
            return Ok(*hash);
        }
        let missing = Unreadable::OutOfRange { asked: node.index, size: self.size };
        let Some((tile, first, count)) = place(node, self.size) else { return Err(missing) };
        if !self.kept.contains_key(&tile) {
            let bytes = (self.read)(tile).map_err(|why| Unreadable::Read(tile, why))?;
            let hashes = tile.decode(&bytes).map_err(|why| Unreadable::Damaged(tile, why))?;
            if self.kept.len() >= TILES_KEPT_MAX {
                self.kept.clear();
            }
            self.kept.insert(tile, hashes);
        }
        let hashes = self.kept.get(&tile).and_then(|hashes| hashes.get(first..first + count));
        hashes.and_then(root_of_complete).ok_or(missing)
    }
}

/// The tile from which this node follows, and which of its hashes are below the node.
fn place(node: Node, size: u64) -> Option<(Tile, usize, usize)> {
    let (level, above) = (node.level / TILE_HEIGHT, node.level % TILE_HEIGHT);
    let first = node.index.checked_mul(1 << above)?;
    let [.., offset] = first.to_be_bytes();
    let tile = Tile::within(level, first >> TILE_HEIGHT, size)?;
    Some((tile, usize::from(offset), 1 << above))
}

/// The hash above these, whose number is a power of two.
fn root_of_complete(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [one] => Some(*one),
        more => {
            let (left, right) = more.split_at_checked(more.len() / 2)?;
            Some(Hash::of_node(&root_of_complete(left)?, &root_of_complete(right)?))
        }
    }
}

/// The tiles that [`Tree::inclusion`] reads, for who must fetch them beforehand.
pub fn tiles_of_inclusion(index: u64, size: u64) -> BTreeSet<Tile> {
    if index < size && size <= SIZE_MAX {
        tiles(tree::inclusion(index, size), size)
    } else {
        BTreeSet::new()
    }
}

/// The tiles that [`Tree::consistency`] reads.
pub fn tiles_of_consistency(old: u64, size: u64) -> BTreeSet<Tile> {
    if 0 < old && old < size && size <= SIZE_MAX {
        tiles(tree::consistency(old, size), size)
    } else {
        BTreeSet::new()
    }
}

fn tiles(path: Vec<Range>, size: u64) -> BTreeSet<Tile> {
    let nodes = path.into_iter().flat_map(Range::nodes);
    nodes.filter_map(|node| place(node, size)).map(|(tile, ..)| tile).collect()
}
