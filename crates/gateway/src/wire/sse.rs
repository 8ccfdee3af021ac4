//! Cuts a stream of server-sent events out of chunks that end anywhere.
//!
//! Lines end with `\n` or `\r\n`. A bare `\r`, which the standard also knows and no provider sends, is
//! not a line end: such a stream grows into [`Broken::TooLarge`] rather than being misread.

use std::{borrow::Cow, ops::Range};

use bytes::{Bytes, BytesMut};

/// The longest event that is waited for.
pub(crate) const EVENT_BYTES_AT_MOST: usize = 4 * 1024 * 1024;

/// What happens to an event that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    Keep,
    Drop,
}

/// Why a stream cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the stream holds an event of more than 4 MiB")]
    TooLarge,
    #[error("the stream ended in the middle of an event")]
    Cut,
}

/// One event, as it stands on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    raw: &'a [u8],
}

impl<'a> Event<'a> {
    /// The data, its lines joined by `\n`; `None` for a comment or a bare field.
    pub(crate) fn data(self) -> Option<Cow<'a, [u8]>> {
        let mut lines = lines(self.raw).filter_map(|line| value(line, b"data"));
        let first = lines.next()?;
        let Some(second) = lines.next() else { return Some(Cow::Borrowed(first)) };
        let mut joined = first.to_vec();
        for line in std::iter::once(second).chain(lines) {
            joined.push(b'\n');
            joined.extend_from_slice(line);
        }
        Some(Cow::Owned(joined))
    }
}

fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest)?;
        let line = rest.get(..end)?;
        rest = rest.get(end.checked_add(1)?..)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

fn value<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(field)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// Finds the ends of events, over any number of chunks.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// The beginning of an event whose end has not come.
    carry: BytesMut,
    line: Line,
    broken: bool,
    /// Events that were complete, comments among them.
    events: u64,
}

/// What the current line holds so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Empty,
    Return,
    Text,
}

impl Splitter {
    /// Shows every event that this chunk completes and gives back those that are kept, in one piece
    /// to be written at once: a slice of the chunk wherever possible.
    ///
    /// An event that is too large ends the stream: the events before it are given back, and every
    /// later call fails.
    pub(crate) fn pass(
        &mut self,
        chunk: &Bytes,
        mut see: impl FnMut(Event<'_>) -> Pass,
    ) -> Result<Bytes, Broken> {
        if self.broken {
            return Err(Broken::TooLarge);
        }
        let mut kept = Kept::of(chunk);
        let mut start = 0;
        while let Some(end) = self.end(chunk.get(start..).unwrap_or_default()) {
            let range = start..start.saturating_add(end);
            let piece = chunk.get(range.clone()).unwrap_or_default();
            start = range.end;
            self.events = self.events.saturating_add(1);
            if self.carry.len().saturating_add(piece.len()) > EVENT_BYTES_AT_MOST {
                self.broken = true;
                return kept.finish();
            }
            if self.carry.is_empty() {
                if see(Event { raw: piece }) == Pass::Keep {
                    kept.range(range);
                }
            } else {
                self.carry.extend_from_slice(piece);
                let whole = self.carry.split().freeze();
                if see(Event { raw: &whole }) == Pass::Keep {
                    kept.other(whole);
                }
            }
        }
        let tail = chunk.get(start..).unwrap_or_default();
        if self.carry.len().saturating_add(tail.len()) > EVENT_BYTES_AT_MOST {
            self.broken = true;
            self.carry = BytesMut::new();
        } else {
            self.carry.extend_from_slice(tail);
        }
        kept.finish()
    }

    /// How many events were complete so far.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// The provider closed the stream. An event without its blank line is not an event, with one
    /// forgiven exception that some providers need: the final `data: [DONE]`.
    pub(crate) fn finish(
        &mut self,
        mut see: impl FnMut(Event<'_>) -> Pass,
    ) -> Result<Bytes, Broken> {
        if self.broken {
            return Err(Broken::TooLarge);
        }
        self.line = Line::Empty;
        let mut left = self.carry.split();
        if left.trim_ascii().is_empty() {
            return Ok(Bytes::new());
        }
        left.extend_from_slice(if left.ends_with(b"\n") { b"\n" } else { b"\n\n" });
        let left = left.freeze();
        let event = Event { raw: &left };
        if event.data().as_deref() != Some(b"[DONE]") {
            return Err(Broken::Cut);
        }
        Ok(if see(event) == Pass::Keep { left } else { Bytes::new() })
    }

    /// How far the current event goes on in these bytes, if it ends in them.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0_usize;
        loop {
            let rest = bytes.get(at..)?;
            let Some(feed) = memchr::memchr(b'\n', rest) else {
                self.line = match (self.line, rest) {
                    (line, []) => line,
                    (Line::Empty, b"\r") => Line::Return,
                    _ => Line::Text,
                };
                return None;
            };
            let blank = matches!(
                (self.line, rest.get(..feed)?),
                (Line::Empty | Line::Return, b"") | (Line::Empty, b"\r")
            );
            self.line = Line::Empty;
            at = at.checked_add(feed)?.checked_add(1)?;
            if blank {
                return Some(at);
            }
        }
    }
}

/// The kept events of one chunk. Neighbours stay a range of it; only a gap, or the event that began
/// in an earlier chunk, makes a copy.
struct Kept<'a> {
    chunk: &'a Bytes,
    range: Range<usize>,
    before: Option<Bytes>,
    copied: BytesMut,
}

