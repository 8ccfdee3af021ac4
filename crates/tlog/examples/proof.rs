//! What a proof costs in a tree of a thousand million entries:
//! `cargo run --release -p tlog --example proof`. Fails if a bar is missed.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers stops at the first surprise"
)]

#[path = "../tests/tlog/imagined.rs"]
mod imagined;

use std::hint::black_box;
use std::time::{Duration, Instant};

use imagined::{ENTRY, Imagined};
use tlog::note::{Algorithm, KeyName, Seed};
use tlog::proof::{Proof, verify_inclusion};
use tlog::{Frontier, Hash, Signer, Verifier};

const SIZE: u64 = 1_000_000_000;
const ORIGIN: &str = "portico.example/cell/01JGFJJZ00000000000000000";
const ROUNDS: usize = 2_000;
const HASHES: usize = 30;
const TEXT_BYTES_MAX: usize = 2_048;
const TILES_MAX: usize = 6;
const VERIFY_MAX: Duration = Duration::from_micros(250);

fn main() {
    let tree = Imagined { size: SIZE, index: 123_456_789 };
    let (path, tiles) = tree.path(None);
    println!("tree of {SIZE} entries, entry {}", tree.index);
    println!("hashes in the inclusion proof       {:>9}   (bar {HASHES})", path.len());
    println!("tiles read                          {tiles:>9}   (bar {TILES_MAX})");
    let frontier = tree.frontier();
    println!("tiles read, frontier at hand        {:>9}", tree.path(Some(&frontier)).1);
    let unlucky = Imagined { size: SIZE + 77, ..tree };
    println!("tiles read at {} entries    {:>9}", unlucky.size, unlucky.path(None).1);
    println!("bytes of the frontier               {:>9}", frontier.to_bytes().len());

    let log = signer(ORIGIN, Algorithm::Ed25519, 1);
    let witness = signer("witness.customer.example", Algorithm::CosignatureEd25519, 2);
    let mldsa = signer("witness.customer.example", Algorithm::CosignatureMlDsa44, 3);
    let plain = tree.proof(ORIGIN, &[&log]);
    let witnessed = tree.proof(ORIGIN, &[&log, &witness]);
    let quantum = tree.proof(ORIGIN, &[&log, &witness, &mldsa]);
    let bytes = [&plain, &witnessed, &quantum].map(|proof| proof.to_string().len());
    println!("bytes of the file, signed           {:>9}", bytes[0]);
    println!("bytes of the file, and a witness    {:>9}   (bar {TEXT_BYTES_MAX})", bytes[1]);
    println!("bytes of the file, and ML-DSA-44    {:>9}", bytes[2]);

    let leaf = Hash::of_leaf(ENTRY);
    let root = frontier.root();
    let walked = median(|| {
        verify_inclusion(black_box(&leaf), tree.index, SIZE, &path, &root).expect("proven");
    });
    println!("verify the path                     {walked:>9.1?}   (bar {VERIFY_MAX:?})");
    let known = [&log, &witness, &mldsa].map(|signer| signer.verifier().clone());
    let read_and_verify = |proof: &Proof, known: &[Verifier]| {
        let text = proof.to_string();
        median(|| {
            let proof = Proof::parse(black_box(text.as_bytes())).expect("a proof");
            let proven = proof.verify(&leaf, ORIGIN, known).expect("proven");
            assert_eq!(proven.verified.len(), known.len());
        })
    };
    let whole = read_and_verify(&witnessed, &known[..2]);
    println!("read and verify all of the file     {whole:>9.1?}   (bar {VERIFY_MAX:?})");
    let all = read_and_verify(&quantum, &known);
    println!("read and verify, ML-DSA-44 too      {all:>9.1?}");
    let mut growing = Frontier::new();
    let appended = median(|| {
        growing.append(black_box(leaf), |_, _| ()).expect("room");
    });
    println!("append a leaf hash                  {appended:>9.1?}");

    assert_eq!(path.len(), HASHES);
    assert!(tiles <= TILES_MAX && bytes[1] <= TEXT_BYTES_MAX);
    assert!(walked <= VERIFY_MAX && whole <= VERIFY_MAX);
}

fn signer(name: &str, algorithm: Algorithm, seed: u8) -> Signer {
    let name = KeyName::new(name).expect("a name");
    Signer::new(name, algorithm, &Seed::from_bytes(&[seed; 32])).expect("a key")
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
