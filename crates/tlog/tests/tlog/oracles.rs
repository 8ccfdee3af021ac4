//! Against `ct-merkle` and `tlog_tiles`.

use std::collections::BTreeSet;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::Sha256;
use tlog::proof::{
    Tree, tiles_of_consistency, tiles_of_inclusion, verify_consistency, verify_inclusion,
};
use tlog::tile::{self, Bundle, Tile};
use tlog::{Frontier, Hash};

use crate::small_log::{SmallLog, entry};

const SIZES: usize = 1_000;
/// Their hashes are slow without optimisation: the tests below and `outside` look at larger trees.
const SIZE_MAX: u64 = 5_000;

fn bytes(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

#[test]
fn roots_and_proofs_equal_those_of_another_implementation() {
    let mut dice = StdRng::seed_from_u64(6962);
    let mut sizes: BTreeSet<u64> = (1..=40).chain([255, 256, 257]).collect();
    while sizes.len() < SIZES {
        sizes.insert(dice.random_range(1..=SIZE_MAX));
    }
    let (mut ours, mut theirs) = (SmallLog::default(), MemoryBackedTree::<Sha256, _>::new());
    let mut before = 0;
    for size in sizes {
        ours.grow(size);
        (before..size).for_each(|index| theirs.push(entry(index)));
        let root = ours.frontier.root();
        assert_eq!(root.0[..], theirs.root().as_bytes()[..], "root of {size}");
        assert_eq!(ours.at(size).frontier().expect("tiles"), ours.frontier);

        let index = dice.random_range(0..size);
        let leaf = Hash::of_leaf(&entry(index));
        let path = ours.at(size).inclusion(index).expect("tiles");
        let expected = theirs.prove_inclusion(usize::try_from(index).expect("small"));
        assert_eq!(bytes(&path), expected.as_bytes(), "{index} in {size}");
        assert_eq!(verify_inclusion(&leaf, index, size, &path, &root), Ok(()));
        assert_eq!(ours.at(size).leaf(index), Ok(leaf));

        if before > 0 {
            let path = ours.at(size).consistency(before).expect("tiles");
            let added = usize::try_from(size - before).expect("small");
            assert_eq!(bytes(&path), theirs.prove_consistency(added).as_bytes());
            let old = ours.root(before);
            assert_eq!(verify_consistency((before, &old), (size, &root), &path), Ok(()));
        }
        before = size;
    }
}

fn root_by_appending(size: u64) -> Hash {
    let mut frontier = Frontier::new();
    for index in 0..size {
        frontier.append(Hash::of_leaf(&entry(index)), |_, _| ()).expect("room");
    }
    frontier.root()
}

#[test]
fn tiles_of_every_growth_are_enough_for_every_proof() {
    let mut log = SmallLog::default();
    let mut before = 0;
    for size in [1, 2, 3, 255, 256, 257, 300, 511, 512, 700, 1_024, 1_025, 65_537] {
        log.grow(size);
        let root = log.frontier.root();
        for old in [0, 1, before / 2, before, size - 1, size] {
            let path = log.at(size).consistency(old).expect("tiles");
            let old_root = root_by_appending(old);
            assert_eq!(verify_consistency((old, &old_root), (size, &root), &path), Ok(()));
        }
        for index in [0, size / 3, size / 2, before, size - 1].map(|index| index.min(size - 1)) {
            let mut asked = BTreeSet::new();
            let mut tree = Tree::new(size, |tile: Tile| {
                asked.insert(tile);
                log.files.get(&tile).cloned().ok_or(std::fmt::Error)
            })
            .expect("a size");
            let path = tree.inclusion(index).expect("tiles");
            assert_eq!(asked, tiles_of_inclusion(index, size), "what is read can be foreseen");
            // With the edge at hand only tiles above the entry are read.
            let above = |tile: &Tile| index >> (8 * (tile.level() + 1)) == tile.index();
            let spared = Tree::with_edge(&log.frontier, |tile: Tile| {
                let file = log.files.get(&tile).filter(|_| above(&tile));
                file.cloned().ok_or(std::fmt::Error)
            })
            .inclusion(index);
            assert_eq!(spared, Ok(path));
        }
        before = size;
    }
    assert!(tiles_of_inclusion(5, 5).is_empty());
    assert!(tiles_of_consistency(5, 5).is_empty());
    assert_eq!(tiles_of_consistency(3, 300).len(), 2);
}

#[test]
fn tiles_of_a_growth_equal_those_of_another_implementation() {
    let mut dice = StdRng::seed_from_u64(256);
    let ends = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000, 20_000_000];
    let pairs = ends.iter().flat_map(|from| ends.iter().map(move |to| (*from, *to)));
    let random = (0..200).map(|_| {
        let from = dice.random_range(0..1_000_000_000u64);
        (from, from + dice.random_range(0..5_000))
    });
    for (from, to) in pairs.chain(random).filter(|(from, to)| to - from.min(to) < 100_000) {
        let ours: Vec<Tile> = tile::tiles(from, to).collect();
        let unique: BTreeSet<Tile> = ours.iter().copied().collect();
        assert_eq!(unique.len(), ours.len(), "{from} to {to}");
        let theirs = if from < to { tlog_tiles::Tile::new_tiles(8, from, to) } else { Vec::new() };
        let theirs: BTreeSet<Tile> = theirs
            .iter()
            .map(|tile| {
                let width = u16::try_from(tile.width()).expect("256 at most");
                Tile::new(tile.level(), tile.level_index(), width).expect("a tile")
            })
            .collect();
        assert_eq!(unique, theirs, "{from} to {to}");
        let bundles: Vec<Bundle> = tile::bundles(from, to).collect();
        let leaves = ours.iter().filter(|tile| tile.level() == 0);
        let beside: Vec<Bundle> =
            leaves.map(|tile| Bundle::new(tile.index(), tile.width()).expect("a bundle")).collect();
        assert_eq!(bundles, beside);
    }
}
