//! Programs that share no code with ours.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tlog::Proof;

use crate::keys;
use crate::small_log::{ORIGIN, SmallLog, entry};

#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
fn python() -> Option<String> {
    // `cargo xtask test` installs the judge beside the Python client.
    std::env::var("PORTICO_TEST_PYTHON").ok()
}

#[test]
fn programs_of_others_accept_what_we_prove_and_refuse_what_was_altered() {
    let Some(python) = python() else { return };
    let (log_key, witness, mldsa) = (keys::log(), keys::witness(), keys::witness_mldsa());
    let signers = [&log_key, &witness, &mldsa];
    let vkeys = signers.map(|signer| signer.verifier().to_string());
    let mut log = SmallLog::default();
    let mut cases = Vec::new();
    for size in (1..=20).chain([255, 256, 257, 1_000, 65_537]) {
        log.grow(size);
        let note = log.signed(size, &signers);
        for index in [0, size / 3, size / 2, size - 1] {
            let path = log.at(size).inclusion(index).expect("tiles");
            let proof = Proof::new(index, path, note.clone()).expect("a proof").to_string();
            let entry = STANDARD.encode(entry(index));
            cases.push(json!({
                "index": index, "entry": entry, "proof": proof,
                "origin": ORIGIN, "keys": vkeys, "time": keys::TIME,
            }));
        }
    }
    let count = cases.len();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tlog/judge.py");
    let mut judge = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the judge runs");
    let mut stdin = judge.stdin.take().expect("its input");
    stdin.write_all(json!(cases).to_string().as_bytes()).expect("reads");
    drop(stdin);
    let judged = judge.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
    // A tree of one leaf has no path that could be altered.
    let altered = count - 4;
    let expected = format!("held {count}, refused {altered}, cosignatures {}\n", 2 * count);
    assert_eq!(said, expected);
}
