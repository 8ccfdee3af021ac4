//! Signatures that are accepted: a closed list, each with one kind of key.

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};

/// How a token is signed (RFC 7518, RFC 8037). `none` and the HMACs are absent on purpose:
/// with them whoever knows a public text could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "the names are those of RFC 7518")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

/// A public key. The kind says which algorithms it can be used with, and no header of a
/// token can make another kind of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Algorithm {
    /// By its name in a header or in metadata; none: it is not accepted.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::RS256,
            "RS384" => Self::RS384,
            "RS512" => Self::RS512,
            "PS256" => Self::PS256,
            "PS384" => Self::PS384,
            "PS512" => Self::PS512,
            "ES256" => Self::ES256,
            "ES384" => Self::ES384,
            "ES512" => Self::ES512,
            "EdDSA" | "Ed25519" => Self::EdDSA,
            _ => return None,
        })
    }

    /// Whether keys of this kind sign with it.
    pub(crate) fn suits(self, material: &Material) -> bool {
        match material {
            Material::Rsa { .. } => self.rsa().is_some(),
            Material::P256(_) => self == Self::ES256,
            Material::P384(_) => self == Self::ES384,
            Material::P521(_) => self == Self::ES512,
            Material::Ed25519(_) => self == Self::EdDSA,
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::ES256 | Self::ES384 | Self::ES512 | Self::EdDSA => return None,
        })
    }

    /// Whether `signature` over `signed` was made with the private half of `key`.
    pub(crate) fn verifies(self, key: &Material, signed: &[u8], signature: &[u8]) -> bool {
        if !self.suits(key) {
            return false;
        }
        let by = |how: &'static dyn VerificationAlgorithm, key: &Vec<u8>| {
            UnparsedPublicKey::new(how, key).verify(signed, signature).is_ok()
        };
        match key {
            Material::Rsa { n, e } => self.rsa().is_some_and(|how| {
                let key = signature::RsaPublicKeyComponents { n, e };
                key.verify(how, signed, signature).is_ok()
            }),
            Material::P256(key) => by(&ECDSA_P256_SHA256_FIXED, key),
            Material::P384(key) => by(&ECDSA_P384_SHA384_FIXED, key),
            Material::P521(key) => by(&ECDSA_P521_SHA512_FIXED, key),
            Material::Ed25519(key) => by(&ED25519, key),
        }
    }
}
