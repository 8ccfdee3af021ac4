//! Encrypting for the service provider: its public key is public.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Signer;

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Which hash wraps the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
}

/// How something is encrypted.
#[derive(Clone)]
pub(crate) struct Encrypt<'a> {
    /// The certificate of whom it is for.
    pub(crate) to: &'a [u8],
    pub(crate) cipher: &'static str,
    pub(crate) hash: Hash,
    /// The key stands beside the content, not inside.
    pub(crate) beside: bool,
    /// Alters the bytes before they are written.
    pub(crate) spoil: Option<fn(&mut Vec<u8>)>,
    /// Alters the text of the whole.
    pub(crate) edits: Vec<(String, String)>,
}

impl<'a> Encrypt<'a> {
    pub(crate) fn gcm(to: &'a Signer) -> Self {
        Self::with(to, "http://www.w3.org/2009/xmlenc11#aes256-gcm")
    }

    pub(crate) fn with(to: &'a Signer, cipher: &'static str) -> Self {
        let (to, spoil, edits) = (to.der.as_slice(), None, Vec::new());
        Self { to, cipher, hash: Hash::Sha1, beside: false, spoil, edits }
    }

    pub(crate) fn edit(mut self, from: &str, to: &str) -> Self {
        self.edits.push((from.to_owned(), to.to_owned()));
        self
    }
}

/// The encrypted assertion, canonical.
pub(crate) fn encrypt(text: &str, how: &Encrypt<'_>) -> String {
    let bytes = if how.cipher.contains("128") { 16 } else { 32 };
    let key = vec![7_u8; bytes];
    let mut content = if how.cipher.ends_with("cbc") {
        cbc(&key, text.as_bytes())
    } else {
        gcm(&key, text.as_bytes())
    };
    if let Some(spoil) = how.spoil {
        spoil(&mut content);
    }
    let wrapped = STANDARD.encode(wrap(how, &key));
    let transport = match how.hash {
        Hash::Sha1 => format!(
            "<xenc:EncryptionMethod Algorithm=\"{XENC}rsa-oaep-mgf1p\"></xenc:EncryptionMethod>"
        ),
        Hash::Sha256 => format!(
            "<xenc:EncryptionMethod Algorithm=\"{XENC11}rsa-oaep\">\
             <ds:DigestMethod Algorithm=\"{XENC}sha256\"></ds:DigestMethod>\
             <xenc11:MGF xmlns:xenc11=\"{XENC11}\" Algorithm=\"{XENC11}mgf1sha256\"></xenc11:MGF>\
             </xenc:EncryptionMethod>"
        ),
    };
    let key = |namespaces: &str| {
        format!(
            "<xenc:EncryptedKey{namespaces}>{transport}<xenc:CipherData><xenc:CipherValue>\
             {wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"
        )
    };
    let (inside, beside) = if how.beside {
        let namespaces = format!(" xmlns:xenc=\"{XENC}\"");
        let whole = key(&namespaces);
        let whole =
            whole.replace("<ds:DigestMethod", &format!("<ds:DigestMethod xmlns:ds=\"{DSIG}\""));
        (String::new(), whole)
    } else {
        (format!("<ds:KeyInfo xmlns:ds=\"{DSIG}\">{}</ds:KeyInfo>", key("")), String::new())
    };
    let mut whole = format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         <xenc:EncryptedData xmlns:xenc=\"{XENC}\" Type=\"{XENC}Element\">\
         <xenc:EncryptionMethod Algorithm=\"{}\"></xenc:EncryptionMethod>{inside}\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedData>{beside}</saml:EncryptedAssertion>",
        how.cipher,
        STANDARD.encode(content)
    );
    for (from, to) in &how.edits {
        whole = super::replace(&whole, from, to);
    }
    whole
}

fn wrap(how: &Encrypt<'_>, key: &[u8]) -> Vec<u8> {
    let (_, certificate) = X509Certificate::from_der(how.to).expect("a certificate");
    let public = PublicEncryptingKey::from_der(certificate.public_key().raw).expect("a key");
    let public = OaepPublicEncryptingKey::new(public).expect("a key");
    let algorithm = match how.hash {
        Hash::Sha1 => &OAEP_SHA1_MGF1SHA1,
        Hash::Sha256 => &OAEP_SHA256_MGF1SHA256,
    };
    let mut room = vec![0; public.ciphertext_size()];
    public.encrypt(algorithm, key, &mut room, None).expect("a wrapped key").to_vec()
}

fn gcm(key: &[u8], text: &[u8]) -> Vec<u8> {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).expect("a key"));
    let nonce = [3_u8; 12];
    let mut sealed = text.to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(unique, Aad::empty(), &mut sealed).expect("sealed");
    [nonce.as_slice(), &sealed].concat()
}

fn cbc(key: &[u8], text: &[u8]) -> Vec<u8> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    let key = UnboundCipherKey::new(algorithm, key).expect("a key");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("a key");
    let iv = [5_u8; 16];
    let mut sealed = text.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(&iv));
    key.less_safe_encrypt(&mut sealed, context).expect("sealed");
    [iv.as_slice(), &sealed].concat()
}
