//! Algorithms: which are accepted, and verifying with them.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self as keys, UnparsedPublicKey, VerificationAlgorithm};

use crate::saml::certificate::{Certificate, KeyKind};
use crate::saml::refusal::{Refusal, Signature};
use crate::saml::uris;

/// The digest of what is signed. SHA-1 only on a connection that was widened.
pub(super) fn digest_of(uri: &str, widened: bool, bytes: &[u8]) -> Result<Digest, Refusal> {
    let algorithm = match uri {
        uris::SHA256 => &digest::SHA256,
        uris::SHA384 | uris::SHA384_11 => &digest::SHA384,
        uris::SHA512 => &digest::SHA512,
        uris::SHA1 if widened => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        uris::SHA1 => return Err(Signature::Weak.into()),
        _ => return Err(Signature::Algorithm.into()),
    };
    Ok(digest::digest(algorithm, bytes))
}

/// The algorithms to try for a certificate; none if its key is of another kind.
///
/// The message names the algorithm, the certificate says whether its key is for that: a public
/// key is never taken for the secret of another algorithm. XML Signature writes the two numbers of
/// an ECDSA signature side by side; some write the DER form, which is told apart by its length.
fn candidates(uri: &str, kind: KeyKind) -> &'static [&'static dyn VerificationAlgorithm] {
    match (uri, kind) {
        (uris::RSA_SHA256, KeyKind::Rsa) => &[&keys::RSA_PKCS1_2048_8192_SHA256],
        (uris::RSA_SHA384, KeyKind::Rsa) => &[&keys::RSA_PKCS1_2048_8192_SHA384],
        (uris::RSA_SHA512, KeyKind::Rsa) => &[&keys::RSA_PKCS1_2048_8192_SHA512],
        (uris::RSA_SHA1, KeyKind::Rsa) => &[&keys::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY],
        (uris::ECDSA_SHA256, KeyKind::P256) => {
            &[&keys::ECDSA_P256_SHA256_FIXED, &keys::ECDSA_P256_SHA256_ASN1]
        }
        (uris::ECDSA_SHA256, KeyKind::P384) => &[&keys::ECDSA_P384_SHA256_ASN1],
        (uris::ECDSA_SHA384, KeyKind::P384) => {
            &[&keys::ECDSA_P384_SHA384_FIXED, &keys::ECDSA_P384_SHA384_ASN1]
        }
        (uris::ECDSA_SHA384, KeyKind::P256) => &[&keys::ECDSA_P256_SHA384_ASN1],
        (uris::ECDSA_SHA512, KeyKind::P521) => {
            &[&keys::ECDSA_P521_SHA512_FIXED, &keys::ECDSA_P521_SHA512_ASN1]
        }
        _ => &[],
    }
}

/// Whether the algorithm of a signature is accepted at all.
pub(super) fn accepted(uri: &str, widened: bool) -> Result<(), Refusal> {
    match uri {
        uris::RSA_SHA256
        | uris::RSA_SHA384
        | uris::RSA_SHA512
        | uris::ECDSA_SHA256
        | uris::ECDSA_SHA384
        | uris::ECDSA_SHA512 => Ok(()),
        uris::RSA_SHA1 if widened => Ok(()),
        uris::RSA_SHA1 => Err(Signature::Weak.into()),
        _ => Err(Signature::Algorithm.into()),
    }
}

/// Whether one of the certificates made this signature over these bytes.
pub(crate) fn verify_bytes(
    uri: &str,
    widened: bool,
    certificates: &[&Certificate],
    signed: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    accepted(uri, widened)?;
    let made = certificates.iter().any(|certificate| {
        candidates(uri, certificate.kind()).iter().any(|algorithm| {
            UnparsedPublicKey::new(*algorithm, certificate.key()).verify(signed, signature).is_ok()
        })
    });
    if made { Ok(()) } else { Err(Signature::Invalid.into()) }
}
