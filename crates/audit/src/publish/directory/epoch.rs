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
