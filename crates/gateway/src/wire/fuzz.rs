//! Anything may arrive: nothing panics, and nothing depends on where a chunk ends.

use bytes::Bytes;

use crate::fuzzing::{answer, relay, request, translate};

/// Xorshift: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// Pieces of what the wire is made of, in no order, with some bytes knocked over.
    fn soup(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut soup = Vec::new();
        for _ in 0..self.roll(24) {
            soup.extend_from_slice(pieces[self.roll(pieces.len())]);
        }
        for _ in 0..self.roll(4) {
            if !soup.is_empty() {
                let at = self.roll(soup.len());
                soup[at] = u8::try_from(self.roll(256)).unwrap();
            }
        }
        soup
    }

    /// A real body with some bytes knocked over, cut out or doubled.
    fn wound(&mut self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        for _ in 0..=self.roll(3) {
            let (at, len) = (self.roll(body.len()), self.roll(20));
            let end = (at + len).min(body.len());
            match self.roll(3) {
                0 => body[at] = u8::try_from(self.roll(256)).unwrap(),
                1 => drop(body.drain(at..end)),
                _ => {
                    let twice = body[at..end].to_vec();
                    body.splice(at..at, twice);
                }
            }
            if body.is_empty() {
                body.push(b'{');
            }
        }
        body
    }

    fn cuts(&mut self, bytes: &[u8]) -> Vec<Bytes> {
        let (mut rest, mut chunks) = (bytes, Vec::new());
        while !rest.is_empty() {
            let (chunk, more) = rest.split_at(1 + self.roll(rest.len()));
            chunks.push(Bytes::copy_from_slice(chunk));
            rest = more;
        }
        chunks
    }
}

const REQUEST: &[u8] = include_bytes!("../golden/requests/everything.json");
const ANSWER: &[u8] = include_bytes!("../golden/answers/tools.json");
const STREAMS: [&[u8]; 2] = [
    include_bytes!("../golden/streams/openai/usage.sse"),
    include_bytes!("../golden/streams/anthropic/tools.sse"),
];
const PIECES: &[&[u8]] = &[
    b"data: ",
    b"data:",
    b"event: x",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\r",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b"null",
    b"[DONE]",
    b"\"usage\":{",
    b"\"delta\":{",
    b"\"content\":\"",
    b"\"type\":\"",
    b"\"choices\":[",
    b"\xff",
    b"\xc3",
    b"\"model\":",
    b"1e999",
    b"-0",
    b"\"error\":{",
    b"text",
    b"data: {\"type\":\"message_stop\"}\n\n",
    b"data: {\"type\":\"error\",\"error\":{}}\n\n",
    b"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"x\"}}\n\n",
];

#[test]
fn no_bytes_whatever_bring_the_gateway_down() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for _ in 0..3_000 {
        for bytes in [dice.soup(PIECES), dice.wound(REQUEST), dice.wound(ANSWER)] {
            request(&bytes);
            answer(&bytes);
        }
    }
}

#[test]
fn no_stream_whatever_depends_on_where_its_chunks_end() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    for round in 0..3_000 {
        let stream = match round % 3 {
            0 => dice.soup(PIECES),
            1 => dice.wound(STREAMS[0]),
            _ => dice.wound(STREAMS[1]),
        };
        let (whole, cut) = ([Bytes::copy_from_slice(&stream)], dice.cuts(&stream));
        assert_eq!(relay(&cut), relay(&whole), "{}", String::from_utf8_lossy(&stream));
        assert_eq!(translate(&cut), translate(&whole), "{}", String::from_utf8_lossy(&stream));
    }
}
