//! One line under a note.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{KeyId, KeyName};
use super::{Malformed, SIGNATURES_MAX};
use crate::lines;

/// Bytes of the longest signature, of an algorithm that we need not know.
pub const SIGNATURE_BYTES_MAX: usize = 8 * 1024;
/// Begins the line: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// By a key of this name and id, says the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl Signature {
    pub(super) fn new(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Reads lines of signatures: one at least.
    pub fn parse_lines(mut text: &str) -> Result<Vec<Self>, Malformed> {
        let mut signatures = Vec::new();
        while !text.is_empty() {
            if signatures.len() >= SIGNATURES_MAX {
                return Err(Malformed::TooManySignatures);
            }
            let line = lines::take(&mut text).ok_or(Malformed::Signature)?;
            signatures.push(Self::parse(line).ok_or(Malformed::Signature)?);
        }
        if signatures.is_empty() { Err(Malformed::NoSignatures) } else { Ok(signatures) }
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
        if base64.len() > SIGNATURE_BYTES_MAX.div_ceil(3) * 4 {
            return None;
        }
        let bytes = STANDARD.decode(base64).ok()?;
        let (id, bytes) = bytes.split_first_chunk()?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self::new(KeyName::new(name)?, KeyId(*id), bytes.to_vec()))
    }

    /// The name of the key, as the line says.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key, as the line says.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What follows the id: the signature, in cosignatures after the time.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_of_same_key(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base64 = STANDARD.encode([&self.id.0[..], &self.bytes].concat());
        writeln!(f, "{DASH}{} {base64}", self.name)
    }
}
