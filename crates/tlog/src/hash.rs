//! The two hashes of RFC 6962.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a SHA-256.
pub const HASH_BYTES: usize = 32;
/// Bytes of its base64.
const BASE64_BYTES: usize = 44;
/// What begins the hash of an entry: a leaf can never be taken for a node.
const LEAF: [u8; 1] = [0];
/// What begins the hash of two hashes.
const NODE: [u8; 1] = [1];

/// A hash of a leaf, of a node or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_BYTES]);

/// Not the base64 of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the base64 of a SHA-256")]
pub struct NotAHash;

impl Hash {
    /// The root of a tree without leaves: the hash of nothing.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The hash of an entry.
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self::of([&LEAF, entry])
    }

    /// The hash of the node above two others.
    pub fn of_node(left: &Self, right: &Self) -> Self {
        Self::of([&NODE, &left.0, &right.0])
    }

    /// The SHA-256 of these, one after another.
    pub(crate) fn of<const N: usize>(parts: [&[u8]; N]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// Reads canonical base64, with its padding.
    pub fn from_base64(text: &str) -> Result<Self, NotAHash> {
        if text.len() != BASE64_BYTES {
            return Err(NotAHash);
        }
        let bytes = STANDARD.decode(text).map_err(|_| NotAHash)?;
        bytes.try_into().map(Self).map_err(|_| NotAHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(hex: &str) -> Hash {
        let byte = |at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal");
        Hash(std::array::from_fn(byte))
    }

    #[test]
    fn leaves_and_nodes_hash_as_rfc_6962_says() {
        // The vectors of the reference implementation of Certificate Transparency.
        assert_eq!(Hash::of([]), Hash::EMPTY);
        for (entry, expected) in [
            (&b""[..], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (b"L123456", "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"),
        ] {
            assert_eq!(Hash::of_leaf(entry), hash(expected));
        }
        let node = hash("aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
        assert_eq!(Hash::of([&[1][..], b"N123", b"N456"]), node);
        // The eight entries of its tests, and the roots of the trees that they grow.
        let entries: [&[u8]; 8] = [
            &[],
            &[0],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = crate::Frontier::new();
        for (entry, root) in entries.into_iter().zip(roots) {
            frontier.append(Hash::of_leaf(entry), |_, _| ()).expect("room");
            assert_eq!(frontier.root(), hash(root));
        }
    }

    #[test]
    fn a_hash_is_read_from_its_one_base64_alone() {
        let hash = Hash::of_leaf(b"one");
        let text = hash.to_string();
        assert_eq!(Hash::from_base64(&text), Ok(hash));
        for wrong in [
            "",
            text.trim_end_matches('='),
            &format!("{text}="),
            &format!(" {text}"),
            // The last digit has two bits that carry nothing: they must be zero.
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
            "_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ] {
            assert_eq!(Hash::from_base64(wrong), Err(NotAHash), "{wrong}");
        }
    }
}
