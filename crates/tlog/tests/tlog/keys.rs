//! Keys of the tests.

use tlog::Signer;
use tlog::note::{Algorithm, KeyName, Seed};

/// When cosigners sign.
pub(crate) const TIME: u64 = 1_679_315_147;

pub(crate) fn signer(name: &str, algorithm: Algorithm, seed: u8) -> Signer {
    let name = KeyName::new(name).expect("a name");
    Signer::new(name, algorithm, &Seed::from_bytes(&[seed; 32])).expect("a key")
}

/// The key of the log.
pub(crate) fn log() -> Signer {
    signer(crate::small_log::ORIGIN, Algorithm::Ed25519, 1)
}

/// A witness's key of Ed25519.
pub(crate) fn witness() -> Signer {
    signer("witness.example/w1", Algorithm::CosignatureEd25519, 2)
}

/// The same witness's key of ML-DSA-44.
pub(crate) fn witness_mldsa() -> Signer {
    signer("witness.example/w1", Algorithm::CosignatureMlDsa44, 3)
}
