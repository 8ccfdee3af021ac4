//! Opens an encrypted assertion with our own keys.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm,
};
use zeroize::Zeroizing;

use super::layout::alone;
use super::{Check, LIMITS};
use crate::saml::base64;
use crate::saml::refusal::{Encryption, Refusal};
use crate::saml::uris::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, ASSERTION, DSIG, MGF1_SHA1, MGF1_SHA256,
    MGF1_SHA384, MGF1_SHA512, OAEP, OAEP_MGF1P, SHA1, SHA256, SHA384, SHA384_11, SHA512, XENC,
    XENC11,
};
use crate::saml::xml::{Element, Scope, read_within};

const GCM_NONCE: usize = 12;
const CBC_IV: usize = 16;

/// How the content was encrypted.
#[derive(Clone, Copy)]
enum Cipher {
    Gcm(&'static aws_lc_rs::aead::Algorithm),
    Cbc(&'static aws_lc_rs::cipher::Algorithm),
}

impl Check<'_> {
    /// Opens the assertion. `signed` says that a signature around it was verified: without one
    /// only a cipher that proves its content is opened.
    pub(super) fn decrypt(
        &self,
        encrypted: &Element,
        scope: Scope,
        signed: bool,
    ) -> Result<Element, Refusal> {
        let data = encrypted.one(XENC, "EncryptedData")?;
        let cipher = match method(data)? {
            AES128_GCM => Cipher::Gcm(&AES_128_GCM),
            AES256_GCM => Cipher::Gcm(&AES_256_GCM),
            AES128_CBC => Cipher::Cbc(&AES_128),
            AES256_CBC => Cipher::Cbc(&AES_256),
            _ => return Err(Encryption::Cipher.into()),
        };
        if matches!(cipher, Cipher::Cbc(_)) && !signed && !self.policy.widened_algorithms {
            return Err(Encryption::CbcUnsigned.into());
        }
        let key = self.unwrap(encrypted_key(encrypted, data)?)?;
        // Which step failed is not told: not even the record says more than that it did.
        let plain = open(cipher, &key, content(data)?).ok_or(Encryption::Failed)?;
        let assertion = read_within(&plain, LIMITS, scope).map_err(|refusal| {
            if matches!(cipher, Cipher::Cbc(_)) {
                Encryption::Failed.into()
            } else {
                refusal.into()
            }
        });
        let assertion: Element = assertion.map_err(|refusal: Refusal| refusal)?;
        if !assertion.is(ASSERTION, "Assertion") {
            return Err(Encryption::NotAnAssertion.into());
        }
        alone(&assertion)?;
        Ok(assertion)
    }

    /// The content's key, by the first of our keys that opens it.
    fn unwrap(&self, encrypted: &Element) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let (algorithm, mixed) = transport(encrypted)?;
        let wrapped = content(encrypted)?;
        let opened = self.sp.keys.iter().find_map(|key| key.unwrap(algorithm, &wrapped));
        let failed = if mixed { Encryption::KeyTransportMixed } else { Encryption::Failed };
        opened.ok_or_else(|| failed.into())
    }
}

fn method(element: &Element) -> Result<&str, Refusal> {
    let method = element.one(XENC, "EncryptionMethod")?;
    method.attribute("Algorithm").ok_or_else(|| Encryption::Malformed.into())
}

/// The one wrapped key: inside the content's key information, or beside the content.
fn encrypted_key<'a>(encrypted: &'a Element, data: &'a Element) -> Result<&'a Element, Refusal> {
    let inside = data.maybe(DSIG, "KeyInfo")?;
    let inside = inside.into_iter().flat_map(|info| info.all(XENC, "EncryptedKey"));
    let mut all = inside.chain(encrypted.all(XENC, "EncryptedKey"));
    let key = all.next().ok_or(Encryption::KeyMissing)?;
    if all.next().is_some() { Err(Encryption::KeySeveral.into()) } else { Ok(key) }
}

/// How the key was wrapped; whether the message says so with two different hash functions.
///
/// One hash function for both is what aws-lc can open. Some senders name SHA-256 with the older
/// name of OAEP, which means SHA-1 for the mask, and use SHA-256 for both: that is tried.
fn transport(encrypted: &Element) -> Result<(&'static OaepAlgorithm, bool), Refusal> {
    let method = encrypted.one(XENC, "EncryptionMethod")?;
    let named = method.attribute("Algorithm").ok_or(Encryption::Malformed)?;
    if method.maybe(XENC, "OAEPparams")?.is_some() {
        return Err(Encryption::KeyTransport.into());
    }
    let digest = match method.maybe(DSIG, "DigestMethod")? {
        Some(digest) => digest.attribute("Algorithm").ok_or(Encryption::Malformed)?,
        None => SHA1,
    };
    let (algorithm, own_mask) = match digest {
        SHA1 => (&OAEP_SHA1_MGF1SHA1, MGF1_SHA1),
        SHA256 => (&OAEP_SHA256_MGF1SHA256, MGF1_SHA256),
        SHA384 | SHA384_11 => (&OAEP_SHA384_MGF1SHA384, MGF1_SHA384),
        SHA512 => (&OAEP_SHA512_MGF1SHA512, MGF1_SHA512),
        _ => return Err(Encryption::KeyTransport.into()),
    };
    let mask = method.maybe(XENC11, "MGF")?.and_then(|mask| mask.attribute("Algorithm"));
    let mask = match (named, mask) {
        (OAEP, Some(mask)) => mask,
        (OAEP | OAEP_MGF1P, None) => MGF1_SHA1,
        _ => return Err(Encryption::KeyTransport.into()),
    };
    Ok((algorithm, mask != own_mask))
}

/// The bytes of `CipherValue`. A reference to somewhere else is not followed.
fn content(element: &Element) -> Result<Vec<u8>, Refusal> {
    let data = element.one(XENC, "CipherData")?;
    let value = data.maybe(XENC, "CipherValue")?.ok_or(Encryption::Malformed)?;
    base64::decode(value.value()?.as_bytes())
}

fn open(cipher: Cipher, key: &[u8], mut content: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
    match cipher {
        Cipher::Gcm(algorithm) => {
            let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
            let (nonce, sealed) = content.split_at_mut_checked(GCM_NONCE)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let plain = key.open_in_place(nonce, Aad::empty(), sealed).ok()?;
            Some(Zeroizing::new(plain.to_vec()))
        }
        Cipher::Cbc(algorithm) => {
            let key = UnboundCipherKey::new(algorithm, key).ok()?;
            // The last byte counts the padding, the others of it are arbitrary.
            let key = PaddedBlockDecryptingKey::cbc_iso10126(key).ok()?;
            let (iv, sealed) = content.split_at_mut_checked(CBC_IV)?;
            let iv = FixedLength::<CBC_IV>::try_from(&*iv).ok()?;
            let plain = key.decrypt(sealed, DecryptionContext::Iv128(iv)).ok()?;
            Some(Zeroizing::new(plain.to_vec()))
        }
    }
}
