//! Keys that we hold the secret of.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
use zeroize::Zeroizing;

use super::key::{Algorithm, KeyName};
use super::message::message;
use super::signature::Signature;
use super::verifier::Verifier;
use crate::tree::SIZE_MAX;

/// Bytes of a seed, of each algorithm.
const SEED_BYTES: usize = 32;

/// What a key is made from: the secret to keep. Wiped when it is dropped.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; SEED_BYTES]>);

impl Seed {
    /// A seed out of randomness.
    pub fn generate() -> Result<Self, SigningFailed> {
        let mut seed = Self(Zeroizing::new([0; SEED_BYTES]));
        rand::fill(seed.0.as_mut()).map_err(|_| SigningFailed::Unavailable)?;
        Ok(seed)
    }

    /// A seed that was kept.
    pub fn from_bytes(bytes: &[u8; SEED_BYTES]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Its bytes, for who keeps them sealed.
    pub fn reveal(&self) -> &[u8; SEED_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Why something was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningFailed {
    /// The library has no randomness, or does not take the seed.
    #[error("the cryptographic library did not sign")]
    Unavailable,
    /// This algorithm signs nothing but checkpoints, with ML-DSA-44 of three lines.
    #[error("this algorithm makes no statement about such a text")]
    NotACheckpoint,
    /// No time that a cosignature can state.
    #[error("a cosignature cannot state such a time")]
    Time,
}

enum Pair {
    // The library wipes what it frees.
    Ed25519(Ed25519KeyPair),
    MlDsa44(PqdsaKeyPair),
}

impl Pair {
    fn public(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::MlDsa44(pair) => pair.public_key().as_ref(),
        }
    }
}

/// A key that signs, with its name.
pub struct Signer {
    verifier: Verifier,
    pair: Arc<Pair>,
}

impl Signer {
    /// The key of this name and seed.
    pub fn new(name: KeyName, algorithm: Algorithm, seed: &Seed) -> Result<Self, SigningFailed> {
        let seed = seed.reveal();
        let pair = match algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureEd25519 => {
                Ed25519KeyPair::from_seed_unchecked(seed).map(Pair::Ed25519)
            }
            Algorithm::CosignatureMlDsa44 => {
                PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed).map(Pair::MlDsa44)
            }
        }
        .map_err(|_| SigningFailed::Unavailable)?;
        Self::of(name, algorithm, Arc::new(pair))
    }

    /// The same key under another name: nothing is derived anew.
    pub fn named(&self, name: KeyName) -> Result<Self, SigningFailed> {
        Self::of(name, self.verifier.algorithm(), Arc::clone(&self.pair))
    }

    fn of(name: KeyName, algorithm: Algorithm, pair: Arc<Pair>) -> Result<Self, SigningFailed> {
        let verifier = Verifier::new(name, algorithm, pair.public());
        Ok(Self { verifier: verifier.map_err(|_| SigningFailed::Unavailable)?, pair })
    }

    /// What others verify with.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs the text of a note. A cosignature states the time, in seconds since 1970; plain
    /// Ed25519 states none.
    pub fn sign(&self, text: &str, time_secs: u64) -> Result<Signature, SigningFailed> {
        if time_secs > SIZE_MAX {
            return Err(SigningFailed::Time);
        }
        let (algorithm, name) = (self.verifier.algorithm(), self.verifier.name());
        let message =
            message(algorithm, name, time_secs, text).ok_or(SigningFailed::NotACheckpoint)?;
        let mut bytes = match algorithm {
            Algorithm::Ed25519 => Vec::new(),
            Algorithm::CosignatureEd25519 | Algorithm::CosignatureMlDsa44 => {
                time_secs.to_be_bytes().to_vec()
            }
        };
        match &*self.pair {
            Pair::Ed25519(pair) => {
                let signature = pair.try_sign(&message).map_err(|_| SigningFailed::Unavailable)?;
                bytes.extend_from_slice(signature.as_ref());
            }
            Pair::MlDsa44(pair) => {
                let mut signature = vec![0; algorithm.signature_bytes()];
                pair.sign(&message, &mut signature).map_err(|_| SigningFailed::Unavailable)?;
                bytes.extend_from_slice(&signature);
            }
        }
        Ok(Signature::new(name.clone(), self.verifier.id(), bytes))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
