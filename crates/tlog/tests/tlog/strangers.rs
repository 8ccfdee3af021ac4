//! Bytes of strangers.

use proptest::prelude::*;
use tlog::proof::Proof;
use tlog::tile::{Bundle, Tile};
use tlog::witness::{Request, cosignatures, known_size};
use tlog::{Checkpoint, Frontier, Note, Verifier};

use crate::keys;
use crate::small_log::SmallLog;

/// Whatever is read must be written again byte for byte.
fn read_everything(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _ = note.verify(&[keys::log().verifier().clone()]);
    }
    if let Ok(proof) = Proof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
    if let Ok(checkpoint) = Checkpoint::parse(&text) {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(key) = text.parse::<Verifier>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(tile) = Tile::from_path(&text) {
        assert_eq!(tile.path(), text);
    }
    if let Ok(bundle) = Bundle::from_path(&text) {
        assert_eq!(bundle.path(), text);
    }
    if let Ok(frontier) = Frontier::from_bytes(bytes) {
        assert_eq!(frontier.to_bytes(), bytes);
        let _ = frontier.root();
    }
    let bundle = Bundle::new(0, 3).expect("a bundle");
    if let Ok(entries) = bundle.decode(bytes) {
        assert_eq!(bundle.encode(&entries).as_deref(), Ok(bytes));
    }
    if let Some(size) = known_size(bytes) {
        assert_eq!(format!("{size}\n"), text);
    }
    let _ = cosignatures(bytes, &text, &[keys::witness().verifier().clone()]);
}

fn valid() -> Vec<Vec<u8>> {
    let log = SmallLog::of(7);
    let note = log.signed(7, &[&keys::log(), &keys::witness()]);
    let path = log.at(7).inclusion(3).expect("tiles");
    let older = log.at(7).consistency(3).expect("tiles");
    let proof = Proof::new(3, path, note.clone()).expect("a proof");
    let proof = proof.with_extra(b"beside".to_vec()).expect("extra");
    vec![
        note.to_string().into_bytes(),
        proof.to_string().into_bytes(),
        Request::new(3, older, note.clone()).expect("a request").to_string().into_bytes(),
        note.text().as_bytes().to_vec(),
        keys::log().verifier().to_string().into_bytes(),
        b"tile/3/x001/x234/067.p/12".to_vec(),
        b"tile/entries/x001/067.p/12".to_vec(),
        log.frontier.to_bytes(),
        vec![0, 1, 7, 0, 0, 0, 2, 7, 7],
        b"20852163\n".to_vec(),
        note.signatures()[1].to_string().into_bytes(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_strangers_are_read_or_refused_and_never_stop_us(
        which in 0..11usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..4),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        read_everything(&noise);
        let mut bytes = valid()[which].clone();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        read_everything(&bytes);
    }
}
