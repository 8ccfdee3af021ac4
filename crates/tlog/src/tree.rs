//! The shape of a tree, without its hashes: which nodes there are, and which a proof needs.

/// Leaves of the largest tree: what a proof of 63 hashes reaches, and a `BIGINT` holds.
pub const SIZE_MAX: u64 = (1 << 63) - 1;
/// Hashes of the longest proof.
pub const PATH_MAX: usize = 63;

/// A complete subtree: `2^level` leaves, and it is the `index`-th of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// 0 is a leaf.
    pub level: u8,
    /// Counted from the left, from 0.
    pub index: u64,
}

impl Node {
    /// The node above.
    pub(crate) fn parent(self) -> Self {
        Self { level: self.level.saturating_add(1), index: self.index >> 1 }
    }
}

/// The leaves `start..end`, as a subtree: complete, or cut off by the end of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Range {
    /// The complete subtrees that it consists of, from the left.
    pub(crate) fn nodes(self) -> impl DoubleEndedIterator<Item = Node> {
        // `start` is a multiple of every power of two that fits, so the set bits of the length
        // name the subtrees, the largest first.
        let length = self.end.saturating_sub(self.start);
        (0..64u8).rev().filter(move |level| length >> level & 1 == 1).map(move |level| {
            let above = length.checked_shr(u32::from(level) + 1).unwrap_or_default();
            Node { level, index: (self.start >> level) + (above << 1) }
        })
    }

    /// Leaves left of where RFC 6962 divides it: the largest power of two below its length.
    fn split(self) -> Option<u64> {
        let length = self.end.checked_sub(self.start)?;
        if length < 2 { None } else { Some(1 << (length - 1).ilog2()) }
    }
}

/// What an inclusion proof consists of, from the leaf upwards. Needs `index < size`.
pub(crate) fn inclusion(index: u64, size: u64) -> Vec<Range> {
    let mut around = Range { start: 0, end: size };
    let mut path = Vec::new();
    while let Some(left) = around.split() {
        let middle = around.start + left;
        let (lower, upper) = (Range { end: middle, ..around }, Range { start: middle, ..around });
        if index < middle {
            path.push(upper);
            around = lower;
        } else {
            path.push(lower);
            around = upper;
        }
    }
    path.reverse();
    path
}

/// What a consistency proof consists of. Needs `0 < old < new`.
pub(crate) fn consistency(old: u64, new: u64) -> Vec<Range> {
    let mut around = Range { start: 0, end: new };
    let mut path = Vec::new();
    while around.end != old {
        let Some(left) = around.split() else { break };
        let middle = around.start + left;
        let (lower, upper) = (Range { end: middle, ..around }, Range { start: middle, ..around });
        if old <= middle {
            path.push(upper);
            around = lower;
        } else {
            path.push(lower);
            around = upper;
        }
    }
    // Of the old tree as a whole the verifier has the hash already.
    if around.start != 0 {
        path.push(around);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(ranges: &[Range]) -> Vec<(u64, u64)> {
        ranges.iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn proofs_consist_of_what_the_examples_of_rfc_6962_say() {
        // Section 2.1.3, the tree of seven leaves.
        assert_eq!(spans(&inclusion(0, 7)), [(1, 2), (2, 4), (4, 7)]);
        assert_eq!(spans(&inclusion(3, 7)), [(2, 3), (0, 2), (4, 7)]);
        assert_eq!(spans(&inclusion(4, 7)), [(5, 6), (6, 7), (0, 4)]);
        assert_eq!(spans(&inclusion(6, 7)), [(4, 6), (0, 4)]);
        assert_eq!(spans(&consistency(3, 7)), [(2, 3), (3, 4), (0, 2), (4, 7)]);
        assert_eq!(spans(&consistency(4, 7)), [(4, 7)]);
        assert_eq!(spans(&consistency(6, 7)), [(4, 6), (6, 7), (0, 4)]);
    }

    #[test]
    fn a_cut_off_subtree_consists_of_complete_ones() {
        let nodes: Vec<Node> = Range { start: 8, end: 15 }.nodes().collect();
        let expected = [(2, 2), (1, 6), (0, 14)].map(|(level, index)| Node { level, index });
        assert_eq!(nodes, expected);
        let all: Vec<Node> = Range { start: 0, end: SIZE_MAX }.nodes().collect();
        assert_eq!(all.len(), PATH_MAX);
        assert_eq!(all.last(), Some(&Node { level: 0, index: SIZE_MAX - 1 }));
    }
}
