//! What stands in the log of the directory for an epoch.

use base::time::At;
use tlog::Hash;

/// What each begins with.
const VERSION: &[u8; 12] = b"directory/v1";
/// Bytes of an entry: its version, its time, and the root of the slots.
const LEN: usize = VERSION.len() + 8 + 32;

/// An entry of the directory's log. Its index is the number of the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch([u8; LEN]);

impl Epoch {
    /// Of this instant and this root.
    pub(crate) fn new(at: At, root: &Hash) -> Self {
        let mut entry = [0; LEN];
        let (version, rest) = entry.split_at_mut(VERSION.len());
        let (time, place) = rest.split_at_mut(8);
        version.copy_from_slice(VERSION);
        time.copy_from_slice(&at.as_microsecond().to_be_bytes());
        place.copy_from_slice(&root.0);
        Self(entry)
    }

    /// Reads one.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let entry = Self(bytes.try_into().ok()?);
        (entry.0.starts_with(VERSION) && entry.at().is_some()).then_some(entry)
    }

    /// When it was closed.
    pub(crate) fn at(&self) -> Option<At> {
        let (_, rest) = self.0.split_at(VERSION.len());
        let (time, _) = rest.split_first_chunk()?;
        At::from_microsecond(i64::from_be_bytes(*time)).ok()
    }

    /// Whether this is the root that it bears.
    pub(crate) fn is_of(&self, root: &Hash) -> bool {
        self.0.ends_with(&root.0)
    }
}

impl AsRef<[u8]> for Epoch {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::slots::{head, slot};
    use super::*;

    const VECTORS: &str = include_str!("../../../../../docs/use/directory-vectors.json");

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    #[test]
    fn the_directory_is_what_its_published_vectors_say() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let told = |name: &str| vectors[name].as_str().unwrap();
        let slot = slot(&told("org").parse().unwrap());
        assert_eq!(format!("{slot:016x}"), told("slot"));
        let salt: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(hex(&salt), told("salt"));
        let head = head(&salt, told("checkpoint"));
        assert_eq!(hex(&head), told("head"));
        let sibling = |height: u32| {
            let text = format!("sibling {height}");
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
            Hash(hash.as_ref().try_into().unwrap())
        };
        let root = (0..64).fold(Hash::of_leaf(&head), |hash, height| {
            if slot >> height & 1 == 0 {
                Hash::of_node(&hash, &sibling(height))
            } else {
                Hash::of_node(&sibling(height), &hash)
            }
        });
        assert_eq!(root.to_string(), told("root"));
        let epoch = Epoch::new(told("at").parse().unwrap(), &root);
        assert_eq!(hex(epoch.as_ref()), told("entry"));
        assert_eq!(Hash::of_leaf(epoch.as_ref()).to_string(), told("leaf"));
        assert_eq!(Epoch::read(epoch.as_ref()), Some(epoch.clone()));
        assert!(epoch.is_of(&root));
        assert_eq!(epoch.at().unwrap().to_string(), told("at"));
        assert_eq!(Epoch::read(&epoch.as_ref()[1..]), None);
    }
}
