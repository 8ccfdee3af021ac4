//! Keys that sign.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation::saml::Certificate;

/// A key with its certificate.
pub(crate) struct Signer {
    pub(crate) pem: String,
    pub pkcs8: Vec<u8>,
    pub(crate) der: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        let key =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
                .expect("a key");
        Self::of(&key, Kind::Rsa, None)
    }

    pub(crate) fn elliptic() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        Self::of(&key, Kind::P256, None)
    }

    pub(crate) fn edwards() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        Self::of(&key, Kind::P256, None)
    }

    /// Of the larger curve.
    pub(crate) fn large() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key");
        Self::of(&key, Kind::P384, None)
    }

    /// Its certificate was valid until 2020.
    pub(crate) fn expired() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        Self::of(&key, Kind::P256, Some(2020))
    }

    fn of(key: &rcgen::KeyPair, kind: Kind, until: Option<i32>) -> Self {
        let mut params = rcgen::CertificateParams::default();
        if let Some(year) = until {
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
        }
        let certificate = params.self_signed(key).expect("a certificate");
        Self {
            pem: key.serialize_pem(),
            pkcs8: key.serialize_der(),
            der: certificate.der().to_vec(),
            kind,
        }
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der).expect("a certificate that is accepted")
    }

    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// The method that it signs with if nothing else is said.
    pub(crate) fn method(&self) -> &'static str {
        match self.kind {
            Kind::Rsa => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Kind::P256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Kind::P384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        }
    }

    /// Signs by what the method's name ends with.
    pub(crate) fn sign(&self, method: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let curve = match self.kind {
            Kind::Rsa => None,
            Kind::P256 => Some(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Kind::P384 => Some(&ECDSA_P384_SHA384_FIXED_SIGNING),
        };
        if let Some(curve) = curve {
            let key = EcdsaKeyPair::from_pkcs8(curve, &self.pkcs8).expect("a key");
            return key.sign(&random, message).expect("a signature").as_ref().to_vec();
        }
        if method.ends_with("sha1") {
            let key = saml::KeyPair::from_pkcs8_pem(self.pem.as_bytes()).expect("a key");
            let method = saml::SignatureAlgorithm::RsaSha1;
            return key.sign(method, message).expect("a signature");
        }
        let key = RsaKeyPair::from_pkcs8(&self.pkcs8).expect("a key");
        let padding = match method {
            method if method.ends_with("sha384") => &RSA_PKCS1_SHA384,
            method if method.ends_with("sha512") => &RSA_PKCS1_SHA512,
            _ => &RSA_PKCS1_SHA256,
        };
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(padding, &random, message, &mut signature).expect("a signature");
        signature
    }
}
