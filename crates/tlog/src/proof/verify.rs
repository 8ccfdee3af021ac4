//! Verification, as RFC 9162 writes it.

use crate::hash::Hash;
use crate::tree::{PATH_MAX, SIZE_MAX};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A tree of 2^63 leaves or more.
    #[error("no tree has so many leaves")]
    TooLarge,
    /// The tree ends before the entry.
    #[error("the index is not below the size of the tree")]
    IndexBeyondSize,
    /// The tree became smaller.
    #[error("the new tree is smaller than the old one")]
    Shrunk,
    /// More or fewer hashes than the sizes call for.
    #[error("the proof does not have as many hashes as it must")]
    PathLength,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    RootDiffers,
    /// It leads to another root of the old tree.
    #[error("the proof leads to another root of the old tree")]
    OldRootDiffers,
}

/// The root to which a leaf and its path lead (RFC 9162, section 2.1.3.2).
pub fn root_of(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, Refused> {
    if size > SIZE_MAX {
        return Err(Refused::TooLarge);
    }
    if index >= size {
        return Err(Refused::IndexBeyondSize);
    }
    if path.len() > PATH_MAX {
        return Err(Refused::PathLength);
    }
    let (mut node, mut last, mut root) = (index, size - 1, *leaf);
    for hash in path {
        if last == 0 {
            return Err(Refused::PathLength);
        }
        if node & 1 == 1 || node == last {
            root = Hash::of_node(hash, &root);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            root = Hash::of_node(&root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 { Ok(root) } else { Err(Refused::PathLength) }
}

/// That the leaf is in the tree of this size and root, at this index.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), Refused> {
    if root_of(leaf, index, size, path)? == *root { Ok(()) } else { Err(Refused::RootDiffers) }
}

/// That the new tree begins with the old one (RFC 9162, section 2.1.4.2). Trees are told as
/// their size and their root.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    path: &[Hash],
) -> Result<(), Refused> {
    if new > SIZE_MAX {
        return Err(Refused::TooLarge);
    }
    if old > new {
        return Err(Refused::Shrunk);
    }
    if old == 0 && *old_root != Hash::EMPTY {
        return Err(Refused::OldRootDiffers);
    }
    if new == 0 && *new_root != Hash::EMPTY {
        return Err(Refused::RootDiffers);
    }
    if old == 0 || old == new {
        return match path {
            [] if old == new && old_root != new_root => Err(Refused::RootDiffers),
            [] => Ok(()),
            _ => Err(Refused::PathLength),
        };
    }
    if path.len() > PATH_MAX {
        return Err(Refused::PathLength);
    }
    // A complete old tree is itself the first node; its hash is not sent.
    let (first, path) = match path {
        [] => return Err(Refused::PathLength),
        all if old.is_power_of_two() => (old_root, all),
        [first, rest @ ..] => (first, rest),
    };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut old_found, mut new_found) = (*first, *first);
    for hash in path {
        if last == 0 {
            return Err(Refused::PathLength);
        }
        if node & 1 == 1 || node == last {
            old_found = Hash::of_node(hash, &old_found);
            new_found = Hash::of_node(hash, &new_found);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new_found = Hash::of_node(&new_found, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(Refused::PathLength);
    }
    if old_found != *old_root {
        return Err(Refused::OldRootDiffers);
    }
    if new_found == *new_root { Ok(()) } else { Err(Refused::RootDiffers) }
}
