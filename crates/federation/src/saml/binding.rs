//! How messages travel: by redirect in an address, or by POST in a form.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::base64;
use super::keypair::Keypair;
use super::refusal::Refusal;
use super::signature::{sign_element, sign_query};
use super::uris::RSA_SHA256;

/// The largest message that is read, as it arrives and after it was inflated.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// The longest `RelayState`.
const RELAY_BYTES_MAX: usize = 1024;

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// In the address that the browser is sent to.
    Redirect,
    /// In a form that the browser posts.
    Post,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message's id: what an answer must name.
    pub id: String,
    /// How the browser carries it.
    pub by: Delivery,
}

/// How the browser carries a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Sent on to this address.
    Redirect {
        /// The whole address.
        url: String,
    },
    /// Posting these fields.
    Post {
        /// Where to.
        action: String,
        /// Names and values of the form.
        fields: Vec<(&'static str, String)>,
    },
}

/// A message as it came in.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'a> {
    /// The query of the address, undecoded: signatures are over its octets.
    Redirect {
        /// Everything behind the question mark.
        query: &'a str,
    },
    /// The form's value of `SAMLRequest` or `SAMLResponse`, in base64.
    Post {
        /// The value.
        message: &'a [u8],
    },
}

/// Whether a message asks or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Request,
    Response,
}

impl Role {
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// A message that is ready to be sent.
pub(crate) struct Message<'a> {
    pub(crate) id: String,
    pub(crate) xml: String,
    pub(crate) role: Role,
    pub(crate) address: &'a str,
    pub(crate) relay_state: Option<&'a str>,
    /// Signs it, if there is one.
    pub(crate) key: Option<&'a Keypair>,
}

/// Puts a message into the shape of its binding.
pub(crate) fn send(binding: Binding, message: Message<'_>) -> Result<Outgoing, Refusal> {
    if message.relay_state.is_some_and(|state| state.len() > RELAY_BYTES_MAX) {
        return Err(Refusal::TooLarge);
    }
    match binding {
        Binding::Redirect => redirect(message),
        Binding::Post => post(message),
    }
}

fn redirect(message: Message<'_>) -> Result<Outgoing, Refusal> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflated = encoder
        .write_all(message.xml.as_bytes())
        .and_then(|()| encoder.finish())
        .map_err(|_| Refusal::NotCompressed)?;
    let mut query = format!("{}={}", message.role.field(), percent(&base64::encode(&deflated)));
    if let Some(state) = message.relay_state {
        query.push_str("&RelayState=");
        query.push_str(&percent(state));
    }
    if let Some(key) = message.key {
        query.push_str("&SigAlg=");
        query.push_str(&percent(RSA_SHA256));
        let signature = sign_query(&query, key)?;
        query.push_str("&Signature=");
        query.push_str(&percent(&signature));
    }
    let joint = if message.address.contains('?') { '&' } else { '?' };
    let url = format!("{}{joint}{query}", message.address);
    Ok(Outgoing { id: message.id, by: Delivery::Redirect { url } })
}

fn post(message: Message<'_>) -> Result<Outgoing, Refusal> {
    let xml = match message.key {
        Some(key) => sign_element(&message.xml, &message.id, key)?,
        None => message.xml,
    };
    let mut fields = vec![(message.role.field(), base64::encode(xml.as_bytes()))];
    if let Some(state) = message.relay_state {
        fields.push(("RelayState", state.to_owned()));
    }
    let action = message.address.to_owned();
    Ok(Outgoing { id: message.id, by: Delivery::Post { action, fields } })
}

/// Decodes a posted message. The bound comes before the decoding.
pub(crate) fn posted(message: &[u8]) -> Result<Vec<u8>, Refusal> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    base64::decode(message)
}

/// Inflates a message of a redirect, no further than messages are read.
pub(crate) fn inflated(deflated: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut message = Vec::new();
    let bound = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    DeflateDecoder::new(deflated)
        .take(bound)
        .read_to_end(&mut message)
        .map_err(|_| Refusal::NotCompressed)?;
    if message.len() > MESSAGE_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(message) }
}

/// Writes everything but letters, digits and `-._~` as octets in hexadecimal.
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                let digit = char::from_digit(half.into(), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
    out
}
