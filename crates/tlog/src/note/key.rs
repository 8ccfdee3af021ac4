//! What keys are called.

use std::fmt;

use crate::hash::Hash;

/// Bytes of the longest name: what an ML-DSA-44 cosignature can carry.
pub const NAME_BYTES_MAX: usize = 255;

/// The name of a key, as `example.com/log`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// A name without white space, plus signs and control characters.
    pub fn new(name: &str) -> Option<Self> {
        let strange = |c: char| c.is_whitespace() || c == '+' || c < ' ';
        let sound = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(strange);
        sound.then(|| Self(name.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four bytes that tell the keys of one name apart. They prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl KeyId {
    /// Of a key: it depends on the name and on the algorithm too.
    pub(crate) fn of(name: &KeyName, algorithm: Algorithm, public: &[u8]) -> Self {
        let hash = Hash::of([name.0.as_bytes(), b"\n", &[algorithm.byte()], public]);
        let [a, b, c, d, ..] = hash.0;
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519 over the text itself: any text.
    Ed25519,
    /// Ed25519 over a checkpoint and a time: `cosignature/v1`.
    CosignatureEd25519,
    /// ML-DSA-44 over a checkpoint, a time and the name of the key: `subtree/v1`.
    CosignatureMlDsa44,
}

impl Algorithm {
    /// The byte that C2SP gave it.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureEd25519 => 0x04,
            Self::CosignatureMlDsa44 => 0x06,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        let all = [Self::Ed25519, Self::CosignatureEd25519, Self::CosignatureMlDsa44];
        all.into_iter().find(|algorithm| algorithm.byte() == byte)
    }

    /// Bytes of a public key.
    pub(crate) fn public_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::CosignatureEd25519 => 32,
            Self::CosignatureMlDsa44 => 1312,
        }
    }

    /// Bytes of a signature, without the time.
    pub(crate) fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::CosignatureEd25519 => 64,
            Self::CosignatureMlDsa44 => 2420,
        }
    }
}
