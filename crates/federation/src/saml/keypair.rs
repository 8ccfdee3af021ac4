//! The service provider's own key: it signs requests and opens what is encrypted for us.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base::secret::Secret;
use base::time::At;
use jiff::ToSpan as _;
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256, RsaKeySize};
use zeroize::Zeroizing;

use super::base64;
use super::certificate::Certificate;
use super::refusal::Refusal;

/// How long a certificate of ours is valid: RSA with 2048 bits is good until 2030 (NIST SP
/// 800-57), and a connection rolls its key over without an interruption.
const YEARS: i16 = 3;
const KEY_LABEL: &str = "PRIVATE KEY";

/// An RSA key with its self-signed certificate.
///
/// The private key never leaves aws-lc: signing and decrypting take the same time whatever
/// they meet (`docs/decisions/0019-saml.md`).
#[derive(Clone)]
pub struct Keypair(Arc<Inner>);

struct Inner {
    pkcs8: Zeroizing<Vec<u8>>,
    signs: RsaKeyPair,
    opens: OaepPrivateDecryptingKey,
    certificate: Certificate,
}

impl Keypair {
    /// A new key (RSA, 2048 bits) with a certificate that begins a day ago, because clocks differ.
    pub fn generate(now: At) -> Result<Self, Refusal> {
        let key = rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            .map_err(|_| Refusal::Key)?;
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "Portico single sign-on");
        params.distinguished_name = name;
        let begins = now.to_zoned(jiff::tz::TimeZone::UTC).date().saturating_sub(1.day());
        let ends = begins.saturating_add(YEARS.years());
        let day = |date: jiff::civil::Date| {
            let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
            rcgen::date_time_ymd(date.year().into(), month, day)
        };
        params.not_before = day(begins);
        params.not_after = day(ends);
        let certificate = params.self_signed(&key).map_err(|_| Refusal::Key)?;
        let pkcs8 = Zeroizing::new(key.serialize_der());
        Self::new(pkcs8, Certificate::from_der(certificate.der())?)
    }

    /// Reads the key and its certificate from one PEM text, as [`Keypair::to_pem`] writes it.
    pub fn from_pem(pem: &Secret) -> Result<Self, Refusal> {
        let text = pem.reveal();
        let pkcs8 = base64::pem(text, KEY_LABEL).map(Zeroizing::new).ok_or(Refusal::Key)?;
        let certificate = base64::pem(text, "CERTIFICATE").ok_or(Refusal::Key)?;
        Self::new(pkcs8, Certificate::from_der(&certificate)?)
    }

    /// The key and its certificate as PEM; to be sealed by whoever keeps it.
    pub fn to_pem(&self) -> Secret {
        let key = Zeroizing::new(base64::to_pem(KEY_LABEL, &self.0.pkcs8));
        Secret::new(format!("{}{}", key.as_str(), self.certificate_pem()))
    }

    /// The certificate, for identity providers.
    pub fn certificate_pem(&self) -> String {
        self.0.certificate.to_pem()
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// When its certificate is valid no longer.
    pub fn expires_at(&self) -> At {
        self.0.certificate.expires_at()
    }

    fn new(pkcs8: Zeroizing<Vec<u8>>, certificate: Certificate) -> Result<Self, Refusal> {
        let signs = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| Refusal::Key)?;
        let opens = PrivateDecryptingKey::from_pkcs8(&pkcs8)
            .and_then(|key| OaepPrivateDecryptingKey::new(key).map_err(Into::into))
            .map_err(|_| Refusal::Key)?;
        let pair = Self(Arc::new(Inner { pkcs8, signs, opens, certificate }));
        pair.check()?;
        Ok(pair)
    }

    /// The certificate must be that of the key: else nobody could verify what we sign.
    fn check(&self) -> Result<(), Refusal> {
        let signature = self.sign(b"portico")?;
        aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
            self.0.certificate.key(),
        )
        .verify(b"portico", &signature)
        .map_err(|_| Refusal::Key)
    }

    /// Signs with RSA and SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut signature = vec![0; self.0.signs.public_modulus_len()];
        self.0
            .signs
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Refusal::Key)?;
        Ok(signature)
    }

    /// Opens a wrapped key; none if it was not wrapped for this key, or not in this way.
    pub(crate) fn unwrap(
        &self,
        algorithm: &'static OaepAlgorithm,
        wrapped: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut room = Zeroizing::new(vec![0; self.0.opens.min_output_size()]);
        let length = self.0.opens.decrypt(algorithm, wrapped, &mut room, None).ok()?.len();
        room.truncate(length);
        Some(room)
    }
}

impl std::fmt::Debug for Keypair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keypair").field(&self.0.certificate).finish()
    }
}
