//! Which files a tree writes as it grows.

use super::{Bundle, LEVEL_MAX, TILE_HEIGHT, TILE_WIDTH, Tile};

/// The tiles that a tree of `to` leaves has and one of `from` leaves had not, the leaves first:
/// those that became full, and the partial ones of the new size.
pub fn tiles(from: u64, to: u64) -> impl Iterator<Item = Tile> {
    (0..=LEVEL_MAX).flat_map(move |level| of_level(level, from, to))
}

/// The bundles, likewise.
pub fn bundles(from: u64, to: u64) -> impl Iterator<Item = Bundle> {
    of_level(0, from, to).map(Bundle::beside)
}

fn of_level(level: u8, from: u64, to: u64) -> impl Iterator<Item = Tile> {
    let shift = u32::from(TILE_HEIGHT) * u32::from(level);
    let (from, to) = (from >> shift, to >> shift);
    let tile = u64::from(TILE_WIDTH);
    // Nothing new here means nothing new above.
    let last = if from < to { to.div_ceil(tile) } else { 0 };
    (from / tile..last).filter_map(move |index| Tile::within(level, index, to << shift))
}
