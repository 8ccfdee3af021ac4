//! The query of a redirect, and the octets that its signature is over.

use super::base64;
use super::binding::{MESSAGE_BYTES_MAX, Role, inflated};
use super::certificate::Certificate;
use super::refusal::{Refusal, Signature};
use super::signature::verify_bytes;
use super::uris::DEFLATE;

/// A query taken apart, its values still as they came.
#[derive(Default)]
pub(crate) struct Query<'a> {
    message: Option<&'a str>,
    relay_state: Option<&'a str>,
    algorithm: Option<&'a str>,
    signature: Option<&'a str>,
    encoding: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// Takes the query apart. What SAML names may be there once; a request beside a response is
    /// refused, and a name written with escapes is no name.
    pub(crate) fn read(query: &'a str, role: Role) -> Result<Self, Refusal> {
        if query.len() > MESSAGE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let mut read = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "SAMLRequest" | "SAMLResponse" if name == role.field() => &mut read.message,
                "SAMLRequest" | "SAMLResponse" => return Err(Refusal::Query),
                "RelayState" => &mut read.relay_state,
                "SigAlg" => &mut read.algorithm,
                "Signature" => &mut read.signature,
                "SAMLEncoding" => &mut read.encoding,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Refusal::Query);
            }
        }
        Ok(read)
    }

    /// The message, inflated.
    pub(crate) fn message(&self) -> Result<Vec<u8>, Refusal> {
        if let Some(encoding) = self.encoding
            && decoded(encoding)? != DEFLATE
        {
            return Err(Refusal::NotCompressed);
        }
        let message = decoded(self.message.ok_or(Refusal::Query)?)?;
        inflated(&base64::decode(message.as_bytes())?)
    }

    /// Verifies the signature: over the octets as they came, never over ones written anew.
    pub(crate) fn verify(
        &self,
        role: Role,
        certificates: &[&Certificate],
        widened: bool,
    ) -> Result<(), Refusal> {
        let (Some(signature), Some(algorithm)) = (self.signature, self.algorithm) else {
            return Err(Signature::Missing.into());
        };
        let message = self.message.ok_or(Refusal::Query)?;
        let mut signed = format!("{}={message}", role.field());
        if let Some(state) = self.relay_state {
            signed.push_str("&RelayState=");
            signed.push_str(state);
        }
        signed.push_str("&SigAlg=");
        signed.push_str(algorithm);
        let signature = base64::decode(decoded(signature)?.as_bytes())?;
        let algorithm = decoded(algorithm)?;
        verify_bytes(&algorithm, widened, certificates, signed.as_bytes(), &signature)
    }

    /// The relay state, decoded.
    pub(crate) fn relay_state(&self) -> Result<Option<String>, Refusal> {
        self.relay_state.map(decoded).transpose()
    }
}

/// Decodes a value of a query.
fn decoded(value: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut half = || {
                    let digit = rest.next().and_then(|digit| char::from(digit).to_digit(16));
                    digit.and_then(|digit| u8::try_from(digit).ok()).ok_or(Refusal::Query)
                };
                bytes.push(half()? * 16 + half()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::Query)
}
