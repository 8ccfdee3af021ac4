//! Tiles, as C2SP `tlog-tiles` writes them: 256 hashes of one level in a file that never
//! changes, and the entries in bundles of 256.

mod bundle;
mod growth;
mod path;

pub use bundle::{Bundle, ENTRY_BYTES_MAX};
pub use growth::{bundles, tiles};

use crate::hash::{HASH_BYTES, Hash};
use crate::tree::{Node, SIZE_MAX};

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Levels of nodes that one level of tiles stands for.
pub(crate) const TILE_HEIGHT: u8 = 8;
/// The highest level of tiles that a tree has: one above would need 2^64 leaves.
pub const LEVEL_MAX: u8 = 7;

/// Which tile: its level, its place in the level, and how many hashes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Not a tile or bundle, or not its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No tree of fewer than 2^63 leaves has it.
    #[error("no tree has such a tile")]
    NoSuchTile,
    /// Not one of the paths of C2SP `tlog-tiles`.
    #[error("not the path of a tile or of an entry bundle")]
    Path,
    /// Too few or too many hashes.
    #[error("a tile of this width has {expected} bytes, not {found}")]
    #[expect(missing_docs, reason = "the words say it")]
    Length { expected: usize, found: usize },
    /// Too few or too many entries.
    #[error("the bundle does not have as many entries as its width says")]
    Entries,
    /// An entry that its length does not fit.
    #[error("an entry has more than {ENTRY_BYTES_MAX} bytes")]
    EntryTooLong,
}

impl Tile {
    /// The tile of this place with the first `width` of its hashes.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, Malformed> {
        let tile = Self { level, index, width };
        let known = level <= LEVEL_MAX && (1..=TILE_WIDTH).contains(&width);
        // The last leaf below it must be one that a tree can have.
        let last = u128::from(index) * u128::from(TILE_WIDTH) + u128::from(width);
        let leaves = last << (u32::from(TILE_HEIGHT) * u32::from(level.min(LEVEL_MAX)));
        if known && leaves <= u128::from(SIZE_MAX) { Ok(tile) } else { Err(Malformed::NoSuchTile) }
    }

    /// The tile of this place as a tree of `size` leaves has it: full, partial or not at all.
    pub fn within(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(TILE_HEIGHT) * u32::from(level))?;
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = hashes.saturating_sub(before).min(u64::from(TILE_WIDTH));
        Self::new(level, index, u16::try_from(width).ok()?).ok()
    }

    /// 0 for the hashes of leaves; each level above stands for eight levels of the tree.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Its place in the level, from the left, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it never grows any more.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// `tile/<L>/<N>`, with `.p/<W>` if it is partial.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, path::place(self.index, self.width))
    }

    /// Reads such a path; each tile has one.
    pub fn from_path(text: &str) -> Result<Self, Malformed> {
        let (level, place) = text
            .strip_prefix("tile/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(Malformed::Path)?;
        let (index, width) = path::read_place(place)?;
        let level = level.parse().map_err(|_| Malformed::Path)?;
        let tile = Self::new(level, index, width)?;
        if tile.path() == text { Ok(tile) } else { Err(Malformed::Path) }
    }

    /// Its bytes: the hashes, one after another.
    pub fn encode(&self, hashes: &[Hash]) -> Result<Vec<u8>, Malformed> {
        let bytes = hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
        self.check(bytes.len())?;
        Ok(bytes)
    }

    /// Its hashes: as many as its width, and not a byte more.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Hash>, Malformed> {
        self.check(bytes.len())?;
        let (hashes, _) = bytes.as_chunks();
        Ok(hashes.iter().copied().map(Hash).collect())
    }

    fn check(&self, found: usize) -> Result<(), Malformed> {
        let expected = usize::from(self.width) * HASH_BYTES;
        if found == expected { Ok(()) } else { Err(Malformed::Length { expected, found }) }
    }
}

/// Where the hash of a node is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The level of the tile.
    pub level: u8,
    /// The place of the tile in its level.
    pub tile: u64,
    /// The place of the hash in the tile, from 0.
    pub offset: u8,
}

impl Slot {
    /// Of this node, if its hash is in a tile: those of seven levels in eight are not, but
    /// follow from the hashes below.
    pub fn of(node: Node) -> Option<Self> {
        let [.., offset] = node.index.to_be_bytes();
        let (level, rest) = (node.level / TILE_HEIGHT, node.level % TILE_HEIGHT);
        (rest == 0).then_some(Self { level, tile: node.index >> TILE_HEIGHT, offset })
    }
}
