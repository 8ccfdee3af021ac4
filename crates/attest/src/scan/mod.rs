//! Looks for canaries in bytes of any length, in memory of a fixed size.
//!
//! Bytes are given piece by piece, cut wherever it happens. At each place it is asked whether a
//! word begins there, however written, or something packed; what is packed is unpacked beside and
//! looked through in the same way, three times one inside the other.

mod packed;
mod table;
mod writing;
mod zstd;

use std::collections::BTreeMap;
use std::io::{self, Read};

pub use self::table::Format;
pub use self::writing::Writing;
pub(crate) use self::writing::base64;

use self::packed::Unpacking;
use self::table::{Mark, Table};
use crate::canary::Canaries;

/// Bytes that must follow a place before it is looked at: the longest mark with the longest
/// word behind it is shorter.
const REACH: usize = 128;
/// Bytes that are read at once.
const BLOCK_BYTES: usize = 64 << 10;
/// How deep packed things may lie in each other.
pub const DEPTH_MAX: usize = 3;
/// Things that are unpacked at the same time, over all depths. What looks packed by chance ends
/// after some bytes.
const OPEN_MAX: usize = 64;
/// Bytes that one packed thing may become. A bomb is cut off there, and counted.
pub const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// A canary that was found: which, and in what form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// What it was packed in, from outside.
    pub packed: Vec<Format>,
    /// How it was written there.
    pub writing: Writing,
}

impl Form {
    /// In words: `gzip, plain`.
    pub fn words(&self) -> String {
        let packed = self.packed.iter().map(|format| format.name());
        packed.chain([self.writing.name()]).collect::<Vec<_>>().join(", ")
    }
}

/// What a scan has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Bytes that were looked at, without what was unpacked.
    pub bytes: u64,
    /// Bytes that packed things became.
    pub unpacked_bytes: u64,
    /// Packed things that were not looked through to their end: too large, too many at once.
    pub unopened: u64,
    /// How often each canary was found in each form.
    pub found: BTreeMap<(usize, Form), u64>,
    open: usize,
}

impl Seen {
    /// The numbers of the canaries that were found.
    pub fn canaries(&self) -> impl Iterator<Item = usize> + '_ {
        let mut last = None;
        self.found.keys().map(|(number, _)| *number).filter(move |number| {
            let new = last != Some(*number);
            last = Some(*number);
            new
        })
    }

    /// Adds what another scan has seen.
    pub fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.unpacked_bytes += other.unpacked_bytes;
        self.unopened += other.unopened;
        for (found, count) in other.found {
            *self.found.entry(found).or_default() += count;
        }
    }
}

/// One sequence of bytes under the eyes of a scan.
#[derive(Debug, Default)]
pub struct Scan {
    packed: Vec<Format>,
    held: Vec<u8>,
    unpacking: Vec<Unpacking>,
}

impl Scan {
    /// Of bytes that are packed in nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn inside(packed: Vec<Format>) -> Self {
        Self { packed, ..Self::default() }
    }

    /// Looks at the next bytes.
    pub fn feed(&mut self, bytes: &[u8], canaries: &Canaries, seen: &mut Seen) {
        let depth = self.packed.len();
        let count = u64::try_from(bytes.len()).unwrap_or_default();
        if depth == 0 {
            seen.bytes += count;
        } else {
            seen.unpacked_bytes += count;
        }
        self.unpack(bytes, canaries, seen);
        self.held.extend_from_slice(bytes);
        let whole = self.held.len().saturating_sub(REACH);
        self.look(whole, canaries, seen);
        self.held.drain(..whole);
    }

    /// There are no more.
    pub fn end(mut self, canaries: &Canaries, seen: &mut Seen) {
        let whole = self.held.len();
        self.look(whole, canaries, seen);
        for open in self.unpacking {
            open.end(canaries, seen);
        }
    }

    /// Looks at all that there is to read.
    pub fn read(mut from: impl Read, canaries: &Canaries, seen: &mut Seen) -> io::Result<()> {
        let (mut scan, mut block) = (Self::new(), vec![0; BLOCK_BYTES]);
        loop {
            let count = match from.read(&mut block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            scan.feed(block.get(..count).unwrap_or_default(), canaries, seen);
        }
        scan.end(canaries, seen);
        Ok(())
    }

    /// Looks at one value that is here as a whole.
    pub fn value(bytes: &[u8], canaries: &Canaries, seen: &mut Seen) {
        let mut scan = Self::new();
        scan.feed(bytes, canaries, seen);
        scan.end(canaries, seen);
    }

    /// Gives the bytes to what is being unpacked.
    fn unpack(&mut self, bytes: &[u8], canaries: &Canaries, seen: &mut Seen) {
        let mut at = 0;
        while let Some(open) = self.unpacking.get_mut(at) {
            if open.feed(bytes, canaries, seen) {
                at += 1;
            } else {
                self.unpacking.swap_remove(at).end(canaries, seen);
            }
        }
    }

    /// Looks at the first `whole` places of what is held.
    fn look(&mut self, whole: usize, canaries: &Canaries, seen: &mut Seen) {
        let table = Table::get();
        let mut begun = Vec::new();
        let pairs = self.held.iter().zip(self.held.iter().skip(1)).take(whole);
        for (at, (first, second)) in pairs.enumerate() {
            if !table.may(*first, *second) {
                continue;
            }
            let here = self.held.get(at..).unwrap_or_default();
            for (mark, length) in table.at(here) {
                match mark {
                    Mark::Word(writing) => {
                        let word = writing.word(here.get(length..).unwrap_or_default());
                        if let Some(number) = word.and_then(|word| canaries.of(&word)) {
                            let form = Form { packed: self.packed.clone(), writing };
                            *seen.found.entry((number, form)).or_default() += 1;
                        }
                    }
                    Mark::Packed(format) => begun.push((at, format)),
                }
            }
        }
        for (at, format) in begun {
            self.begin(at, format, canaries, seen);
        }
    }

    /// Begins to unpack what begins at a place of what is held.
    fn begin(&mut self, at: usize, format: Format, canaries: &Canaries, seen: &mut Seen) {
        let here = self.held.get(at..).unwrap_or_default();
        if self.packed.len() >= DEPTH_MAX || !Unpacking::may(format, here) {
            return;
        }
        if seen.open >= OPEN_MAX {
            seen.unopened += 1;
            return;
        }
        let inside = self.packed.iter().copied().chain([format]).collect();
        let mut open = Unpacking::new(format, Self::inside(inside));
        seen.open += 1;
        if open.feed(here, canaries, seen) {
            self.unpacking.push(open);
        } else {
            open.end(canaries, seen);
        }
    }
}
