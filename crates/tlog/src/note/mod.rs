//! Text with signatures under it: C2SP `signed-note`.

mod key;
mod message;
mod signature;
mod signer;
mod verifier;

pub use key::{Algorithm, KeyId, KeyName, NAME_BYTES_MAX};
pub use signature::{SIGNATURE_BYTES_MAX, Signature};
pub use signer::{Seed, Signer, SigningFailed};
pub use verifier::{MalformedKey, Refused, Verified, Verifier};

use std::fmt;

use crate::lines;

/// Bytes of the longest note: room for the signatures and some text.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;
/// Signatures under a note at most. C2SP asks for 16; each witness may leave two.
pub const SIGNATURES_MAX: usize = 64;

/// A text and the signatures under it, which nobody has verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// These bytes are no note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than a note may be.
    #[error("a note has at most {NOTE_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8, or with control characters.
    #[error("a note is UTF-8 without control characters")]
    NotText,
    /// The text is empty or does not end in a newline.
    #[error("the text of a note ends in a newline")]
    Text,
    /// No empty line divides text and signatures.
    #[error("a note has an empty line before its signatures")]
    NoSignatures,
    /// A line under the text is no signature.
    #[error("a line of the signatures is malformed")]
    Signature,
    /// More than there may be.
    #[error("a note has at most {SIGNATURES_MAX} signatures")]
    TooManySignatures,
}

impl Note {
    /// A text that nobody has signed yet.
    pub fn new(text: String) -> Result<Self, Malformed> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        if !lines::printable(&text) {
            return Err(Malformed::NotText);
        }
        if !text.ends_with('\n') {
            return Err(Malformed::Text);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note with at least one signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Malformed::NotText)?;
        // The last empty line divides: the text may have some of its own.
        let (text, signatures) = whole.rsplit_once("\n\n").ok_or(Malformed::NoSignatures)?;
        let mut note = Self::new(format!("{text}\n"))?;
        note.signatures = Signature::parse_lines(signatures)?;
        Ok(note)
    }

    /// What is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, by whomever.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, in the place of an older one of the same key.
    pub fn add(&mut self, signature: Signature) -> Result<(), Malformed> {
        self.signatures.retain(|other| !other.is_of_same_key(&signature));
        if self.signatures.len() >= SIGNATURES_MAX {
            return Err(Malformed::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Who of these signed it. Signatures of others are passed over; if one of a known key is
    /// wrong, or nobody known signed, the note is refused. Each verifier is named once.
    pub fn verify<'v>(&self, verifiers: &'v [Verifier]) -> Result<Vec<Verified<'v>>, Refused> {
        let mut verified = Vec::new();
        for verifier in verifiers {
            let of_it = self.signatures.iter().filter(|signature| verifier.made(signature));
            let mut found = None;
            for signature in of_it {
                let time_secs = verifier.verify(&self.text, signature)?;
                found = found.max(Some(time_secs));
            }
            verified.extend(found.map(|time_secs| Verified { verifier, time_secs }));
        }
        if verified.is_empty() { Err(Refused::NobodyKnown) } else { Ok(verified) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(f, "{signature}"))
    }
}
