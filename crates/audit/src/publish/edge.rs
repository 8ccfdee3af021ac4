//! The right edge of an org's tree, with what its partial tiles and its partial bundle hold:
//! all that is needed to go on publishing.

use std::collections::BTreeMap;

use tlog::proof::Tree;
use tlog::tile::{Bundle, LEVEL_MAX, Slot, TILE_WIDTH, Tile};
use tlog::{Frontier, Hash};

use crate::entry::Entry;

/// A file to publish: its path below the org, and its bytes.
pub(crate) type File = (String, Vec<u8>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Edge<E = Entry> {
    frontier: Frontier,
    /// The hashes of the partial tile of each level.
    levels: Vec<Vec<Hash>>,
    /// The entries of the partial bundle.
    entries: Vec<E>,
}

/// These hashes and entries are no edge of a tree of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAnEdge;

impl Edge {
    /// The tiles that the edge of a tree of this size is read from: the partial one of each
    /// level.
    pub(crate) fn tiles(size: u64) -> impl Iterator<Item = Tile> {
        let partial = move |level: u8| {
            let hashes = size.checked_shr(8 * u32::from(level))?;
            Tile::within(level, hashes / u64::from(TILE_WIDTH), size)
        };
        (0..=LEVEL_MAX).filter_map(partial)
    }

    /// The bundle that they are read from.
    pub(crate) fn bundle(size: u64) -> Option<Bundle> {
        Bundle::within(size / u64::from(TILE_WIDTH), size)
    }

    /// The partial files of a tree of this size.
    pub(crate) fn partial_paths(size: u64) -> Vec<String> {
        let tiles = Self::tiles(size).map(|tile| tile.path());
        tiles.chain(Self::bundle(size).map(|bundle| bundle.path())).collect()
    }
}

impl<E: AsRef<[u8]>> Edge<E> {
    /// From the tiles of [`Edge::tiles`] and the entries behind the last full bundle.
    pub(crate) fn read(
        size: u64,
        tiles: &BTreeMap<Tile, Vec<u8>>,
        entries: Vec<E>,
    ) -> Result<Self, NotAnEdge> {
        let mut levels: Vec<Vec<Hash>> = Vec::new();
        for (tile, bytes) in tiles {
            levels.resize_with(usize::from(tile.level()) + 1, Vec::new);
            let hashes = tile.decode(bytes).map_err(|_| NotAnEdge)?;
            levels.last_mut().map(|level| *level = hashes).ok_or(NotAnEdge)?;
        }
        let frontier = frontier(size, tiles).ok_or(NotAnEdge)?;
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_leaf(entry.as_ref())).collect();
        if leaves == levels.first().map(Vec::as_slice).unwrap_or_default() {
            Ok(Self { frontier, levels, entries })
        } else {
            Err(NotAnEdge)
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends an entry; the files that became full go to `full`. Nothing happens to a tree
    /// that is full itself.
    pub(crate) fn append(&mut self, entry: E, full: &mut Vec<File>) {
        let Self { frontier, levels, entries } = self;
        let complete = |node, hash| {
            let Some(slot) = Slot::of(node) else { return };
            let level = usize::from(slot.level);
            if levels.len() <= level {
                levels.resize_with(level + 1, Vec::new);
            }
            let Some(hashes) = levels.get_mut(level) else { return };
            hashes.push(hash);
            if hashes.len() == usize::from(TILE_WIDTH) {
                let tile = Tile::new(slot.level, slot.tile, TILE_WIDTH).ok();
                full.extend(tile.and_then(|tile| Some((tile.path(), tile.encode(hashes).ok()?))));
                hashes.clear();
            }
        };
        let Ok(index) = frontier.append(Hash::of_leaf(entry.as_ref()), complete) else { return };
        entries.push(entry);
        if entries.len() == usize::from(TILE_WIDTH) {
            let bundle = Bundle::new(index / u64::from(TILE_WIDTH), TILE_WIDTH).ok();
            full.extend(bundle.and_then(|it| Some((it.path(), it.encode(entries).ok()?))));
            entries.clear();
        }
    }

    /// The partial files of this size that the tree of `from` leaves had not.
    pub(crate) fn partial(&self, from: u64) -> Vec<File> {
        let size = self.size();
        let mut files = Vec::new();
        for tile in Edge::tiles(size) {
            let before = Tile::within(tile.level(), tile.index(), from);
            let hashes = self.levels.get(usize::from(tile.level()));
            if before != Some(tile)
                && let Some(bytes) = hashes.and_then(|hashes| tile.encode(hashes).ok())
            {
                files.push((tile.path(), bytes));
            }
        }
        if let Some(bundle) = Edge::bundle(size)
            && Bundle::within(bundle.index(), from) != Some(bundle)
            && let Ok(bytes) = bundle.encode(&self.entries)
        {
            files.push((bundle.path(), bytes));
        }
        files
    }
}

/// The edge of a tree of this size, from the tiles of [`Edge::tiles`].
pub(crate) fn frontier(size: u64, tiles: &BTreeMap<Tile, Vec<u8>>) -> Option<Frontier> {
    Tree::new(size, fetched(tiles)).ok()?.frontier().ok()
}

/// Gives tiles that were fetched before; what is not among them cannot be read.
pub(super) fn fetched(
    tiles: &BTreeMap<Tile, Vec<u8>>,
) -> impl FnMut(Tile) -> Result<Vec<u8>, std::io::Error> {
    |tile| tiles.get(&tile).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::ENTRY_LEN;

    fn entry(index: usize) -> Entry {
        let mut entry = [0; ENTRY_LEN];
        entry[..8].copy_from_slice(&index.to_be_bytes());
        entry
    }

    /// The hash above a full tile, by the definition.
    fn above(hashes: &[Hash]) -> Hash {
        if let [one] = hashes {
            return *one;
        }
        let (left, right) = hashes.split_at(hashes.len() / 2);
        Hash::of_node(&above(left), &above(right))
    }

    /// Every file of a tree of this size, made from all entries at once.
    fn reference(size: usize) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let entries: Vec<Entry> = (0..size).map(entry).collect();
        for (index, entries) in entries.chunks(256).enumerate() {
            let bundle = Bundle::within(index as u64, size as u64).unwrap();
            files.insert(bundle.path(), bundle.encode(entries).unwrap());
        }
        let mut hashes: Vec<Hash> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
        for level in 0..=LEVEL_MAX {
            for (index, hashes) in hashes.chunks(256).enumerate() {
                let tile = Tile::within(level, index as u64, size as u64).unwrap();
                files.insert(tile.path(), tile.encode(hashes).unwrap());
            }
            hashes = hashes.chunks_exact(256).map(above).collect();
        }
        files
    }

    /// Grows in these steps; after each, another process goes on from the files alone.
    fn grown(steps: &[usize]) -> (usize, BTreeMap<String, Vec<u8>>) {
        let (mut files, mut size) = (BTreeMap::<String, Vec<u8>>::new(), 0);
        for step in steps {
            let tiles = Edge::tiles(size as u64).map(|tile| (tile, files[&tile.path()].clone()));
            let behind = (size - size % 256..size).map(entry).collect();
            let mut edge = Edge::read(size as u64, &tiles.collect(), behind).unwrap();
            let mut new = Vec::new();
            for index in size..size + step {
                edge.append(entry(index), &mut new);
            }
            new.extend(edge.partial(size as u64));
            size += step;
            let of_growth =
                tlog::tile::tiles((size - step) as u64, size as u64).map(|it| it.path());
            let bundles = tlog::tile::bundles((size - step) as u64, size as u64);
            let mut expected: Vec<_> = of_growth.chain(bundles.map(|it| it.path())).collect();
            let mut paths: Vec<_> = new.iter().map(|(path, _)| path.clone()).collect();
            expected.sort();
            paths.sort();
            assert_eq!(paths, expected, "what C2SP says is new, and each once");
            files.extend(new);
        }
        (size, files)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn whatever_the_steps_the_files_are_those_of_the_whole_tree(
            steps in prop::collection::vec(1_usize..700, 1..9),
        ) {
            let (size, files) = grown(&steps);
            for (path, bytes) in reference(size) {
                prop_assert_eq!(&files[&path], &bytes, "{}", path);
            }
        }
    }

    #[test]
    fn a_tree_of_three_levels_costs_each_event_less_than_35_bytes_of_tiles() {
        let (size, files) = grown(&[65_000, 536, 1, 700]);
        let reference = reference(size);
        assert!(reference.iter().all(|(path, bytes)| files[path] == *bytes));
        assert!(reference.contains_key("tile/2/000.p/1"));
        let tiles = reference.iter().filter(|(path, _)| !path.starts_with("tile/entries/"));
        let bytes: usize = tiles.map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes < 35 * size, "{bytes} bytes for {size} events");
    }

    #[test]
    fn what_was_altered_is_no_edge() {
        let (size, files) = grown(&[300]);
        let tiles: BTreeMap<_, _> =
            Edge::tiles(size as u64).map(|tile| (tile, files[&tile.path()].clone())).collect();
        let entries: Vec<Entry> = (256..300).map(entry).collect();
        assert!(Edge::read(size as u64, &tiles, entries.clone()).is_ok());
        let mut other = entries;
        other[3][20] ^= 1;
        assert_eq!(Edge::read(size as u64, &tiles, other).unwrap_err(), NotAnEdge);
    }
}
