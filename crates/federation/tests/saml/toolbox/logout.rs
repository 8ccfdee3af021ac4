//! Logout messages over both bindings.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{IDP, NAME, SLO, Signer, Style, replace, sign};

/// A logout message in the making.
#[derive(Clone)]
pub(crate) struct Logout {
    pub(crate) xml: String,
    response: bool,
}

impl Logout {
    pub(crate) fn request() -> Self {
        let xml = format!(
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{SLO}\" ID=\"_logout\" IssueInstant=\"2026-11-25T12:00:00Z\" \
             Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
             <saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{NAME}</saml:NameID>\
             <samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>"
        );
        Self { xml, response: false }
    }

    pub(crate) fn response() -> Self {
        let xml = format!(
            "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{SLO}\" ID=\"_logout\" InResponseTo=\"_request\" \
             IssueInstant=\"2026-11-25T12:00:00Z\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
             </samlp:Status></samlp:LogoutResponse>"
        );
        Self { xml, response: true }
    }

    pub(crate) fn with(mut self, from: &str, to: &str) -> Self {
        self.xml = replace(&self.xml, from, to);
        self
    }

    pub(crate) fn signed(mut self, signer: &Signer) -> Self {
        self.xml = sign(&self.xml, "_logout", signer, &Style::default());
        self
    }

    /// As a form posts it.
    pub(crate) fn posted(&self) -> Vec<u8> {
        STANDARD.encode(&self.xml).into_bytes()
    }

    /// As the query of a redirect, signed or not.
    pub(crate) fn query(&self, signer: Option<&Signer>, relay_state: Option<&str>) -> String {
        let name = if self.response { "SAMLResponse" } else { "SAMLRequest" };
        let mut query = format!("{name}={}", percent(&STANDARD.encode(deflate(&self.xml))));
        if let Some(state) = relay_state {
            query.push_str("&RelayState=");
            query.push_str(&percent(state));
        }
        if let Some(signer) = signer {
            query.push_str("&SigAlg=");
            query.push_str(&percent(signer.method()));
            let signature = signer.sign(signer.method(), query.as_bytes());
            query.push_str("&Signature=");
            query.push_str(&percent(&STANDARD.encode(signature)));
        }
        query
    }
}

pub(crate) fn deflate(text: &str) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("deflated");
    encoder.finish().expect("deflated")
}

/// Escapes as some identity providers do: with small letters.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02x}")
            }
        })
        .collect()
}
