//! A frame of Zstandard (RFC 8878), unpacked block by block, so that a window and a block are
//! all that is ever held.

use std::fmt;

use ruzstd::decoding::FrameDecoder;

/// The largest window that is opened: what every decoder must (RFC 8878, 3.1.1.1.2).
const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a block at most.
const BLOCK_BYTES_MAX: usize = 128 << 10;
/// Bytes that are taken out at once.
const PIECE_BYTES: usize = 8 << 10;

/// A frame whose bytes arrive.
#[derive(Default)]
pub(super) struct Frame {
    decoder: FrameDecoder,
    held: Vec<u8>,
    begun: bool,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("begun", &self.begun).finish_non_exhaustive()
    }
}

/// How a piece ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Over,
    /// A frame that cannot be opened within bounds, or that became more than it may.
    Cut,
}

impl Frame {
    pub(super) fn feed(&mut self, bytes: &[u8], mut give: impl FnMut(&[u8]) -> bool) -> Step {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        let step = loop {
            let here = self.held.get(at..).unwrap_or_default();
            let (length, last) = if self.begun {
                let Some(block) = block(here) else { break Step::More };
                if block.becomes > BLOCK_BYTES_MAX || block.kind == 3 {
                    break Step::Over;
                }
                (3 + block.content, block.last)
            } else {
                match head(here) {
                    None => break Step::More,
                    Some(Head { window, .. }) if window > WINDOW_BYTES_MAX => break Step::Cut,
                    Some(Head { length, .. }) => (length, false),
                }
            };
            let Some(mut part) = here.get(..length) else { break Step::More };
            if !self.begun {
                self.begun = true;
                if self.decoder.init(&mut part).is_err() {
                    break Step::Over;
                }
            } else if let Some(step) = self.block(at, length, last, &mut give) {
                break step;
            }
            at += length;
        };
        self.held.drain(..at.min(self.held.len()));
        step
    }

    /// Unpacks one block that is here as a whole.
    fn block(
        &mut self,
        at: usize,
        length: usize,
        last: bool,
        give: &mut impl FnMut(&[u8]) -> bool,
    ) -> Option<Step> {
        let mut source = self.held.get(at..at + length).unwrap_or_default();
        let mut piece = [0; PIECE_BYTES];
        loop {
            let Ok((read, written)) = self.decoder.decode_from_to(source, &mut piece) else {
                return Some(Step::Over);
            };
            source = source.get(read..).unwrap_or_default();
            if !give(piece.get(..written).unwrap_or_default()) {
                return Some(Step::Cut);
            }
            if written == 0 {
                return last.then_some(Step::Over);
            }
        }
    }
}

struct Head {
    length: usize,
    window: u64,
}

/// The head of a frame, if it is all there.
fn head(bytes: &[u8]) -> Option<Head> {
    let descriptor = *bytes.get(4)?;
    let single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
    let size = match (descriptor >> 6, single) {
        (0, false) => 0,
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let length = 5 + usize::from(!single) + dictionary + size;
    let whole = bytes.get(..length)?;
    let window = if single {
        let content = whole.get(length - size..)?;
        let number = content.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        // Two bytes count from 256.
        number.saturating_add(if size == 2 { 256 } else { 0 })
    } else {
        let byte = *whole.get(5)?;
        let base = 1_u64 << (10 + (byte >> 3));
        base + base / 8 * u64::from(byte & 7)
    };
    Some(Head { length, window })
}

struct Block {
    last: bool,
    kind: u8,
    /// Bytes of it here, and, where that is said, what it becomes.
    content: usize,
    becomes: usize,
}

/// The head of a block, if it is all there.
fn block(bytes: &[u8]) -> Option<Block> {
    let [a, b, c, ..] = *bytes else { return None };
    let size = usize::from(a >> 3) | usize::from(b) << 5 | usize::from(c) << 13;
    let kind = a >> 1 & 3;
    // One byte, so many times.
    let content = if kind == 1 { 1 } else { size };
    Some(Block { last: a & 1 == 1, kind, content, becomes: size })
}
