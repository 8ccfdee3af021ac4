//! The files of a bundle.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use crate::archive::{Archive, Member, Reading};
use crate::fault::{Fault, FaultKind};
use crate::manifest::Manifest;
use crate::name::{Name, Part, WIDTH};
use crate::unreadable::Unreadable;

/// Why judging ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Fault(Fault),
    Unreadable(Unreadable),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// An open bundle.
pub(crate) struct Bundle<R> {
    archive: Archive<R>,
    files: BTreeMap<Name, Member>,
}

impl<R: Read + Seek> Bundle<R> {
    /// Reads what there is.
    pub(crate) fn open(source: R) -> Result<Self, Stop> {
        let (archive, members) = Archive::open(source)?;
        let mut files = BTreeMap::new();
        for (text, member) in members {
            let name = Name::parse(&text).ok_or_else(|| {
                FaultKind::FileUnexpected.because(format!("a bundle has no file `{text}`"))
            })?;
            if files.insert(name, member).is_some() {
                return Err(FaultKind::FileTwice.because(format!("{name} is there twice")).into());
            }
        }
        Ok(Self { archive, files })
    }

    /// That there are no files but those of a bundle of these entries.
    pub(crate) fn expects(&self, manifest: &Manifest) -> Result<(), Fault> {
        let bundles = bundles(manifest);
        for name in self.files.keys() {
            let (level, part) = match name {
                Name::Entries(part) if bundles.contains(&part.index) => (0, part),
                Name::Tile(level, part) => (*level, part),
                Name::Entries(_) => return Err(misplaced(*name)),
                Name::Manifest
                | Name::Checkpoint
                | Name::Directory
                | Name::Keys
                | Name::Openings
                | Name::Policy
                | Name::Page => continue,
            };
            if Part::of(manifest.size, level, part.index) != Some(*part) {
                return Err(misplaced(*name));
            }
        }
        Ok(())
    }

    /// The content of a small file, which must be there.
    pub(crate) fn whole(&self, name: Name, bytes_max: u64) -> Result<Vec<u8>, Stop> {
        self.optional(name, bytes_max)?.ok_or_else(|| missing(name).into())
    }

    /// The content of a small file, if it is there.
    pub(crate) fn optional(&self, name: Name, bytes_max: u64) -> Result<Option<Vec<u8>>, Stop> {
        let Some(member) = self.files.get(&name) else { return Ok(None) };
        if member.bytes > bytes_max {
            let words = format!("{name} has more than {bytes_max} bytes");
            return Err(FaultKind::FileTooLarge.because(words).into());
        }
        let mut bytes = Vec::new();
        let mut reading = self.stream(name)?;
        // It ends by itself where the directory says, or fails.
        reading.read_to_end(&mut bytes).map_err(|cause| failed(name, cause))?;
        Ok(Some(bytes))
    }

    /// A file to be read piece by piece, which must be there.
    pub(crate) fn stream(&self, name: Name) -> Result<Reading<'_, R>, Stop> {
        let member = self.files.get(&name).ok_or_else(|| missing(name))?;
        self.archive.read(&name.to_string(), *member).map_err(|cause| failed(name, cause))
    }

    /// The tiles of a level.
    pub(crate) fn tiles(&self, level: u8) -> Vec<Part> {
        let of_level = |name: &Name| match name {
            Name::Tile(at, part) if *at == level => Some(*part),
            _ => None,
        };
        self.files.keys().filter_map(of_level).collect()
    }
}

/// The bundles in which the entries lie.
pub(crate) fn bundles(manifest: &Manifest) -> std::ops::Range<u64> {
    if manifest.first == manifest.next {
        return 0..0;
    }
    manifest.first / WIDTH..manifest.next.div_ceil(WIDTH)
}

fn missing(name: Name) -> Fault {
    FaultKind::FileMissing.because(format!("{name} is missing"))
}

fn misplaced(name: Name) -> Fault {
    FaultKind::FileUnexpected.because(format!("{name} does not belong to these entries"))
}

/// A file that cannot be read to its end: its own fault, or the disk's.
pub(crate) fn failed(name: Name, cause: io::Error) -> Stop {
    match cause.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            FaultKind::FileDamaged.because(format!("{name} is damaged: {cause}")).into()
        }
        _ => Unreadable::Io(cause).into(),
    }
}
