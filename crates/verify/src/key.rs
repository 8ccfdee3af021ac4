//! Public keys, as C2SP `signed-note` and `tlog-cosignature` write them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use ml_dsa::MlDsa44;

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::{Signature, is_name};

/// Bytes of a key in text at most.
const TEXT_BYTES_MAX: usize = 4096;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Ed25519 over the text of a note.
    Ed25519,
    /// Ed25519 over a checkpoint and a time: `cosignature/v1`.
    CosignatureEd25519,
    /// ML-DSA-44 over a checkpoint and a time: `subtree/v1`.
    CosignatureMlDsa44,
}

/// A public key with its name: `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    algorithm: Algorithm,
    public: Vec<u8>,
}

/// This is no verifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Not `name+id+base64`.
    #[error("a verifier key is a name, eight hexadecimal digits and base64, with `+` between")]
    Text,
    /// Not an algorithm that we verify.
    #[error("the key is of an algorithm that is not verified here")]
    Algorithm,
    /// The id belongs to another name or key.
    #[error("the id does not belong to this name and key")]
    Id,
}

/// A signature that is not by the key that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotByIt;

impl VerifierKey {
    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key under another name: a cell signs its directory with the keys of its logs.
    pub(crate) fn named(&self, name: &str) -> Self {
        let id = id(name, &self.bytes());
        Self { name: name.to_owned(), id, ..self.clone() }
    }

    /// The byte of its algorithm, and the key.
    fn bytes(&self) -> Vec<u8> {
        let byte = match self.algorithm {
            Algorithm::Ed25519 => 1,
            Algorithm::CosignatureEd25519 => 4,
            Algorithm::CosignatureMlDsa44 => 6,
        };
        [&[byte], &self.public[..]].concat()
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this signature says that it is by this key.
    pub(crate) fn made(&self, signature: &Signature) -> bool {
        self.id == signature.id && self.name == signature.name
    }

    /// Whether this is a key of the log itself: its name is that of the org's log, or of the
    /// cell's that it is a part of.
    pub(crate) fn is_of_log(&self, origin: &str) -> bool {
        self.name == origin || origin.rsplit_once('/').is_some_and(|(cell, _)| self.name == cell)
    }

    /// Verifies a signature under a checkpoint; the time is what it states, in seconds.
    pub(crate) fn verify(
        &self,
        text: &str,
        checkpoint: &Checkpoint,
        signature: &Signature,
    ) -> Result<Option<u64>, NotByIt> {
        let timed = || {
            let (time, bytes) = signature.bytes.split_first_chunk().ok_or(NotByIt)?;
            let time = u64::from_be_bytes(*time);
            if time > i64::MAX.cast_unsigned() { Err(NotByIt) } else { Ok((time, bytes)) }
        };
        match self.algorithm {
            Algorithm::Ed25519 => {
                self.ed25519(text.as_bytes(), &signature.bytes)?;
                Ok(None)
            }
            Algorithm::CosignatureEd25519 => {
                let (time, bytes) = timed()?;
                self.ed25519(format!("cosignature/v1\ntime {time}\n{text}").as_bytes(), bytes)?;
                Ok(Some(time))
            }
            Algorithm::CosignatureMlDsa44 => {
                let (time, bytes) = timed()?;
                let message = subtree(&self.name, time, checkpoint).ok_or(NotByIt)?;
                self.ml_dsa_44(&message, bytes)?;
                Ok(Some(time).filter(|time| *time > 0))
            }
        }
    }

    /// Verifies an Ed25519 signature of a message.
    pub(crate) fn ed25519(&self, message: &[u8], signature: &[u8]) -> Result<(), NotByIt> {
        let public = self.public.as_slice().try_into().map_err(|_| NotByIt)?;
        let key = VerifyingKey::from_bytes(public).map_err(|_| NotByIt)?;
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| NotByIt)?;
        key.verify_strict(message, &signature).map_err(|_| NotByIt)
    }

    fn ml_dsa_44(&self, message: &[u8], signature: &[u8]) -> Result<(), NotByIt> {
        let public = self.public.as_slice().try_into().map_err(|_| NotByIt)?;
        let key = ml_dsa::VerifyingKey::<MlDsa44>::decode(public);
        let signature = ml_dsa::Signature::try_from(signature).map_err(|_| NotByIt)?;
        if key.verify_with_context(message, &[], &signature) { Ok(()) } else { Err(NotByIt) }
    }
}

/// The id of a key of this name.
fn id(name: &str, key: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = Hash::of(&[name.as_bytes(), b"\n", key]).0;
    [a, b, c, d]
}

/// What an ML-DSA-44 cosigner signs.
fn subtree(name: &str, time: u64, checkpoint: &Checkpoint) -> Option<Vec<u8>> {
    // It would say nothing of lines behind the root.
    if checkpoint.extended {
        return None;
    }
    let mut message = b"subtree/v1\n\0".to_vec();
    message.push(u8::try_from(name.len()).ok()?);
    message.extend(name.as_bytes());
    message.extend(time.to_be_bytes());
    message.push(u8::try_from(checkpoint.origin.len()).ok()?);
    message.extend(checkpoint.origin.as_bytes());
    message.extend(0u64.to_be_bytes());
    message.extend(checkpoint.size.to_be_bytes());
    message.extend(checkpoint.root.0);
    Some(message)
}

impl FromStr for VerifierKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NotAKey::Text);
        };
        if text.len() > TEXT_BYTES_MAX || !is_name(name) {
            return Err(NotAKey::Text);
        }
        let key = STANDARD.decode(key).map_err(|_| NotAKey::Text)?;
        let (byte, public) = key.split_first().ok_or(NotAKey::Text)?;
        let algorithm = match (byte, public.len()) {
            (1, 32) => Algorithm::Ed25519,
            (4, 32) => Algorithm::CosignatureEd25519,
            (6, 1312) => Algorithm::CosignatureMlDsa44,
            _ => return Err(NotAKey::Algorithm),
        };
        let id = id(name, &key);
        let key = Self { name: name.to_owned(), id, algorithm, public: public.to_vec() };
        if key.to_string() == text { Ok(key) } else { Err(NotAKey::Id) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, key) = (u32::from_be_bytes(self.id), self.bytes());
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }
}
