//! Bytes of a store: looked through to their end, the same wherever reading stops.
#![no_main]

use attest::canary::Canaries;
use attest::scan::{Scan, Seen};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let canaries = Canaries::default();
    let mut whole = Seen::default();
    Scan::value(bytes, &canaries, &mut whole);
    let (mut scan, mut cut) = (Scan::new(), Seen::default());
    let piece = usize::from(bytes.first().copied().unwrap_or_default()) + 1;
    for bytes in bytes.chunks(piece) {
        scan.feed(bytes, &canaries, &mut cut);
    }
    scan.end(&canaries, &mut cut);
    // How many things are open at once depends on where reading stops.
    assert_eq!(whole.bytes, cut.bytes);
    assert!(whole.found.is_empty() && cut.found.is_empty());
});
