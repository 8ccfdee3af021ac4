//! Something packed that is being unpacked while its bytes arrive.

use flate2::{Decompress, FlushDecompress, Status};

use super::table::Format;
use super::writing::{digit, sextet};
use super::zstd::Frame;
use super::{Scan, Seen, UNPACKED_BYTES_MAX};
use crate::canary::Canaries;

/// Bytes that are unpacked at once.
const PIECE_BYTES: usize = 8 << 10;
/// Bytes before the packed ones at most: names and comments.
const HEAD_BYTES_MAX: usize = 128 << 10;

/// One thing that is being unpacked, and the scan of what it becomes.
#[derive(Debug)]
pub(super) struct Unpacking {
    inside: Box<Scan>,
    unpacked: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What stands before the packed bytes is not all there yet.
    Head(Format, Vec<u8>),
    Deflate(Box<Decompress>),
    Zstd(Box<Frame>),
    Letters(Format, Letters),
}

/// Letters that stand for bytes.
#[derive(Debug, Default)]
struct Letters {
    bits: u32,
    count: u32,
}

/// How a piece ended.
enum Step {
    More,
    Over,
    /// It became more than it may.
    Cut,
}

impl Unpacking {
    pub(super) fn new(format: Format, inside: Scan) -> Self {
        let state = match format {
            Format::Gzip | Format::Zip => State::Head(format, Vec::new()),
            Format::Zlib => State::Deflate(Box::new(Decompress::new(true))),
            Format::Zstd => State::Zstd(Box::default()),
            Format::Base64 | Format::Hex => State::Letters(format, Letters::default()),
        };
        Self { inside: Box::new(inside), unpacked: 0, state }
    }

    /// Whether it is worth a try: most of what begins like something packed is not.
    pub(super) fn may(format: Format, here: &[u8]) -> bool {
        match (format, here) {
            // No flag is set that nobody has given a meaning.
            (Format::Gzip, [_, _, _, flags, ..]) => flags & 0xe0 == 0,
            // There is no fourth kind of block, and a stored one says its length twice.
            (Format::Zlib, [_, _, block, rest @ ..]) => match block >> 1 & 3 {
                0 => matches!(rest, [a, b, c, d, ..] if *a == !*c && *b == !*d),
                kind => kind != 3,
            },
            _ => true,
        }
    }

    /// Takes the next bytes. False: it has ended, or was nothing packed.
    pub(super) fn feed(&mut self, bytes: &[u8], canaries: &Canaries, seen: &mut Seen) -> bool {
        match self.step(bytes, canaries, seen) {
            Step::More => true,
            Step::Over => false,
            Step::Cut => {
                seen.unopened += 1;
                false
            }
        }
    }

    pub(super) fn end(self, canaries: &Canaries, seen: &mut Seen) {
        seen.open = seen.open.saturating_sub(1);
        self.inside.end(canaries, seen);
    }

    fn step(&mut self, bytes: &[u8], canaries: &Canaries, seen: &mut Seen) -> Step {
        let Self { inside, unpacked, state } = self;
        let mut give = |piece: &[u8], seen: &mut Seen| {
            *unpacked += u64::try_from(piece.len()).unwrap_or_default();
            inside.feed(piece, canaries, seen);
            *unpacked <= UNPACKED_BYTES_MAX
        };
        if let State::Head(format, head) = state {
            head.extend_from_slice(bytes);
            let length = match head_length(*format, head) {
                Before::Unknown if head.len() <= HEAD_BYTES_MAX => return Step::More,
                Before::Unknown | Before::Nothing => return Step::Over,
                Before::Bytes(length) => length,
            };
            let rest = std::mem::take(head);
            *state = State::Deflate(Box::new(Decompress::new(false)));
            return self.step(rest.get(length..).unwrap_or_default(), canaries, seen);
        }
        match state {
            State::Head(..) => Step::Over,
            State::Deflate(inflate) => deflated(inflate, bytes, |piece| give(piece, seen)),
            State::Zstd(frame) => frame.feed(bytes, |piece| give(piece, seen)).into(),
            State::Letters(format, letters) => {
                let (piece, more) = letters.read(*format, bytes);
                match (give(&piece, seen), more) {
                    (false, _) => Step::Cut,
                    (true, true) => Step::More,
                    (true, false) => Step::Over,
                }
            }
        }
    }
}