impl<'a> Kept<'a> {
    fn of(chunk: &'a Bytes) -> Self {
        Self { chunk, range: 0..0, before: None, copied: BytesMut::new() }
    }

    fn range(&mut self, next: Range<usize>) {
        if self.range.is_empty() {
            self.range = next;
        } else if self.range.end == next.start {
            self.range.end = next.end;
        } else {
            self.copy();
            self.range = next;
        }
    }

    /// An event that is not a slice of the chunk: always the first one.
    fn other(&mut self, whole: Bytes) {
        self.before = Some(whole);
    }

    fn copy(&mut self) {
        if let Some(before) = self.before.take() {
            self.copied.extend_from_slice(&before);
        }
        self.copied.extend_from_slice(self.chunk.get(self.range.clone()).unwrap_or_default());
        self.range = 0..0;
    }

    #[expect(clippy::unnecessary_wraps, reason = "ends `pass`, which can fail")]
    fn finish(mut self) -> Result<Bytes, Broken> {
        if self.copied.is_empty() {
            match (self.before.take(), self.range.is_empty()) {
                (None, true) => return Ok(Bytes::new()),
                (None, false) => return Ok(self.chunk.slice(self.range)),
                (Some(before), true) => return Ok(before),
                (before @ Some(_), false) => self.before = before,
            }
        }
        self.copy();
        Ok(self.copied.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b": hello\n\ndata: {\"a\":1}\n\nevent: x\r\ndata:one\r\ndata: two\r\n\r\n\n\
        id: 7\n\ndata: [DONE]\n\n";

    /// Every event's data, and everything kept, for a stream that comes in these chunks.
    fn replay<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Option<Vec<u8>>>, Vec<u8>) {
        let (mut splitter, mut data, mut kept) = (Splitter::default(), vec![], vec![]);
        for chunk in chunks {
            let mut see = |event: Event<'_>| {
                data.push(event.data().map(Cow::into_owned));
                Pass::Keep
            };
            kept.extend(splitter.pass(&Bytes::copy_from_slice(chunk), &mut see).unwrap());
        }
        assert_eq!(splitter.finish(|_| Pass::Keep), Ok(Bytes::new()));
        (data, kept)
    }

    #[test]
    fn a_stream_is_the_same_wherever_its_chunks_end() {
        let whole = replay(std::iter::once(STREAM));
        let data: Vec<_> = whole.0.iter().flatten().map(|d| str::from_utf8(d).unwrap()).collect();
        assert_eq!(data, ["{\"a\":1}", "one\ntwo", "[DONE]"]);
        assert_eq!(whole.1, STREAM);
        assert_eq!(replay(STREAM.chunks(1)), whole);
        for at in 0..=STREAM.len() {
            let (left, right) = STREAM.split_at(at);
            assert_eq!(replay([left, right].into_iter()), whole, "cut at {at}");
        }
    }

    #[test]
    fn what_is_ready_is_forwarded_in_one_write_without_a_copy() {
        let chunk = Bytes::from_static(b"data: 1\n\ndata: 2\n\ndata: 3");
        let mut splitter = Splitter::default();
        let kept = splitter.pass(&chunk, |_| Pass::Keep).unwrap();
        assert_eq!(kept, "data: 1\n\ndata: 2\n\n");
        assert_eq!(kept.as_ptr(), chunk.as_ptr());
        assert_eq!(splitter.finish(|_| Pass::Keep), Err(Broken::Cut));
    }

    #[test]
    fn a_dropped_event_leaves_its_neighbours() {
        let mut splitter = Splitter::default();
        let mut odd = |event: Event<'_>| match event.data().as_deref() {
            Some(b"2" | b"4") => Pass::Drop,
            _ => Pass::Keep,
        };
        assert_eq!(splitter.pass(&Bytes::from_static(b"data: 1\n"), &mut odd).unwrap(), "");
        let rest = Bytes::from_static(b"\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\ndata: 6\n\n");
        let kept = splitter.pass(&rest, &mut odd).unwrap();
        assert_eq!(kept, "data: 1\n\ndata: 3\n\ndata: 5\n\ndata: 6\n\n");
    }

    #[test]
    fn an_event_without_end_is_refused_and_what_came_before_it_is_not_lost() {
        let mut splitter = Splitter::default();
        let first = Bytes::from([b"data: 1\n\ndata: ".as_slice(), &vec![b'x'; 1 << 20]].concat());
        assert_eq!(splitter.pass(&first, |_| Pass::Keep).unwrap(), "data: 1\n\n");
        let more = Bytes::from(vec![b'x'; 1 << 20]);
        for _ in 0..3 {
            assert_eq!(splitter.pass(&more, |_| Pass::Keep).unwrap(), "");
        }
        assert_eq!(splitter.pass(&more, |_| Pass::Keep), Err(Broken::TooLarge));
        assert_eq!(splitter.finish(|_| Pass::Keep), Err(Broken::TooLarge));
    }

    #[test]
    fn a_last_done_without_its_blank_line_still_counts() {
        for end in ["data: [DONE]", "data: [DONE]\n", "data:[DONE]\r\n"] {
            let mut splitter = Splitter::default();
            splitter.pass(&Bytes::copy_from_slice(end.as_bytes()), |_| Pass::Keep).unwrap();
            let kept = splitter.finish(|_| Pass::Keep).unwrap();
            assert!(kept.ends_with(b"\n\n") || kept.ends_with(b"\r\n\n"), "{kept:?}");
        }
    }
}
