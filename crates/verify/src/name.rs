//! What the files of a bundle are called.

use std::fmt;

/// Entries of a whole bundle, and hashes of a whole tile.
pub(crate) const WIDTH: u64 = 256;
/// Levels of tiles at most.
const LEVELS: u8 = 8;

/// A file of a bundle. There is no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Manifest,
    Checkpoint,
    Directory,
    Keys,
    Openings,
    Policy,
    Page,
    Entries(Part),
    Tile(u8, Part),
}

/// Which tile of its level, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) index: u64,
    pub(crate) width: u64,
}

impl Part {
    /// The tile as a tree of this size has it, if it has.
    pub(crate) fn of(size: u64, level: u8, index: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let width = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0).then_some(Self { index, width })
    }

    fn parse(text: &str) -> Option<Self> {
        let (index, width) = match text.rsplit_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (text, WIDTH),
        };
        let index = index.split('/').try_fold(0u64, |sum, part| {
            let digits = part.strip_prefix('x').unwrap_or(part);
            sum.checked_mul(1000)?.checked_add(digits.parse().ok()?)
        })?;
        Some(Self { index, width })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.index;
        let mut path = format!("{:03}", left % 1000);
        while left >= 1000 {
            left /= 1000;
            path = format!("x{:03}/{path}", left % 1000);
        }
        f.write_str(&path)?;
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl Name {
    /// Each file has one name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = match text {
            "manifest.json" => Self::Manifest,
            "checkpoint" => Self::Checkpoint,
            "directory.json" => Self::Directory,
            "keys.json" => Self::Keys,
            "openings.jsonl" => Self::Openings,
            "policy.txt" => Self::Policy,
            "verify.html" => Self::Page,
            _ => {
                let (level, part) = text.strip_prefix("tile/")?.split_once('/')?;
                let part = Part::parse(part)?;
                if level == "entries" {
                    Self::Entries(part)
                } else {
                    Self::Tile(level.parse().ok().filter(|level| *level < LEVELS)?, part)
                }
            }
        };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("manifest.json"),
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Directory => f.write_str("directory.json"),
            Self::Keys => f.write_str("keys.json"),
            Self::Openings => f.write_str("openings.jsonl"),
            Self::Policy => f.write_str("policy.txt"),
            Self::Page => f.write_str("verify.html"),
            Self::Entries(part) => write!(f, "tile/entries/{part}"),
            Self::Tile(level, part) => write!(f, "tile/{level}/{part}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, Part};

    #[test]
    fn names_are_those_of_the_specification() {
        let name = Name::parse("tile/0/x001/x234/067");
        assert_eq!(name, Some(Name::Tile(0, Part { index: 1_234_067, width: 256 })));
        let name = Name::parse("tile/entries/000.p/7");
        assert_eq!(name, Some(Name::Entries(Part { index: 0, width: 7 })));
        for text in [
            "",
            "tile/0/1",
            "tile/00/001",
            "tile/9/001",
            "tile/0/x000/001",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/+01",
            "tile/entries/../001",
            "manifest.json/",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_are_as_wide_as_the_tree_makes_them() {
        // The example of C2SP.
        let width = |level, index| Part::of(70_000, level, index).map(|part| part.width);
        assert_eq!([width(0, 272), width(0, 273), width(0, 274)], [Some(256), Some(112), None]);
        assert_eq!([width(1, 0), width(1, 1), width(2, 0)], [Some(256), Some(17), Some(1)]);
        assert_eq!(width(3, 0), None);
    }
}
