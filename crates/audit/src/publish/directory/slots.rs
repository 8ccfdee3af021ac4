//! The tree of slots: one for each org that there could be, and each org has its own for ever.
//!
//! ```text
//! height 64            root of the epoch
//!                       /            \
//!                     …                …
//! height 0   [empty] [head of A] [empty] … [head of B] …        2^64 slots
//! ```
//! The slot follows from the id of the org alone, so no two heads of one org fit into one epoch.
//! An empty subtree has a hash that nobody else can tell from that of a full one: whoever has
//! the path of one org does not learn how many others there are, nor who.

use std::collections::{BTreeMap, HashMap};

use access::OrgId;
use aws_lc_rs::digest::{Context, SHA256};
use tlog::Hash;

/// Levels of the tree: two of a million orgs share a slot once in forty million cells.
pub(crate) const HEIGHT: u8 = 64;

/// The heads of all orgs, and the hashes above them.
#[derive(Debug)]
pub(crate) struct Slots {
    blind: [u8; 32],
    leaves: BTreeMap<u64, Hash>,
    /// Hashes of subtrees that hold something, by height and index. Those on the way of a
    /// head that changes are forgotten, and no others are hashed again.
    known: HashMap<(u8, u64), Hash>,
}

/// The slot of an org.
pub(crate) fn slot(org: &OrgId) -> u64 {
    let hash = sha256([b"portico-directory/v1 slot\n", org.as_str().as_bytes()]);
    hash.iter().take(8).fold(0, |slot, byte| slot << 8 | u64::from(*byte))
}

/// The commitment to the text of a checkpoint.
pub(crate) fn head(salt: &[u8; 32], text: &str) -> [u8; 32] {
    sha256([b"portico-directory/v1 head\n", &salt[..], text.as_bytes()])
}

/// A head that changed: where it stands, and the commitment to it.
pub(crate) type Changed = (u64, [u8; 32]);

impl Slots {
    /// Without an org. `blind` makes the hashes of empty subtrees.
    pub(crate) fn new(blind: [u8; 32]) -> Self {
        Self { blind, leaves: BTreeMap::new(), known: HashMap::new() }
    }

    /// Sets heads, and gives the root.
    pub(crate) fn set(&mut self, heads: impl IntoIterator<Item = Changed>) -> Hash {
        for (slot, head) in heads {
            self.leaves.insert(slot, Hash::of_leaf(&head));
            for height in 0..=HEIGHT {
                self.known.remove(&(height, above(slot, height)));
            }
        }
        self.node(HEIGHT, 0)
    }

    /// What leads from a slot to the root: 64 hashes, from its sibling upwards.
    pub(crate) fn path(&mut self, slot: u64) -> Vec<Hash> {
        (0..HEIGHT).map(|height| self.node(height, above(slot, height) ^ 1)).collect()
    }

    fn node(&mut self, height: u8, index: u64) -> Hash {
        if let Some(known) = self.known.get(&(height, index)) {
            return *known;
        }
        let mut below = self.leaves.range(first(height, index)..=last(height, index));
        let hash = match (below.next(), below.next()) {
            (None, _) => return self.empty(height, index),
            (Some((slot, leaf)), None) => self.alone(*slot, *leaf, height),
            (Some(_), Some(_)) => {
                // Two of them have more than one slot.
                let (below, left) = (height.saturating_sub(1), index << 1);
                let left_hash = self.node(below, left);
                Hash::of_node(&left_hash, &self.node(below, left | 1))
            }
        };
        self.known.insert((height, index), hash);
        hash
    }

    /// The subtree of this height that holds one head.
    fn alone(&self, slot: u64, leaf: Hash, height: u8) -> Hash {
        (0..height).fold(leaf, |hash, at| {
            let index = above(slot, at);
            let sibling = self.empty(at, index ^ 1);
            if index & 1 == 0 {
                Hash::of_node(&hash, &sibling)
            } else {
                Hash::of_node(&sibling, &hash)
            }
        })
    }

