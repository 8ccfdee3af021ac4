//! The tree, computed from below: entries, then tiles over tiles, then the root.

use std::collections::BTreeMap;

use crate::fault::{Fault, FaultKind};
use crate::hash::Hash;
use crate::name::{Name, Part};

/// Levels of tiles that a tree can have.
pub(crate) const LEVELS: u8 = 8;

/// Hashes of one tile, as far as they are known.
type Row = Vec<Option<Hash>>;

/// What is known of a tree. Whole tiles are kept as one hash, in the tile above; only those at
/// the right edge of a size whose root is asked for are kept whole.
#[derive(Debug)]
pub(crate) struct Tree {
    size: u64,
    /// Sizes whose roots will be asked for.
    marks: Vec<u64>,
    /// Hashes of each level that were computed from below, for the tiles still to come.
    computed: BTreeMap<(u8, u64), Hash>,
    edges: BTreeMap<(u8, u64), Row>,
}

impl Tree {
    pub(crate) fn new(size: u64, mut marks: Vec<u64>) -> Self {
        marks.push(size);
        Self { size, marks, computed: BTreeMap::new(), edges: BTreeMap::new() }
    }

    /// Lays the tile over `entries` leaves, which was supplied too, or is not.
    pub(crate) fn lay_leaves(
        &mut self,
        part: Part,
        leaves: Option<Vec<Hash>>,
        supplied: Option<Vec<Hash>>,
    ) -> Result<(), Fault> {
        let leaves = leaves.map(|leaves| leaves.into_iter().map(Some).collect());
        self.lay(0, part, leaves, supplied)
    }

    /// The tiles of a level that follow from the level below.
    pub(crate) fn follow(&self, level: u8) -> Vec<u64> {
        let mut tiles: Vec<u64> = self
            .computed
            .range((level, 0)..=(level, u64::MAX))
            .map(|((_, at), _)| at / 256)
            .collect();
        tiles.dedup();
        tiles
    }

    /// Lays a tile above the leaves.
    pub(crate) fn lay_over(
        &mut self,
        level: u8,
        part: Part,
        supplied: Option<Vec<Hash>>,
    ) -> Result<(), Fault> {
        let from = part.index.saturating_mul(256);
        let row = (from..from.saturating_add(part.width))
            .map(|at| self.computed.remove(&(level, at)))
            .collect();
        self.lay(level, part, Some(row), supplied)
    }

    fn lay(
        &mut self,
        level: u8,
        part: Part,
        computed: Option<Row>,
        supplied: Option<Vec<Hash>>,
    ) -> Result<(), Fault> {
        let mut row: Row = match (computed, &supplied) {
            (Some(row), _) => row,
            (None, Some(supplied)) => vec![None; supplied.len()],
            (None, None) => return Ok(()),
        };
        let follows = row.iter().any(Option::is_some);
        for (offset, (place, hash)) in
            (0u64..).zip(row.iter_mut().zip(supplied.into_iter().flatten()))
        {
            if place.is_some_and(|computed| computed != hash) {
                let at = (part.index.saturating_mul(256).saturating_add(offset)) << (8 * level);
                let name = Name::Tile(level, part);
                let words = format!("{name} says another hash than what lies below it has");
                return Err(FaultKind::TileHash.at(at, words));
            }
            *place = Some(hash);
        }
        if part.width == 256 {
            let whole = row.iter().copied().collect::<Option<Vec<_>>>();
            if let Some(root) = whole.and_then(Hash::perfect) {
                self.computed.insert((level + 1, part.index), root);
            } else if follows {
                // INVARIANT: whatever is laid leads to the root. A whole tile that is known in
                // part would end here, and what lies below it would be compared with nothing.
                let words = format!(
                    "{} is missing, without which what lies below it is not tied to the root",
                    Name::Tile(level, part)
                );
                let at = part.index.saturating_mul(256) << (8 * level);
                return Err(FaultKind::RootUnknown.at(at, words));
            }
        }
        let shift = 8 * (u32::from(level) + 1);
        let edge = |mark: &u64| mark.checked_shr(shift).unwrap_or(0) == part.index;
        if self.marks.iter().any(edge) {
            self.edges.insert((level, part.index), row);
        }
        Ok(())
    }

    /// The root that the tree had at a size, if enough is known.
    pub(crate) fn root(&self, size: u64) -> Option<Hash> {
        if size > self.size {
            return None;
        }
        let mut root = None;
        for height in (0..64).filter(|height| size >> height & 1 == 1) {
            let subtree = self.perfect(height, (size >> height) - 1)?;
            root = Some(root.map_or(subtree, |right| Hash::node(&subtree, &right)));
        }
        Some(root.unwrap_or_else(Hash::of_nothing))
    }

    /// The root of the perfect subtree of this height.
    fn perfect(&self, height: u32, index: u64) -> Option<Hash> {
        let (level, above) = (u8::try_from(height / 8).ok()?, height % 8);
        let first = index << above;
        let (from, count) = (usize::try_from(first % 256).ok()?, 1usize << above);
        let row = self.edges.get(&(level, first / 256))?.get(from..from + count)?;
        Hash::perfect(row.iter().copied().collect::<Option<Vec<_>>>()?)
    }
}
