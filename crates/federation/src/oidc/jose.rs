//! Signed tokens in their compact form (RFC 7515, RFC 7519).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::oidc::json::{self, Fault};
use crate::oidc::key_set::KeySet;
use crate::oidc::{Algorithm, Provider, Refusal};

/// Bytes of a token at most. Hundreds of groups fit.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Bytes of a name of a key at most.
const KID_BYTES_MAX: usize = 256;

/// A token that was taken apart; nothing in it is believed yet.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    claims: Map<String, Value>,
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart. Of its header only `alg`, `kid` and `typ` are used: a key or an
    /// address of one (`jwk`, `jku`, `x5c`, `x5u`) that comes with a token proves nothing.
    pub(crate) fn read(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TokenTooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::TokenMalformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::TokenMalformed)?;
        if payload.matches('.').count() == 2 {
            return Err(Refusal::TokenEncrypted);
        }
        let header = object(header)?;
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => {
                Algorithm::named(name).ok_or_else(|| Refusal::algorithm(name))?
            }
            _ => return Err(Refusal::TokenMalformed),
        };
        // We understand no extension, and what is critical must be understood.
        if header.contains_key("crit") {
            return Err(Refusal::TokenCritical);
        }
        if header.contains_key("cty") || header.contains_key("zip") {
            return Err(Refusal::TokenNested);
        }
        let kid = text(&header, "kid")?.filter(|kid| !kid.is_empty());
        if kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(Refusal::TokenMalformed);
        }
        let typ = text(&header, "typ")?;
        let (signature, claims) = (bytes(signature)?, object(payload)?);
        Ok(Self { signed, signature, claims, algorithm, kid, typ })
    }

    /// The claims, if the type is one of `types` (or none is said) and the provider signed it.
    pub(crate) fn verified(
        self,
        types: &[&str],
        provider: &Provider,
        keys: &KeySet,
    ) -> Result<Map<String, Value>, Refusal> {
        if let Some(typ) = &self.typ {
            // "application/" may be left out (RFC 7515, 4.1.9).
            let typ = typ.to_ascii_lowercase();
            let typ = typ.strip_prefix("application/").unwrap_or(&typ);
            if !types.contains(&typ) {
                return Err(Refusal::WrongType);
            }
        }
        if !provider.algorithms.contains(&self.algorithm) {
            return Err(Refusal::algorithm(&format!("{:?}", self.algorithm)));
        }
        let signed = self.signed.as_bytes();
        let mut candidates = keys.candidates(self.kid.as_deref(), self.algorithm)?;
        if candidates.any(|key| self.algorithm.verifies(key, signed, &self.signature)) {
            Ok(self.claims)
        } else {
            Err(Refusal::SignatureWrong)
        }
    }
}

/// Bytes in base64url, in the one way to write them.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::TokenMalformed)
}

fn object(part: &str) -> Result<Map<String, Value>, Refusal> {
    json::object(&bytes(part)?).map_err(|fault| match fault {
        Fault::Duplicate => Refusal::DuplicateClaim,
        Fault::NotAnObject | Fault::Deep => Refusal::TokenMalformed,
    })
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::TokenMalformed),
    }
}
