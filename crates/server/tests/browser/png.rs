//! Pictures that take less room: a browser filters every line of a PNG, which suits photos;
//! pages are flat, and pack better as they are.

use std::io::{Read as _, Write as _};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Eight bits for each of red, green and blue.
const RGB: u8 = 2;

fn number(bytes: &[u8]) -> usize {
    let bytes = bytes[..4].try_into().expect("four bytes");
    usize::try_from(u32::from_be_bytes(bytes)).expect("small")
}

fn put_chunk(png: &mut Vec<u8>, kind: &[u8], body: &[u8]) {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(body);
    png.extend(u32::try_from(body.len()).expect("small").to_be_bytes());
    png.extend(kind);
    png.extend(body);
    png.extend(sum.sum().to_be_bytes());
}

/// The line as it was before it was filtered. `above` is the line before.
fn unfilter(filter: u8, line: &mut [u8], above: &[u8], step: usize) {
    for at in 0..line.len() {
        let (left, corner) = if at < step { (0, 0) } else { (line[at - step], above[at - step]) };
        let up = above[at];
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => u8::midpoint(left, up),
            4 => paeth(left, up, corner),
            other => unreachable!("filter {other}"),
        };
        line[at] = line[at].wrapping_add(guess);
    }
}

/// The neighbour that is nearest to left + up - corner.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |one: u8| guess.abs_diff(i16::from(one));
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

/// The same picture in fewer bytes.
pub(crate) fn smaller(png: &[u8]) -> Vec<u8> {
    let mut rest = png.strip_prefix(SIGNATURE).expect("a PNG");
    let (mut head, mut packed) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (length, kind) = (number(rest), &rest[4..8]);
        let body = &rest[8..8 + length];
        match kind {
            b"IHDR" => head = body.to_vec(),
            b"IDAT" => packed.extend_from_slice(body),
            _ => {}
        }
        rest = &rest[12 + length..];
    }
    assert_eq!((head[8], head[9], head[12]), (8, RGB, 0), "eight bits a colour, line by line");
    let mut raw = Vec::new();
    ZlibDecoder::new(packed.as_slice()).read_to_end(&mut raw).expect("packed lines");
    let width = number(&head) * 3;
    let mut above = vec![0; width];
    let mut flat = ZlibEncoder::new(Vec::new(), Compression::best());
    for line in raw.chunks_exact_mut(width + 1) {
        let (filter, line) = line.split_first_mut().expect("a filter");
        unfilter(*filter, line, &above, 3);
        flat.write_all(&[0]).expect("packs");
        flat.write_all(line).expect("packs");
        above.copy_from_slice(line);
    }
    let mut small = SIGNATURE.to_vec();
    put_chunk(&mut small, b"IHDR", &head);
    put_chunk(&mut small, b"IDAT", &flat.finish().expect("packs"));
    put_chunk(&mut small, b"IEND", &[]);
    small
}
