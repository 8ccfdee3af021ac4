//! Signatures: of whom they count, and what they cover.

use tlog::note::{Algorithm, KeyName, Malformed, Refused, Seed, SigningFailed};
use tlog::{Checkpoint, Note, Signer, Verifier};

use crate::keys::{self, TIME};
use crate::small_log::{ORIGIN, SmallLog, signed};

/// From the documentation of Go's `sumdb/note`: Ed25519 signs the same text alike everywhere.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
";
const GO_SEED: [u8; 32] = [
    0x81, 0x0a, 0x14, 0x02, 0xd5, 0x14, 0x6c, 0x8d, 0x84, 0xf2, 0x44, 0x33, 0x30, 0xf5, 0x40, 0x80,
    0xeb, 0xf9, 0x8e, 0xe1, 0x7d, 0x9c, 0x74, 0xf6, 0x25, 0x2f, 0xc5, 0xd5, 0xc7, 0x28, 0x31, 0x73,
];

fn verifiers(signers: &[&Signer]) -> Vec<Verifier> {
    signers.iter().map(|signer| signer.verifier().clone()).collect()
}

#[test]
fn a_note_of_go_is_understood_and_written_alike() {
    let key: Verifier = GO_KEY.parse().expect("a key");
    let note = Note::parse(GO_NOTE.as_bytes()).expect("a note");
    let verified = note.verify(std::slice::from_ref(&key)).expect("its signature");
    assert_eq!((verified[0].verifier, verified[0].time_secs), (&key, None));
    let name = KeyName::new("PeterNeumann").expect("a name");
    let signer = Signer::new(name, Algorithm::Ed25519, &Seed::from_bytes(&GO_SEED)).expect("a key");
    assert_eq!(signer.verifier().to_string(), GO_KEY);
    let mut again = Note::new(note.text().to_owned()).expect("a text");
    again.add(signer.sign(again.text(), 0).expect("signs")).expect("room");
    assert_eq!(again.to_string(), GO_NOTE);
}

#[test]
fn signatures_of_strangers_are_passed_over_and_wrong_ones_refuse_the_note() {
    let log = SmallLog::of(3);
    let (ours, witness, mldsa) = (keys::log(), keys::witness(), keys::witness_mldsa());
    let stranger = keys::signer(ORIGIN, Algorithm::Ed25519, 9);
    let mut note = log.signed(3, &[&stranger, &ours, &witness, &mldsa]);
    let known = verifiers(&[&mldsa, &ours]);
    let verified = note.verify(&known).expect("two known");
    let times: Vec<_> = verified.iter().map(|by| by.time_secs).collect();
    assert_eq!(times, [Some(TIME), None]);
    assert_eq!(
        note.verify(&verifiers(&[&keys::signer("else", Algorithm::Ed25519, 1)])),
        Err(Refused::NobodyKnown)
    );

    // A later cosignature of a key takes the place of the earlier one.
    note.add(witness.sign(note.text(), TIME + 5).expect("signs")).expect("room");
    assert_eq!(note.signatures().len(), 4);
    let found = note.verify(&verifiers(&[&witness])).expect("known")[0].time_secs;
    assert_eq!(found, Some(TIME + 5));

    // The same line twice does not make two cosigners.
    let line = note.signatures()[3].to_string();
    let twice = Note::parse(format!("{note}{line}").as_bytes()).expect("a note");
    assert_eq!(twice.verify(&verifiers(&[&witness])).map(|by| by.len()), Ok(1));

    // A signature over another checkpoint, under the name and id of a known key.
    let other = SmallLog::of(4);
    for signer in [&ours, &witness, &mldsa] {
        let mut wrong = log.signed(3, &[&ours]);
        let elsewhere = signer.sign(&other.checkpoint(4).to_string(), TIME).expect("signs");
        let wrong_line = elsewhere.to_string();
        wrong.add(elsewhere).expect("room");
        assert_eq!(wrong.verify(&verifiers(&[&ours, signer])), Err(Refused::WrongSignature));
        let beside = Note::parse(format!("{note}{wrong_line}").as_bytes()).expect("a note");
        assert_eq!(beside.verify(&verifiers(&[&ours, signer])), Err(Refused::WrongSignature));
    }
}

