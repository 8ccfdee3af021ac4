//! Keys that others hold the secret of.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{Algorithm, KeyId, KeyName, NAME_BYTES_MAX};
use super::message::message;
use super::signature::Signature;
use crate::tree::SIZE_MAX;

/// Bytes of the longest key in text: a name, an id, and the base64 of an ML-DSA-44 key.
const TEXT_BYTES_MAX: usize = NAME_BYTES_MAX + 10 + 1752;

/// A public key with its name and its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: KeyName,
    id: KeyId,
    algorithm: Algorithm,
    public: Vec<u8>,
}

/// Who signed a note, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'v> {
    /// The key.
    pub verifier: &'v Verifier,
    /// The time that a cosignature states, in seconds since 1970; the latest, if there are
    /// several. Zero of ML-DSA-44 states none.
    pub time_secs: Option<u64>,
}

/// This is no verifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// Not `name+id+base64`.
    #[error("a verifier key is a name, eight hexadecimal digits and base64, with `+` between")]
    Text,
    /// An algorithm that we do not verify.
    #[error("the algorithm of the key is not known")]
    Algorithm,
    /// Not as long as keys of its algorithm.
    #[error("the key does not have the length that its algorithm asks for")]
    Length,
    /// The id is of another key.
    #[error("the id does not belong to this name and key")]
    Id,
}

/// Why the signatures of a note do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No known key.
    #[error("no known key signed it")]
    NobodyKnown,
    /// A signature that bears the name and id of a known key is not by it.
    #[error("a signature of a known key does not verify")]
    WrongSignature,
}

impl Verifier {
    /// A public key: 32 bytes of Ed25519, or 1,312 of ML-DSA-44.
    pub fn new(name: KeyName, algorithm: Algorithm, public: &[u8]) -> Result<Self, MalformedKey> {
        if public.len() != algorithm.public_bytes() {
            return Err(MalformedKey::Length);
        }
        let id = KeyId::of(&name, algorithm, public);
        Ok(Self { name, id, algorithm, public: public.to_vec() })
    }

    /// The name of the key.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key itself.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Whether this signature says that it is by this key.
    pub fn made(&self, signature: &Signature) -> bool {
        self.id == signature.id() && self.name == *signature.name()
    }

    /// That the key signed this text; and when, if it says so.
    pub fn verify(&self, text: &str, signature: &Signature) -> Result<Option<u64>, Refused> {
        let wrong = Refused::WrongSignature;
        if !self.made(signature) {
            return Err(Refused::NobodyKnown);
        }
        let (time_secs, bytes) = match self.algorithm {
            Algorithm::Ed25519 => (None, signature.bytes()),
            Algorithm::CosignatureEd25519 | Algorithm::CosignatureMlDsa44 => {
                let (time, bytes) = signature.bytes().split_first_chunk().ok_or(wrong)?;
                (Some(u64::from_be_bytes(*time)), bytes)
            }
        };
        if bytes.len() != self.algorithm.signature_bytes() || time_secs > Some(SIZE_MAX) {
            return Err(wrong);
        }
        let time = time_secs.unwrap_or_default();
        let message = message(self.algorithm, &self.name, time, text).ok_or(wrong)?;
        let verified = match self.algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureEd25519 => {
                UnparsedPublicKey::new(&ED25519, &self.public).verify(&message, bytes)
            }
            Algorithm::CosignatureMlDsa44 => {
                UnparsedPublicKey::new(&ML_DSA_44, &self.public).verify(&message, bytes)
            }
        };
        verified.map(|()| time_secs).map_err(|_| wrong)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[self.algorithm.byte()], &self.public[..]].concat());
        write!(f, "{}+{}+{key}", self.name, self.id)
    }
}

impl FromStr for Verifier {
    type Err = MalformedKey;

    /// Reads `name+id+base64`; each key has one such text.
    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(MalformedKey::Text);
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(MalformedKey::Text);
        };
        let name = KeyName::new(name).ok_or(MalformedKey::Text)?;
        let key = STANDARD.decode(key).map_err(|_| MalformedKey::Text)?;
        let (algorithm, public) = key.split_first().ok_or(MalformedKey::Text)?;
        let algorithm = Algorithm::from_byte(*algorithm).ok_or(MalformedKey::Algorithm)?;
        let verifier = Self::new(name, algorithm, public)?;
        if verifier.to_string() == text { Ok(verifier) } else { Err(MalformedKey::Id) }
    }
}
