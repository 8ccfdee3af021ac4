//! Writes a ZIP file from the front to the back, without ever going back.
//!
//! Our own and no library: a bundle is made piece by piece between readings of the database
//! and of the store, for which a writer that blocks would hold a thread or the whole file,
//! and of the format we need one kind of file. Deflating is what the tree already has.

use std::io::{self, Write as _};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

const FILE: &[u8] = b"PK\x03\x04";
const BEHIND_FILE: &[u8] = b"PK\x07\x08";
const ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
/// Deflated, and lengths and checksum stand behind the file; 1980-01-01: equal bundles are
/// equal files.
const HOW: [u8; 10] = [20, 0, 8, 0, 8, 0, 0, 0, 0x21, 0];

/// What was written and not taken yet, and the directory that stands at the end.
#[derive(Debug, Default)]
pub(super) struct Zip {
    out: Vec<u8>,
    taken: usize,
    directory: Vec<u8>,
    files: usize,
    open: Option<Open>,
}

/// The file that is being written.
#[derive(Debug)]
struct Open {
    name: String,
    at: usize,
    crc: Crc,
    bytes: usize,
    packed: usize,
    encoder: DeflateEncoder<Vec<u8>>,
}

impl Zip {
    /// Begins a file.
    pub(super) fn begin(&mut self, name: &str) -> io::Result<()> {
        let at = self.taken + self.out.len();
        self.out.extend([FILE, &HOW, &[0; 12], &short(name.len())?, &[0; 2]].concat());
        self.out.extend_from_slice(name.as_bytes());
        let encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let (name, crc) = (name.to_owned(), Crc::new());
        self.open = Some(Open { name, at, crc, bytes: 0, packed: 0, encoder });
        Ok(())
    }

    /// Goes on with it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::InvalidInput.into()) };
        open.crc.update(bytes);
        open.bytes += bytes.len();
        open.encoder.write_all(bytes)?;
        let packed = std::mem::take(open.encoder.get_mut());
        open.packed += packed.len();
        self.out.extend(packed);
        Ok(())
    }

    /// Ends it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let rest = open.encoder.finish()?;
        let (packed, bytes) = (long(open.packed + rest.len())?, long(open.bytes)?);
        let sizes = [open.crc.sum().to_le_bytes(), packed, bytes].concat();
        self.out.extend([rest.as_slice(), BEHIND_FILE, &sizes].concat());
        let name = (short(open.name.len())?, open.name.as_bytes());
        let fields = [ENTRY, &[20, 0], &HOW, &sizes, &name.0, &[0; 12], &long(open.at)?, name.1];
        self.directory.extend(fields.concat());
        self.files += 1;
        Ok(())
    }

    /// Writes a whole file.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin(name)?;
        self.write(bytes)?;
        self.end()
    }

    /// Ends the last file, and writes the directory.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.end()?;
        let (files, at) = (short(self.files)?, long(self.taken + self.out.len())?);
        let directory = std::mem::take(&mut self.directory);
        let bytes = long(directory.len())?;
        let end = [END, &[0; 4], &files, &files, &bytes, &at, &[0; 2]].concat();
        self.out.extend([directory, end].concat());
        Ok(())
    }

    /// What was written since the last time.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.taken += self.out.len();
        std::mem::take(&mut self.out)
    }
}

fn short(number: usize) -> io::Result<[u8; 2]> {
    u16::try_from(number).map(u16::to_le_bytes).map_err(too_large)
}

fn long(number: usize) -> io::Result<[u8; 4]> {
    u32::try_from(number).map(u32::to_le_bytes).map_err(too_large)
}

fn too_large(cause: std::num::TryFromIntError) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, cause)
}
