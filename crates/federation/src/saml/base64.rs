//! Base64 as SAML messages carry it: broken into lines or not.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::refusal::Refusal;

const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes, without regard to white space and to padding that is left out.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, Refusal> {
    let solid: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    TOLERANT.decode(solid).map_err(|_| Refusal::NotBase64)
}

/// Encodes, in one line.
pub(crate) fn encode(bytes: &[u8]) -> String {
    TOLERANT.encode(bytes)
}

/// The bytes of the first block of this label in a PEM file.
pub(crate) fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let begin = format!("-----BEGIN {label}-----");
    let (_, after) = text.split_once(begin.as_str())?;
    let (body, _) = after.split_once("-----END")?;
    decode(body.as_bytes()).ok()
}

/// A PEM block with this label.
pub(crate) fn to_pem(label: &str, bytes: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    let encoded = encode(bytes);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}
