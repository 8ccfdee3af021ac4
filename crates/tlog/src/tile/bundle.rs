//! The entries themselves, 256 to a file.

use super::{Malformed, TILE_WIDTH, Tile, path};

/// Bytes of the longest entry: its length is written in two.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Which bundle: its place, and how many entries it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    index: u64,
    width: u16,
}

impl Bundle {
    /// The bundle of this place with the first `width` of its entries.
    pub fn new(index: u64, width: u16) -> Result<Self, Malformed> {
        Tile::new(0, index, width).map(Self::beside)
    }

    /// The bundle of the entries whose hashes this tile of level 0 has.
    pub(super) fn beside(tile: Tile) -> Self {
        Self { index: tile.index, width: tile.width }
    }

    /// The bundle of this place as a tree of `size` leaves has it.
    pub fn within(index: u64, size: u64) -> Option<Self> {
        Tile::within(0, index, size).map(Self::beside)
    }

    /// Its place, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many entries it has, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it never grows any more.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// `tile/entries/<N>`, with `.p/<W>` if it is partial.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", path::place(self.index, self.width))
    }

    /// Reads such a path; each bundle has one.
    pub fn from_path(text: &str) -> Result<Self, Malformed> {
        let place = text.strip_prefix("tile/entries/").ok_or(Malformed::Path)?;
        let (index, width) = path::read_place(place)?;
        let bundle = Self::new(index, width)?;
        if bundle.path() == text { Ok(bundle) } else { Err(Malformed::Path) }
    }

    /// Its bytes: each entry after its length, the high byte first.
    pub fn encode<E: AsRef<[u8]>>(&self, entries: &[E]) -> Result<Vec<u8>, Malformed> {
        if entries.len() != usize::from(self.width) {
            return Err(Malformed::Entries);
        }
        let mut bytes = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            let length = u16::try_from(entry.len()).map_err(|_| Malformed::EntryTooLong)?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        Ok(bytes)
    }

    /// Its entries: as many as its width, and not a byte more.
    pub fn decode<'a>(&self, mut bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, Malformed> {
        let mut entries = Vec::with_capacity(usize::from(self.width));
        for _ in 0..self.width {
            let (length, rest) = bytes.split_first_chunk().ok_or(Malformed::Entries)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, rest) = rest.split_at_checked(length).ok_or(Malformed::Entries)?;
            entries.push(entry);
            bytes = rest;
        }
        if bytes.is_empty() { Ok(entries) } else { Err(Malformed::Entries) }
    }
}
