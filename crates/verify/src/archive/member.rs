//! One file of a ZIP file.

use std::fmt;
use std::io::{self, BufReader, Read, Seek};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::{Archive, Fields, Member};

const HEADER: u32 = 0x0403_4b50;
const HEADER_BYTES: u64 = 30;
/// Bytes read from the disk at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// A file that is not what the directory says.
#[derive(Debug)]
struct Damaged(&'static str);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Damaged {}

fn damaged(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Damaged(words))
}

/// The bytes of a file as they lie in the archive.
struct Packed<'a, R> {
    archive: &'a Archive<R>,
    at: u64,
    left: u64,
}

impl<R: Read + Seek> Read for Packed<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let Some(bytes) = bytes.get_mut(..room).filter(|bytes| !bytes.is_empty()) else {
            return Ok(0);
        };
        let count = self.archive.read_at(self.at, bytes)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = u64::try_from(count).unwrap_or(self.left);
        self.at = self.at.saturating_add(read);
        self.left = self.left.saturating_sub(read);
        Ok(count)
    }
}

enum Unpacking<'a, R> {
    Stored(BufReader<Packed<'a, R>>),
    Deflated(Box<DeflateDecoder<BufReader<Packed<'a, R>>>>),
}

/// The content of a file, as long and with the checksum that the directory says.
pub(crate) struct Reading<'a, R> {
    unpacking: Unpacking<'a, R>,
    crc: Crc,
    expected: u32,
    left: u64,
}

impl<'a, R: Read + Seek> Reading<'a, R> {
    pub(super) fn open(archive: &'a Archive<R>, name: &str, member: Member) -> io::Result<Self> {
        let mut header = vec![0; usize::try_from(HEADER_BYTES).unwrap_or(30) + name.len()];
        let outside = || damaged("it lies outside of the files");
        let name_ends = u64::try_from(header.len()).ok();
        let at = name_ends.and_then(|bytes| member.header_at.checked_add(bytes));
        let at = at.filter(|at| *at <= archive.directory_at).ok_or_else(outside)?;
        archive.read_exact_at(member.header_at, &mut header)?;
        let extra = agrees(&header, name, member)
            .ok_or_else(|| damaged("its own header disagrees with the directory"))?;
        let at = at.saturating_add(extra.into());
        let ends = at.checked_add(member.packed_bytes);
        if ends.is_none_or(|ends| ends > archive.directory_at) {
            return Err(outside());
        }
        let packed = Packed { archive, at, left: member.packed_bytes };
        let packed = BufReader::with_capacity(BUFFER_BYTES, packed);
        let unpacking = if member.deflated {
            Unpacking::Deflated(Box::new(DeflateDecoder::new(packed)))
        } else {
            Unpacking::Stored(packed)
        };
        Ok(Self { unpacking, crc: Crc::new(), expected: member.crc, left: member.bytes })
    }

    fn unpack(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.unpacking {
            Unpacking::Stored(stored) => stored.read(bytes),
            Unpacking::Deflated(deflated) => deflated.read(bytes),
        }
    }
}

/// How many extra bytes follow the name, if the header says what the directory says.
fn agrees(header: &[u8], name: &str, member: Member) -> Option<u16> {
    let mut fields = Fields(header);
    let mark = fields.u32()?;
    let _version = fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let _time = fields.u32()?;
    let (crc, _sizes) = (fields.u32()?, fields.u64()?);
    let (name_bytes, extra) = (fields.u16()?, fields.u16()?);
    // A writer that did not know yet says zero and tells it behind the file.
    let later = flags & 1 << 3 != 0 && crc == 0;
    let same = mark == HEADER
        && flags & 1 == 0
        && method == if member.deflated { 8 } else { 0 }
        && (later || crc == member.crc)
        && usize::from(name_bytes) == name.len()
        && fields.0 == name.as_bytes();
    same.then_some(extra)
}

impl<R: Read + Seek> Read for Reading<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let count = self.unpack(bytes)?;
        if count == 0 {
            if self.left > 0 {
                return Err(damaged("it is shorter than the directory says"));
            }
            let sound = self.crc.sum() == self.expected;
            return if sound { Ok(0) } else { Err(damaged("its checksum is not its own")) };
        }
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        let longer = || damaged("it is longer than the directory says");
        self.left = self.left.checked_sub(read).ok_or_else(longer)?;
        self.crc.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }
}
