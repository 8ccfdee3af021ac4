//! Certificates: what signatures of an identity provider are verified with.

use aws_lc_rs::digest;
use base::time::At;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::base64;
use super::id::hex;
use super::refusal::{Metadata, Refusal};

/// The shortest RSA key that is accepted.
const RSA_BITS_MIN: usize = 2048;
/// The longest, so that nobody makes verifying expensive.
const RSA_BITS_MAX: usize = 8192;
/// The largest certificate that is read.
const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// A certificate whose key signatures can be verified with.
///
/// Its issuer and its chain say nothing here: what makes it trusted is that it stands in the
/// metadata of a connection. Written as base64 of its DER form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Certificate {
    der: Vec<u8>,
    /// The public key with its algorithm (`SubjectPublicKeyInfo`, DER).
    key: Vec<u8>,
    kind: KeyKind,
    begins: At,
    ends: At,
}

/// What kind of key a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    P256,
    P384,
    P521,
}

impl Certificate {
    /// Reads it from its DER form.
    pub fn from_der(der: &[u8]) -> Result<Self, Refusal> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(Metadata::Certificate.into());
        }
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| Metadata::Certificate)?;
        if !rest.is_empty() {
            return Err(Metadata::Certificate.into());
        }
        let key = read.public_key();
        let kind = match key.parsed().map_err(|_| Metadata::UnknownKey)? {
            PublicKey::RSA(rsa) if rsa.key_size() < RSA_BITS_MIN => {
                return Err(Metadata::WeakKey.into());
            }
            PublicKey::RSA(rsa) if rsa.key_size() <= RSA_BITS_MAX => KeyKind::Rsa,
            PublicKey::EC(point) => match point.key_size() {
                256 => KeyKind::P256,
                384 => KeyKind::P384,
                // 521 bits are written in 66 bytes.
                521 | 528 => KeyKind::P521,
                _ => return Err(Metadata::UnknownKey.into()),
            },
            _ => return Err(Metadata::UnknownKey.into()),
        };
        let validity = read.validity();
        let at = |seconds| At::from_second(seconds).map_err(|_| Metadata::Certificate);
        Ok(Self {
            der: der.to_vec(),
            key: key.raw.to_vec(),
            kind,
            begins: at(validity.not_before.timestamp())?,
            ends: at(validity.not_after.timestamp())?,
        })
    }

    /// Reads it from PEM, or from the bare base64 that identity providers show.
    pub fn from_pem(text: &str) -> Result<Self, Refusal> {
        let der = match base64::pem(text, "CERTIFICATE") {
            Some(der) => der,
            None => base64::decode(text.as_bytes()).map_err(|_| Metadata::Certificate)?,
        };
        Self::from_der(&der)
    }

    /// Its PEM form.
    pub fn to_pem(&self) -> String {
        base64::to_pem("CERTIFICATE", &self.der)
    }

    /// Its DER form as base64.
    pub fn to_base64(&self) -> String {
        base64::encode(&self.der)
    }

    /// Its SHA-256 fingerprint, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&digest::SHA256, &self.der);
        hex(digest.as_ref())
    }

    /// When it begins to be valid.
    pub fn begins_at(&self) -> At {
        self.begins
    }

    /// When it is valid no longer.
    pub fn expires_at(&self) -> At {
        self.ends
    }

    /// Whether it is valid at this time.
    pub fn is_valid_at(&self, at: At) -> bool {
        self.begins <= at && at <= self.ends
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint())
            .field("expires_at", &self.ends)
            .finish_non_exhaustive()
    }
}

impl TryFrom<String> for Certificate {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::from_pem(&text)
    }
}

impl From<Certificate> for String {
    fn from(certificate: Certificate) -> Self {
        certificate.to_base64()
    }
}