    fn empty(&self, height: u8, index: u64) -> Hash {
        Hash(sha256([&self.blind[..], &[height], &index.to_be_bytes()]))
    }
}

/// The index at this height of what is above a slot.
fn above(slot: u64, height: u8) -> u64 {
    slot.checked_shr(height.into()).unwrap_or(0)
}

fn first(height: u8, index: u64) -> u64 {
    index.checked_shl(height.into()).unwrap_or(0)
}

fn last(height: u8, index: u64) -> u64 {
    first(height, index) | 1_u64.checked_shl(height.into()).map_or(u64::MAX, |width| width - 1)
}

fn sha256<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a head and its path lead, by the words of `record-format.md`.
    fn climbed(slot: u64, head: &[u8; 32], path: &[Hash]) -> Hash {
        (0..64).zip(path).fold(Hash::of_leaf(head), |hash, (height, sibling)| {
            if slot >> height & 1 == 0 {
                Hash::of_node(&hash, sibling)
            } else {
                Hash::of_node(sibling, &hash)
            }
        })
    }

    fn changed(from: u64, to: u64) -> Vec<Changed> {
        let one = |at: u64| {
            let hash = sha256([&at.to_be_bytes()]);
            (u64::from_be_bytes(hash[..8].try_into().unwrap()), hash)
        };
        (from..to).map(one).collect()
    }

    #[test]
    fn every_head_leads_to_the_root_however_the_tree_came_to_be() {
        let all = [changed(0, 300), vec![(0, [1; 32]), (1, [2; 32]), (u64::MAX, [3; 32])]].concat();
        let mut at_once = Slots::new([9; 32]);
        let root = at_once.set(all.clone());
        let mut one_by_one = Slots::new([9; 32]);
        let mut last = None;
        for (slot, head) in &all {
            one_by_one.set([(*slot, [7; 32])]);
            last = Some(one_by_one.set([(*slot, *head)]));
        }
        assert_eq!(last, Some(root));
        for (slot, head) in &all {
            let path = at_once.path(*slot);
            assert_eq!(path.len(), 64);
            assert_eq!(climbed(*slot, head, &path), root);
            assert_eq!(path, one_by_one.path(*slot));
        }
    }

    #[test]
    fn another_head_changes_only_hashes_that_stand_above_it() {
        let mut slots = Slots::new([9; 32]);
        let (ours, theirs) = (1_u64 << 63, 3_u64);
        slots.set([(ours, [1; 32]), (theirs, [2; 32])]);
        let before = slots.path(ours);
        slots.set([(theirs, [4; 32])]);
        let after = slots.path(ours);
        let differs = |at: &usize| before[*at] != after[*at];
        assert_eq!((0..64).filter(differs).collect::<Vec<_>>(), [63], "where both paths meet");
    }

    #[test]
    fn nobody_sees_whether_a_slot_is_empty() {
        // The same org beside nobody, and beside another key's nobody.
        let mut one = Slots::new([9; 32]);
        let mut other = Slots::new([8; 32]);
        one.set([(5, [1; 32])]);
        other.set([(5, [1; 32])]);
        let (one, other) = (one.path(5), other.path(5));
        assert!(one.iter().zip(&other).all(|(one, other)| one != other));
        let mut seen = one.clone();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 64, "no two empty subtrees are alike");
    }

    #[test]
    fn a_head_among_a_hundred_thousand_is_changed_by_few_hashes() {
        let mut slots = Slots::new([9; 32]);
        slots.set(changed(0, 100_000));
        let known = slots.known.len();
        assert!(known < 400_000, "{known}");
        let (slot, _) = changed(77, 78)[0];
        slots.leaves.insert(slot, Hash::of_leaf(&[1; 32]));
        for height in 0..=HEIGHT {
            slots.known.remove(&(height, above(slot, height)));
        }
        let forgotten = known - slots.known.len();
        assert!(forgotten < 40, "{forgotten} hashes are made again");
    }
}
