//! What is committed to, and how.

use aws_lc_rs::digest;

/// A part of an event with a key, and so a fate, of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    Core,
    Subject,
    Payload,
}

/// Bytes of a commitment.
const COMMITMENT_LEN: usize = 32;
/// What every entry of this codec begins with.
const VERSION: &[u8; 8] = b"audit/v1";
/// Bytes of an entry.
pub(crate) const ENTRY_LEN: usize = VERSION.len() + Class::ALL.len() * COMMITMENT_LEN;

/// What stands in the tree for an event.
pub(crate) type Entry = [u8; ENTRY_LEN];

impl Class {
    /// In the order in which an entry holds them.
    pub(crate) const ALL: [Self; 3] = [Self::Core, Self::Subject, Self::Payload];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Subject => "subject",
            Self::Payload => "payload",
        }
    }

    /// Stands in front of what is hashed, so that no class passes for another.
    pub(crate) const fn label(self) -> &'static [u8] {
        match self {
            Self::Core => b"audit/v1 core\n",
            Self::Subject => b"audit/v1 subject\n",
            Self::Payload => b"audit/v1 payload\n",
        }
    }
}

/// The commitment to the canonical JSON of a class under its salt.
pub(crate) fn commitment(class: Class, salt: &[u8; 32], json: &[u8]) -> [u8; COMMITMENT_LEN] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(class.label());
    hash.update(salt);
    hash.update(json);
    let mut commitment = [0; COMMITMENT_LEN];
    commitment.copy_from_slice(hash.finish().as_ref());
    commitment
}

/// What stands in the tree.
pub(crate) fn entry(commitments: [[u8; COMMITMENT_LEN]; 3]) -> [u8; ENTRY_LEN] {
    let mut entry = [0; ENTRY_LEN];
    let (version, rest) = entry.split_at_mut(VERSION.len());
    version.copy_from_slice(VERSION);
    for (place, commitment) in rest.chunks_exact_mut(COMMITMENT_LEN).zip(commitments) {
        place.copy_from_slice(&commitment);
    }
    entry
}

/// Whether an entry is one of this codec.
pub(crate) fn is_entry(entry: &[u8; ENTRY_LEN]) -> bool {
    entry.starts_with(VERSION)
}

/// The commitments of an entry.
pub(crate) fn commitments(entry: &[u8; ENTRY_LEN]) -> [[u8; COMMITMENT_LEN]; 3] {
    let mut commitments = [[0; COMMITMENT_LEN]; 3];
    let (_, rest) = entry.split_at(VERSION.len());
    for (place, bytes) in commitments.iter_mut().zip(rest.chunks_exact(COMMITMENT_LEN)) {
        place.copy_from_slice(bytes);
    }
    commitments
}