#[test]
fn cosigners_sign_checkpoints_alone_and_nothing_that_they_do_not_cover() {
    let checkpoint = SmallLog::of(3).checkpoint(3);
    let extended = checkpoint.clone().with_extension("an extension").expect("room");
    let (witness, mldsa) = (keys::witness(), keys::witness_mldsa());
    for signer in [&witness, &mldsa] {
        assert_eq!(signer.sign("a text\n", TIME), Err(SigningFailed::NotACheckpoint));
        assert_eq!(signer.sign(&checkpoint.to_string(), 1 << 63), Err(SigningFailed::Time));
    }
    assert_eq!(mldsa.sign(&extended.to_string(), TIME), Err(SigningFailed::NotACheckpoint));
    let mut note = signed(&checkpoint, &[&mldsa]).to_string();
    note.insert_str(checkpoint.to_string().len(), "an extension\n");
    let note = Note::parse(note.as_bytes()).expect("a note");
    assert_eq!(note.verify(&verifiers(&[&mldsa])), Err(Refused::WrongSignature));
    let note = signed(&extended, &[&witness]);
    let known = verifiers(&[&witness]);
    let (opened, _) = Checkpoint::open(&note, ORIGIN, &known).expect("believed");
    assert_eq!(opened.extensions(), ["an extension"]);
    assert!(Checkpoint::open(&note, "another.example", &known).is_err());
    // One seed for both algorithms: no text passes for the word of a witness.
    let log = keys::signer("both", Algorithm::Ed25519, 2);
    let message = format!("cosignature/v1\ntime {TIME}\n{checkpoint}");
    assert_eq!(log.sign(&message, TIME), Err(SigningFailed::NotACheckpoint));
}

#[test]
fn notes_have_bounds_and_one_shape() {
    let note = SmallLog::of(1).signed(1, &[&keys::log()]).to_string();
    let line = note.lines().last().expect("a line");
    let text = "text\n";
    assert!(Note::parse(format!("{text}\n{line}\n").as_bytes()).is_ok());
    let with_empty_lines = format!("one\n\n\ntwo\n\n{line}\n");
    let parsed = Note::parse(with_empty_lines.as_bytes()).expect("a note");
    assert_eq!((parsed.text(), parsed.to_string()), ("one\n\n\ntwo\n", with_empty_lines));
    for (wrong, why) in [
        (format!("{text}\n"), Malformed::NoSignatures),
        (text.to_owned(), Malformed::NoSignatures),
        (format!("{text}{line}\n"), Malformed::NoSignatures),
        (format!("{text}\n{line}"), Malformed::Signature),
        (format!("{text}\n{line} \n"), Malformed::Signature),
        (format!("{text}\n{line}\n\u{2014} name AAAAAA==\n"), Malformed::Signature),
        (format!("{text}\n\u{2014} a+b AAAAAAA=\n"), Malformed::Signature),
        (format!("{text}\n\u{2014}  AAAAAAA=\n"), Malformed::Signature),
        (format!("te\txt\n\n{line}\n"), Malformed::NotText),
        (format!("{text}\n{}", format!("{line}\n").repeat(65)), Malformed::TooManySignatures),
        ("a".repeat(256 * 1024 + 1), Malformed::TooLong),
    ] {
        assert_eq!(Note::parse(wrong.as_bytes()), Err(why), "{wrong:?}");
    }
    assert_eq!(Note::new("no end".to_owned()), Err(Malformed::Text));
    let mut full = Note::new(text.to_owned()).expect("a text");
    for seed in 0..64 {
        let signer = keys::signer("many", Algorithm::Ed25519, seed);
        full.add(signer.sign(text, 0).expect("signs")).expect("room");
    }
    let one_more = keys::signer("more", Algorithm::Ed25519, 64).sign(text, 0).expect("signs");
    assert_eq!(full.add(one_more), Err(Malformed::TooManySignatures));
}

#[test]
fn keys_show_no_secret() {
    let seed = Seed::generate().expect("randomness");
    assert_eq!(format!("{seed:?}"), "[secret]");
    let seed = Seed::from_bytes(&[7; 32]);
    for algorithm in [Algorithm::Ed25519, Algorithm::CosignatureMlDsa44] {
        let name = KeyName::new("log.example").expect("a name");
        let signer = Signer::new(name, algorithm, &seed).expect("a key");
        let shown = format!("{signer:?}");
        assert!(shown.contains("log.example") && !shown.contains("7, 7, 7"), "{shown}");
        assert!(!shown.contains("pair"), "{shown}");
    }
    assert_ne!(Seed::generate().expect("one").reveal(), Seed::generate().expect("two").reveal());
}
