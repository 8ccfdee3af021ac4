//! ZIP files, read strictly: what two programs could read in two ways is refused.
//!
//! The directory at the end says what there is; each file's own header must say the same. No
//! encryption, no comment behind the end, nothing but stored and deflated files.

mod directory;
mod member;

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

pub(crate) use self::member::Reading;
use crate::unreadable::Unreadable;

/// Files of a bundle at most.
pub(crate) const FILES_MAX: u64 = 150_000;
/// Bytes of the directory at the end at most.
const DIRECTORY_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 128;

/// A file that the directory names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Where its own header begins.
    header_at: u64,
    deflated: bool,
    crc: u32,
    packed_bytes: u64,
    /// Bytes as the directory declares them.
    pub(crate) bytes: u64,
}

/// An open ZIP file.
pub(crate) struct Archive<R> {
    source: RefCell<R>,
    /// Where the directory begins: no file reaches into it.
    directory_at: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory.
    pub(crate) fn open(mut source: R) -> Result<(Self, Vec<(String, Member)>), Unreadable> {
        let (directory_at, members) = directory::read(&mut source)?;
        Ok((Self { source: RefCell::new(source), directory_at }, members))
    }

    /// Opens a file. Reading fails at its end if it is not what the directory says.
    pub(crate) fn read(&self, name: &str, member: Member) -> io::Result<Reading<'_, R>> {
        Reading::open(self, name, member)
    }

    /// Bytes from a place on, as many as there are room for.
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut source = self.source.borrow_mut();
        source.seek(SeekFrom::Start(at))?;
        source.read(bytes)
    }

    fn read_exact_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut source = self.source.borrow_mut();
        source.seek(SeekFrom::Start(at))?;
        source.read_exact(bytes)
    }
}

/// Takes little-endian numbers from the front of bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}
