//! Hashes of the tree, as RFC 6962 says.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hash(pub(crate) [u8; 32]);

impl Hash {
    /// Of these bytes, one behind the other.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The root of the tree without entries.
    pub(crate) fn of_nothing() -> Self {
        Self::of(&[])
    }

    /// Of an entry.
    pub(crate) fn leaf(entry: &[u8]) -> Self {
        Self::of(&[&[0], entry])
    }

    /// Of two subtrees.
    pub(crate) fn node(left: &Self, right: &Self) -> Self {
        Self::of(&[&[1], &left.0, &right.0])
    }

    /// Of a perfect subtree, from the hashes at its foot; nothing unless they are a power of two.
    pub(crate) fn perfect(mut row: Vec<Self>) -> Option<Self> {
        if !row.len().is_power_of_two() {
            return None;
        }
        while row.len() > 1 {
            row = row
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[left, right]| Self::node(left, right))
                .collect();
        }
        row.pop()
    }

    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(text).ok()?.try_into().ok()?))
    }

    /// Enough of it to tell two entries apart.
    pub(crate) fn short(&self) -> [u8; 16] {
        let mut short = [0; 16];
        for (place, byte) in short.iter_mut().zip(self.0) {
            *place = byte;
        }
        short
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Thirty-two bytes from 64 lower-case hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() {
        return None;
    }
    for (place, [high, low]) in bytes.iter_mut().zip(pairs) {
        *place = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
