//! The keys that a provider publishes (RFC 7517).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::oidc::algorithm::Material;
use crate::oidc::{Algorithm, Refusal, json};

/// Keys of one provider at most. The largest publish about ten.
const KEYS_MAX: usize = 32;
/// Bytes of an RSA modulus: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Bytes of an RSA exponent.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=8;

/// Keys of one provider that signatures can be checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    kid: Option<String>,
    /// The one algorithm that the provider keeps it for, if it says so.
    only: Option<Algorithm>,
    material: Material,
}

impl KeySet {
    /// Reads a published set. Keys for other purposes or of other kinds are left out.
    pub fn read(document: &[u8]) -> Result<Self, Refusal> {
        let document = json::object(document).map_err(|_| Refusal::KeysMalformed)?;
        let Some(Value::Array(published)) = document.get("keys") else {
            return Err(Refusal::KeysMalformed);
        };
        let usable = published.iter().filter_map(Value::as_object).filter_map(Key::read);
        let keys: Vec<Key> = usable.take(KEYS_MAX + 1).collect();
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(Refusal::KeysMalformed);
        }
        Ok(Self(keys))
    }

    /// Whether a token that names `kid` could have been signed by one of these.
    pub(crate) fn knows(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        !matches!(self.candidates(kid, algorithm), Err(Refusal::KeyUnknown))
    }

    /// The keys that `kid` names and that are used with the algorithm. A token that names
    /// none is clear only if there is just one.
    pub(crate) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<impl Iterator<Item = &Material>, Refusal> {
        let suits = move |key: &&Key| {
            (kid.is_none() || key.kid.as_deref() == kid)
                && key.only.is_none_or(|only| only == algorithm)
                && algorithm.suits(&key.material)
        };
        match self.0.iter().filter(suits).count() {
            0 => Err(Refusal::KeyUnknown),
            2.. if kid.is_none() => Err(Refusal::KeyNotNamed),
            _ => Ok(self.0.iter().filter(suits).map(|key| &key.material)),
        }
    }
}

impl Key {
    fn read(key: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let number = |name: &str| {
            // Some pad, though they should not.
            BASE64_URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok()
        };
        if text("use").is_some_and(|used| used != "sig") {
            return None;
        }
        if let Some(Value::Array(operations)) = key.get("key_ops")
            && !operations.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let only = match text("alg") {
            Some(name) => Some(Algorithm::named(name)?),
            None => None,
        };
        let point = |bytes: usize| {
            let (x, y) = (number("x")?, number("y")?);
            let fits = x.len() == bytes && y.len() == bytes;
            fits.then(|| [&[4][..], &x, &y].concat())
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (n, e) = (without_zeros(number("n")?), without_zeros(number("e")?));
                let fits = MODULUS_BYTES.contains(&n.len()) && EXPONENT_BYTES.contains(&e.len());
                fits.then_some(Material::Rsa { n, e })?
            }
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("EC", Some("P-521")) => Material::P521(point(66)?),
            ("OKP", Some("Ed25519")) => {
                let x = number("x")?;
                (x.len() == 32).then_some(Material::Ed25519(x))?
            }
            _ => return None,
        };
        Some(Self { kid: text("kid").map(str::to_owned), only, material })
    }
}

/// Some write the sign of a number that has none.
fn without_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}
