use std::io::Write as _;

use attest::canary::{Canaries, Canary, Planted};
use attest::scan::{DEPTH_MAX, Scan, Seen, UNPACKED_BYTES_MAX, Writing};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A canary, and the book in which it stands.
fn planted() -> (Canary, Canaries) {
    let (canary, mut canaries) = (Canary::fresh().expect("randomness"), Canaries::default());
    let place = Planted { cell: 0, door: "POST /x".to_owned(), field: "/y".to_owned() };
    canaries.plant(&canary, place).expect("room");
    (canary, canaries)
}

/// Looks at pieces that were cut at these places.
fn looked(bytes: &[u8], cuts: &[usize], canaries: &Canaries) -> Seen {
    let (mut scan, mut seen, mut from) = (Scan::new(), Seen::default(), 0);
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    for cut in cuts.into_iter().chain([bytes.len()]) {
        scan.feed(&bytes[from..cut], canaries, &mut seen);
        from = cut;
    }
    scan.end(canaries, &mut seen);
    seen
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("packs");
    packed.finish().expect("packs")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(1));
    packed.write_all(bytes).expect("packs");
    packed.finish().expect("packs")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Packs by a number.
fn pack(how: u8, bytes: &[u8]) -> Vec<u8> {
    match how % 3 {
        0 => gzip(bytes),
        1 => zlib(bytes),
        _ => zstd(bytes),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is around it, however it is written and packed, wherever reading stops.
    #[test]
    fn a_canary_is_found_in_whatever_form_and_wherever_it_is_cut(
        before in proptest::collection::vec(any::<u8>(), 0..3000),
        behind in proptest::collection::vec(any::<u8>(), 0..3000),
        writing in 0..Writing::ALL.len(),
        packs in proptest::collection::vec(0..3_u8, 0..=DEPTH_MAX),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        half in 0..3_usize,
    ) {
        let (canary, canaries) = planted();
        let text = canary.text();
        let text = match half {
            0 => &text[..text.len() / 2],
            1 => &text[text.len() / 2..],
            _ => &text,
        };
        let mut bytes = [before.as_slice(), b"\n", &Writing::ALL[writing].write(text), b"\n", &behind].concat();
        for how in &packs {
            bytes = [b"--".as_slice(), &pack(*how, &bytes), b"--"].concat();
        }
        let seen = looked(&bytes, &cuts, &canaries);
        prop_assert_eq!(seen.canaries().collect::<Vec<_>>(), [0]);
        let deepest = seen.found.keys().map(|(_, form)| form.packed.len()).max();
        prop_assert_eq!(deepest, Some(packs.len()));
        prop_assert_eq!(seen.bytes, u64::try_from(bytes.len()).expect("small"));
    }

    /// The same wherever it is cut, and never a fault.
    #[test]
    fn bytes_of_strangers_are_looked_through_to_their_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..4000),
        start in 0..8_usize,
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let starts: [&[u8]; 8] = [
            b"", &[0x1f, 0x8b, 8, 0x1f], &[0x78, 0x9c, 0x05], b"PK\x03\x04", &[0x28, 0xb5, 0x2f, 0xfd],
            b"H4sI", b"1f8b08", &[0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0x02, 0x00, 0x10],
        ];
        let (_, canaries) = planted();
        let bytes = [starts[start], &bytes].concat();
        let (whole, cut) = (looked(&bytes, &[], &canaries), looked(&bytes, &cuts, &canaries));
        prop_assert_eq!(whole.unpacked_bytes, cut.unpacked_bytes);
        prop_assert!(whole.found.is_empty() && cut.found.is_empty());
    }

    /// Words that begin like canaries are none.
    #[test]
    fn chance_and_other_words_are_no_canary(
        text in "[ -~]{0,300}",
        writing in 0..Writing::ALL.len(),
    ) {
        let (_, canaries) = planted();
        let other = Canary::fresh().expect("randomness").text();
        let bytes = [text.as_bytes(), &Writing::ALL[writing].write(&other), text.as_bytes()].concat();
        prop_assert!(looked(&bytes, &[], &canaries).found.is_empty());
    }
}

#[test]
fn what_is_packed_four_times_is_not_opened() {
    let (canary, canaries) = planted();
    let mut bytes = canary.text().into_bytes();
    for _ in 0..=DEPTH_MAX {
        // Something that packs well, or the packer would leave the whole as it is.
        bytes = gzip(&[bytes, vec![b'a'; 20_000]].concat());
    }
    assert!(looked(&bytes, &[], &canaries).found.is_empty());
}

#[test]
fn a_value_of_many_blocks_is_unpacked_to_its_last_word() {
    let (canary, canaries) = planted();
    // Chance does not pack: each block stands for itself. Sameness packs to almost nothing.
    let chance: Vec<u8> =
        (0..40_000).flat_map(|_| base::seal::random::<16>().expect("randomness")).collect();
    for filler in [chance, vec![b'a'; 3 << 20]] {
        let whole = [filler.as_slice(), canary.text().as_bytes()].concat();
        for how in 0..3 {
            let packed = pack(how, &whole);
            let seen = looked(&packed, &[70_000, 200_000, 200_001], &canaries);
            assert_eq!(seen.canaries().collect::<Vec<_>>(), [0], "{how}");
        }
    }
}

#[test]
fn a_bomb_is_cut_off_and_counted() {
    let (_, canaries) = planted();
    // A frame of blocks, each one byte 128 Ki times: ten gigabytes of four bytes each.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for _ in 0..80_000 {
        bomb.extend_from_slice(&[0x02, 0x00, 0x10, b'a']);
    }
    let seen = looked(&bomb, &[], &canaries);
    assert_eq!(seen.unopened, 1);
    assert!(seen.unpacked_bytes <= UNPACKED_BYTES_MAX + (1 << 20), "{}", seen.unpacked_bytes);
    // A window that no decoder must have is not opened.
    let wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x02, 0x00, 0x10, b'a'];
    assert_eq!(looked(&wide, &[], &canaries).unopened, 1);
}
