//! The right edge of a tree: all that is needed to append to it and to know its root.

use crate::hash::{HASH_BYTES, Hash};
use crate::tree::{Node, PATH_MAX, Range, SIZE_MAX};

/// Bytes of the size before the hashes.
const SIZE_BYTES: usize = 8;
/// Bytes of the largest frontier.
pub const FRONTIER_BYTES_MAX: usize = SIZE_BYTES + PATH_MAX * HASH_BYTES;

/// A size, and the hash of each of the complete subtrees that a tree of this size consists
/// of: one for each bit set in the size, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

/// The tree has as many leaves as a tree may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree is full")]
pub struct Full;

/// These bytes are no frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than a size.
    #[error("a frontier begins with a size of eight bytes")]
    NoSize,
    /// A size that no tree has.
    #[error("a frontier of 2^63 leaves or more")]
    TooLarge,
    /// Not one hash for each bit set in the size.
    #[error("a frontier of this size has {expected} bytes, not {found}")]
    #[expect(missing_docs, reason = "the words say it")]
    Length { expected: usize, found: usize },
}

impl Frontier {
    /// Of a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of these hashes; the caller has one for each bit of the size.
    pub(crate) fn of(size: u64, edge: Vec<Hash>) -> Self {
        Self { size, edge }
    }

    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and gives its index. Tells `complete` of every node that is complete from
    /// now on, from the leaf upwards: two on average, so that a tile can be written when its
    /// last hash is there (see [`Slot::of`](crate::tile::Slot::of)).
    pub fn append(
        &mut self,
        leaf: Hash,
        mut complete: impl FnMut(Node, Hash),
    ) -> Result<u64, Full> {
        if self.size >= SIZE_MAX {
            return Err(Full);
        }
        let index = self.size;
        let (mut node, mut hash) = (Node { level: 0, index }, leaf);
        complete(node, hash);
        while node.index & 1 == 1 {
            // The bit is set in the size, so its subtree is on the edge.
            let Some(left) = self.edge.pop() else { break };
            hash = Hash::of_node(&left, &hash);
            node = node.parent();
            complete(node, hash);
        }
        self.edge.push(hash);
        self.size += 1;
        Ok(index)
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let from_the_right = self.edge.iter().rev().copied();
        from_the_right.reduce(|right, left| Hash::of_node(&left, &right)).unwrap_or(Hash::EMPTY)
    }

    /// The subtrees on the edge, the largest first.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (Node, Hash)> {
        let nodes: Vec<Node> = Range { start: 0, end: self.size }.nodes().collect();
        nodes.into_iter().zip(self.edge.iter().copied())
    }

    /// The size in eight bytes, the high one first, and the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIZE_BYTES + self.edge.len() * HASH_BYTES);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for hash in &self.edge {
            bytes.extend_from_slice(&hash.0);
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let (size, hashes) = bytes.split_first_chunk().ok_or(Malformed::NoSize)?;
        let size = u64::from_be_bytes(*size);
        if size > SIZE_MAX {
            return Err(Malformed::TooLarge);
        }
        let set = (0..64).filter(|bit| size >> bit & 1 == 1).count();
        let expected = SIZE_BYTES + set * HASH_BYTES;
        if bytes.len() != expected {
            return Err(Malformed::Length { expected, found: bytes.len() });
        }
        let (hashes, _) = hashes.as_chunks();
        Ok(Self { size, edge: hashes.iter().copied().map(Hash).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frontier_is_kept_in_few_bytes_and_only_its_own_bytes_are_read() {
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root(), Hash::EMPTY);
        for index in 0..300u32 {
            let bytes = frontier.to_bytes();
            assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier.clone()));
            assert!(bytes.len() <= FRONTIER_BYTES_MAX);
            assert!(Frontier::from_bytes(bytes.get(1..).unwrap_or_default()).is_err());
            assert!(Frontier::from_bytes(&[&bytes[..], &[0; HASH_BYTES]].concat()).is_err());
            let appended = frontier.append(Hash::of_leaf(&index.to_be_bytes()), |_, _| ());
            assert_eq!(appended, Ok(u64::from(index)));
        }
        assert_eq!(Frontier::from_bytes(&[0xff; 8]), Err(Malformed::TooLarge));
        assert_eq!(Frontier::from_bytes(&[]), Err(Malformed::NoSize));
    }

    #[test]
    fn a_full_tree_refuses_a_leaf() {
        let mut bytes = SIZE_MAX.to_be_bytes().to_vec();
        bytes.extend_from_slice(&[7; PATH_MAX * HASH_BYTES]);
        let mut full = Frontier::from_bytes(&bytes).expect("a frontier");
        assert_eq!(full.append(Hash::EMPTY, |_, _| ()), Err(Full));
        assert_eq!(full.to_bytes(), bytes);
    }

    #[test]
    fn appending_costs_two_hashes_on_average_and_names_each_complete_node_once() {
        let mut frontier = Frontier::new();
        let mut seen = Vec::new();
        for _ in 0..1024 {
            frontier.append(Hash::EMPTY, |node, _| seen.push(node)).expect("room");
        }
        assert_eq!(seen.len(), 2047);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 2047);
        assert_eq!(frontier.nodes().map(|(node, _)| node.level).collect::<Vec<_>>(), [10]);
    }
}
