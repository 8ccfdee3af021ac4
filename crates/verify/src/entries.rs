//! Goes through the entries, and through their openings at the same pace.

use std::io::{BufRead, BufReader, Read, Seek};

use crate::bundle::{Bundle, Stop, bundles, failed};
use crate::fault::{Fault, FaultKind};
use crate::hash::Hash;
use crate::manifest::Manifest;
use crate::name::{Name, Part, WIDTH};
use crate::opening::{Class, ENTRY_BYTES, Entry, LINE_BYTES_MAX, open};
use crate::order::Order;
use crate::tree::Tree;
use crate::verdict::Counts;

/// Bytes of an entry with its length in front.
const FRAMED_BYTES: u64 = 106;
/// Bytes of a hash.
const HASH_BYTES: u64 = 32;

/// Judges each entry with its opening, and lays the leaves of the tree.
pub(crate) fn judge<R: Read + Seek>(
    bundle: &Bundle<R>,
    manifest: &Manifest,
    order: &mut Order,
    tree: &mut Tree,
    counts: &mut Counts,
) -> Result<(), Stop> {
    let mut openings = Openings::of(bundle)?;
    for index in bundles(manifest) {
        let Some(part) = Part::of(manifest.size, 0, index) else { continue };
        let bytes = bundle.whole(Name::Entries(part), WIDTH * FRAMED_BYTES)?;
        let mut leaves = Vec::new();
        for (at, entry) in (index * WIDTH..).zip(entries(part, &bytes)?) {
            leaves.push(entry.leaf);
            if !(manifest.first..manifest.next).contains(&at) {
                continue;
            }
            order.entry(at, &entry)?;
            let line = openings.next(at)?;
            let opened = open(line, at, &entry, &manifest.org)?;
            counts.entries += 1;
            counts.openings += u64::from(opened.hidden.len() < 3);
            for class in opened.hidden {
                *match class {
                    Class::Core => &mut counts.core_not_shown,
                    Class::Subject => &mut counts.subject_not_shown,
                    Class::Payload => &mut counts.payload_not_shown,
                } += 1;
            }
            match opened.core {
                Some(core) => order.event(at, &core)?,
                None => order.withheld(),
            }
        }
        let supplied = tile(bundle, 0, part)?;
        tree.lay_leaves(part, Some(leaves), supplied)?;
    }
    openings.end(manifest.next)
}

/// The hashes of a tile, if it is there.
pub(crate) fn tile<R: Read + Seek>(
    bundle: &Bundle<R>,
    level: u8,
    part: Part,
) -> Result<Option<Vec<Hash>>, Stop> {
    let name = Name::Tile(level, part);
    let Some(bytes) = bundle.optional(name, WIDTH * HASH_BYTES)? else { return Ok(None) };
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || u64::try_from(hashes.len()) != Ok(part.width) {
        let words = format!("{name} does not hold {} hashes", part.width);
        return Err(FaultKind::TileShape.because(words).into());
    }
    Ok(Some(hashes.iter().copied().map(Hash).collect()))
}

/// The entries of a bundle, all of them.
fn entries(part: Part, mut bytes: &[u8]) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    for at in (part.index * WIDTH..).take(usize::try_from(part.width).unwrap_or_default()) {
        let read = || {
            let (length, rest) = bytes.split_first_chunk()?;
            let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            Some((Entry::parse(entry).filter(|_| entry.len() == ENTRY_BYTES)?, rest))
        };
        let (entry, rest) = read().ok_or_else(|| {
            FaultKind::EntryShape
                .at(at, "where the entry belongs there are no 104 bytes of audit/v1")
        })?;
        bytes = rest;
        entries.push(entry);
    }
    if bytes.is_empty() {
        return Ok(entries);
    }
    let words = format!("{} holds more than its entries", Name::Entries(part));
    Err(FaultKind::EntryShape.because(words))
}

/// The lines of `openings.jsonl`.
struct Openings<T> {
    lines: T,
    line: Vec<u8>,
}

impl Openings<()> {
    fn of<R: Read + Seek>(bundle: &Bundle<R>) -> Result<Openings<impl BufRead + use<'_, R>>, Stop> {
        let lines = BufReader::new(bundle.stream(Name::Openings)?);
        Ok(Openings { lines, line: Vec::new() })
    }
}

impl<T: BufRead> Openings<T> {
    /// The next line, which belongs to this entry.
    fn next(&mut self, index: u64) -> Result<&[u8], Stop> {
        self.read()?;
        if self.line.is_empty() {
            return Err(FaultKind::OpeningOrder.at(index, "its opening is missing").into());
        }
        if self.line.pop() != Some(b'\n') {
            let words = "its opening is longer than an opening may be, or its line does not end";
            return Err(FaultKind::OpeningShape.at(index, words).into());
        }
        Ok(&self.line)
    }

    /// That there is no further line.
    fn end(mut self, next: u64) -> Result<(), Stop> {
        self.read()?;
        if self.line.is_empty() {
            return Ok(());
        }
        Err(FaultKind::OpeningOrder.at(next, "an opening too many follows the last entry").into())
    }

    fn read(&mut self) -> Result<(), Stop> {
        self.line.clear();
        let mut bounded = (&mut self.lines).take(LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut self.line);
        read.map_err(|cause| failed(Name::Openings, cause))?;
        Ok(())
    }
}
