//! What was altered proves nothing.

use tlog::proof::{Proof, verify_consistency, verify_inclusion};
use tlog::{Hash, Verifier};

use crate::keys;
use crate::small_log::{ORIGIN, SmallLog, entry};

/// Every path that differs from this one by one bit in each byte, or by one hash.
fn alterations(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..path.len() {
        for byte in 0..32 {
            let mut flipped = path.to_vec();
            flipped[at].0[byte] ^= 1 << (byte % 8);
            all.push(flipped);
        }
        let mut shorter = path.to_vec();
        shorter.remove(at);
        all.push(shorter);
        let mut doubled = path.to_vec();
        doubled.insert(at, path[at]);
        all.push(doubled);
        if at > 0 {
            let mut exchanged = path.to_vec();
            exchanged.swap(at - 1, at);
            all.push(exchanged);
        }
    }
    for hash in [Hash::EMPTY, Hash([0; 32])] {
        all.push([path, &[hash]].concat());
        all.push([&[hash], path].concat());
    }
    all
}

#[test]
fn no_altered_inclusion_proof_verifies() {
    for size in (1..=17).chain([63, 64, 65, 300]) {
        let log = SmallLog::of(size);
        let root = log.frontier.root();
        for index in (0..size).step_by(if size > 20 { 13 } else { 1 }) {
            let leaf = Hash::of_leaf(&entry(index));
            let path = log.at(size).inclusion(index).expect("tiles");
            for altered in alterations(&path) {
                assert!(verify_inclusion(&leaf, index, size, &altered, &root).is_err());
            }
            for other in (0..=size).filter(|other| *other != index) {
                assert!(verify_inclusion(&leaf, other, size, &path, &root).is_err());
            }
            let other = Hash::of_leaf(&entry(index + 1));
            assert!(verify_inclusion(&other, index, size, &path, &root).is_err());
            // A node is never taken for a leaf.
            if let [sibling, rest @ ..] = &path[..] {
                let (left, right) =
                    if index & 1 == 0 { (&leaf, sibling) } else { (sibling, &leaf) };
                let node = [&[1][..], &left.0, &right.0].concat();
                let forged = Hash::of_leaf(&node[1..]);
                assert!(verify_inclusion(&forged, index / 2, size / 2, rest, &root).is_err());
            }
        }
    }
}

#[test]
fn no_altered_consistency_proof_verifies() {
    for size in (1..=17).chain([64, 65, 300]) {
        let log = SmallLog::of(size);
        let root = log.frontier.root();
        for old in (0..=size).step_by(if size > 20 { 31 } else { 1 }) {
            let old_root = SmallLog::of(old).frontier.root();
            let path = log.at(size).consistency(old).expect("tiles");
            assert_eq!(verify_consistency((old, &old_root), (size, &root), &path), Ok(()));
            for altered in alterations(&path) {
                let verdict = verify_consistency((old, &old_root), (size, &root), &altered);
                assert!(verdict.is_err(), "{old} to {size}: {altered:?}");
            }
            let other = Hash::of_leaf(b"another root");
            assert!(verify_consistency((old, &other), (size, &root), &path).is_err());
            // Of no leaves every tree is a continuation.
            if old > 0 {
                assert!(verify_consistency((old, &old_root), (size, &other), &path).is_err());
            }
            if old < size {
                assert!(verify_consistency((size, &root), (old, &old_root), &path).is_err());
            }
        }
    }
}

#[test]
fn every_bit_of_a_proof_file_counts() {
    let log = SmallLog::of(1_000);
    let (log_key, witness, mldsa) = (keys::log(), keys::witness(), keys::witness_mldsa());
    let leaf = Hash::of_leaf(&entry(617));
    let path = log.at(1_000).inclusion(617).expect("tiles");
    for (signers, bits) in [(vec![&log_key, &witness], 8), (vec![&log_key, &mldsa], 1)] {
        let verifiers: Vec<Verifier> =
            signers.iter().map(|signer| signer.verifier().clone()).collect();
        let note = log.signed(1_000, &signers);
        let proof = Proof::new(617, path.clone(), note).expect("a proof");
        // Whoever relies on a proof says who must have signed: here both.
        let holds = |bytes: &[u8]| {
            let proof = Proof::parse(bytes).ok()?;
            let proven = proof.verify(&leaf, ORIGIN, &verifiers).ok()?;
            (proven.verified.len() == 2).then_some(())
        };
        let text = proof.to_string().into_bytes();
        assert_eq!(holds(&text), Some(()));
        for at in 0..text.len() {
            for bit in 0..bits {
                let mut flipped = text.clone();
                flipped[at] ^= 1 << ((at + bit) % 8);
                assert_eq!(holds(&flipped), None, "bit {bit} of byte {at}");
            }
            assert_eq!(holds(&text[..at]), None, "cut off at {at}");
            let doubled = [&text[..at], &text[at..=at], &text[at..]].concat();
            assert_eq!(holds(&doubled), None, "byte {at} twice");
        }
    }
}