impl From<super::zstd::Step> for Step {
    fn from(step: super::zstd::Step) -> Self {
        match step {
            super::zstd::Step::More => Self::More,
            super::zstd::Step::Over => Self::Over,
            super::zstd::Step::Cut => Self::Cut,
        }
    }
}

fn deflated(
    inflate: &mut Decompress,
    mut bytes: &[u8],
    mut give: impl FnMut(&[u8]) -> bool,
) -> Step {
    let mut piece = [0; PIECE_BYTES];
    loop {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(bytes, &mut piece, FlushDecompress::None);
        let since = |now: u64, then: u64| usize::try_from(now - then).unwrap_or_default();
        let read = since(inflate.total_in(), read);
        let written = since(inflate.total_out(), written);
        bytes = bytes.get(read..).unwrap_or_default();
        if !give(piece.get(..written).unwrap_or_default()) {
            return Step::Cut;
        }
        match status {
            Ok(Status::Ok | Status::BufError) if read > 0 || written > 0 => {}
            Ok(Status::Ok | Status::BufError) => return Step::More,
            Ok(Status::StreamEnd) | Err(_) => return Step::Over,
        }
    }
}

/// What stands before packed bytes.
enum Before {
    /// It is not all there yet.
    Unknown,
    /// Nothing deflated follows it.
    Nothing,
    Bytes(usize),
}

fn head_length(format: Format, head: &[u8]) -> Before {
    let length = match (format, head) {
        (Format::Zip, [_, _, _, _, _, _, _, _, 8, 0, ..]) => zip_head(head),
        (Format::Zip, [_, _, _, _, _, _, _, _, _, _, ..]) => return Before::Nothing,
        (Format::Zip, _) => None,
        _ => gzip_head(head),
    };
    match length.filter(|length| head.len() >= *length) {
        Some(length) => Before::Bytes(length),
        None => Before::Unknown,
    }
}

fn zip_head(head: &[u8]) -> Option<usize> {
    let names = [26, 28].map(|at| Some(usize::from(short(head, at)?)));
    Some(30 + names.into_iter().sum::<Option<usize>>()?)
}

fn gzip_head(head: &[u8]) -> Option<usize> {
    let flags = head.get(3)?;
    let mut length = 10;
    if flags & 4 != 0 {
        length += 2 + usize::from(short(head, length)?);
    }
    // A name, and a comment.
    for flag in [8, 16] {
        if flags & flag != 0 {
            length += head.get(length..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        length += 2;
    }
    Some(length)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    pair.try_into().ok().map(u16::from_le_bytes)
}

impl Letters {
    /// The bytes that these letters stand for, and whether there may be more.
    fn read(&mut self, format: Format, letters: &[u8]) -> (Vec<u8>, bool) {
        let mut read = Vec::new();
        for letter in letters {
            let (value, width) = match format {
                _ if matches!(letter, b'\r' | b'\n') => continue,
                Format::Base64 => (sextet(*letter), 6),
                Format::Hex => (digit(*letter), 4),
                Format::Gzip | Format::Zlib | Format::Zip | Format::Zstd => (None, 0),
            };
            let Some(value) = value else { return (read, false) };
            self.bits = (self.bits << width | u32::from(value)) & 0xffff;
            self.count += width;
            if self.count >= 8 {
                self.count -= 8;
                read.extend(u8::try_from(self.bits >> self.count & 0xff));
            }
        }
        (read, true)
    }
}
