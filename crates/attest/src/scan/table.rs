//! What begins where: two bytes say for almost every place that nothing does.

use std::sync::LazyLock;

use super::writing::Writing;

/// Something that a scan stops at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The mark of a word.
    Word(Writing),
    /// The first bytes of something packed.
    Packed(Format),
}

/// How bytes may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// Deflated, in an archive of ZIP.
    Zip,
    /// RFC 8878.
    Zstd,
    /// Something packed, written in base64.
    Base64,
    /// Something packed, written in hexadecimal digits.
    Hex,
}

impl Format {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
            Self::Base64 => "packed in base64",
            Self::Hex => "packed in hex",
        }
    }

    /// What it begins with: of zlib, the four that everybody writes.
    const BEGINNINGS: [(Self, &'static [u8]); 12] = [
        (Self::Gzip, &[0x1f, 0x8b, 8]),
        (Self::Zlib, &[0x78, 0x01]),
        (Self::Zlib, &[0x78, 0x5e]),
        (Self::Zlib, &[0x78, 0x9c]),
        (Self::Zlib, &[0x78, 0xda]),
        (Self::Zip, b"PK\x03\x04"),
        (Self::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
        (Self::Base64, b"H4sI"),
        (Self::Base64, b"KLUv"),
        (Self::Hex, b"1f8b08"),
        (Self::Hex, b"28b52ffd"),
        (Self::Hex, b"1F8B08"),
    ];
}

/// All marks, by their first two bytes.
pub(super) struct Table {
    marks: Vec<(Mark, Vec<u8>)>,
    /// A bit for each mark.
    by_start: Vec<u32>,
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    /// The one that there is: it depends on nothing.
    pub(super) fn get() -> &'static Self {
        &TABLE
    }

    fn new() -> Self {
        let words = Writing::ALL.map(|writing| (Mark::Word(writing), writing.needle()));
        let packed = Format::BEGINNINGS.map(|(format, start)| (Mark::Packed(format), start.into()));
        let marks: Vec<_> = words.into_iter().chain(packed).collect();
        let mut by_start = vec![0; 1 << 16];
        for (bit, (_, start)) in marks.iter().enumerate() {
            if let [first, second, ..] = start.as_slice()
                && let Some(bits) = by_start.get_mut(place(*first, *second))
            {
                *bits |= 1 << bit;
            }
        }
        Self { marks, by_start }
    }

    /// What begins at the start of these bytes, and how long its mark is.
    pub(super) fn at<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (Mark, usize)> + 'a {
        let bits = match bytes {
            [first, second, ..] => self.by_start.get(place(*first, *second)).copied(),
            _ => None,
        };
        let mut left = bits.unwrap_or_default();
        std::iter::from_fn(move || {
            while left != 0 {
                let bit = usize::try_from(left.trailing_zeros()).ok()?;
                left &= left - 1;
                let (mark, start) = self.marks.get(bit)?;
                if bytes.starts_with(start) {
                    return Some((*mark, start.len()));
                }
            }
            None
        })
    }

    /// Whether anything may begin with these two.
    pub(super) fn may(&self, first: u8, second: u8) -> bool {
        self.by_start.get(place(first, second)).is_some_and(|bits| *bits != 0)
    }
}

fn place(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}
