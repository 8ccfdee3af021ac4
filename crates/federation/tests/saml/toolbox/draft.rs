//! A response in the making.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ACS, Encrypt, IDP, NAME, REQUEST, SP, Signer, Style, encrypt, sign};

/// Replaces one text by another, and insists that it was there.
pub(crate) fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not in {text}");
    text.replacen(from, to, 1)
}

/// A response that can be altered before it is signed and after.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) assertion: String,
    pub(crate) response: String,
    signs_assertion: Option<(&'a Signer, Style)>,
    signs_response: Option<(&'a Signer, Style)>,
    encrypts: Option<Encrypt<'a>>,
    after: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    /// An honest response, unsigned.
    pub(crate) fn new() -> Self {
        let assertion = format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             ID=\"_assertion\" IssueInstant=\"2026-11-25T12:00:00Z\" Version=\"2.0\">\
             <saml:Issuer>{IDP}</saml:Issuer><saml:Subject>\
             <saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">{NAME}\
             </saml:NameID><saml:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
             InResponseTo=\"{REQUEST}\" NotOnOrAfter=\"2026-11-25T12:05:00Z\" Recipient=\"{ACS}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"2026-11-25T11:59:30Z\" \
             NotOnOrAfter=\"2026-11-25T12:06:00Z\"><saml:AudienceRestriction>\
             <saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"2026-11-25T11:58:00Z\" SessionIndex=\"_session\">\
             <saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
             <saml:AttributeStatement><saml:Attribute Name=\"groups\">\
             <saml:AttributeValue>users</saml:AttributeValue>\
             <saml:AttributeValue>legal</saml:AttributeValue></saml:Attribute>\
             </saml:AttributeStatement></saml:Assertion>"
        );
        let response = format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{ACS}\" ID=\"_response\" InResponseTo=\"{REQUEST}\" \
             IssueInstant=\"2026-11-25T12:00:00Z\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
             </samlp:Status>(assertion)</samlp:Response>"
        );
        Self {
            assertion,
            response,
            signs_assertion: None,
            signs_response: None,
            encrypts: None,
            after: Vec::new(),
        }
    }

    /// Alters the assertion before it is signed.
    pub(crate) fn assertion(mut self, from: &str, to: &str) -> Self {
        self.assertion = replace(&self.assertion, from, to);
        self
    }

    /// Alters the response before it is signed.
    pub(crate) fn response(mut self, from: &str, to: &str) -> Self {
        self.response = replace(&self.response, from, to);
        self
    }

    /// Alters the whole after all signing.
    pub(crate) fn after(mut self, from: &str, to: &str) -> Self {
        self.after.push((from.to_owned(), to.to_owned()));
        self
    }

    pub(crate) fn signed(self, signer: &'a Signer) -> Self {
        self.signed_as(signer, Style::default())
    }

    pub(crate) fn signed_as(mut self, signer: &'a Signer, style: Style) -> Self {
        self.signs_assertion = Some((signer, style));
        self
    }

    pub(crate) fn response_signed(self, signer: &'a Signer) -> Self {
        self.response_signed_as(signer, Style::default())
    }

    pub(crate) fn response_signed_as(mut self, signer: &'a Signer, style: Style) -> Self {
        self.signs_response = Some((signer, style));
        self
    }

    pub(crate) fn encrypted(mut self, how: Encrypt<'a>) -> Self {
        self.encrypts = Some(how);
        self
    }

    /// The assertion, signed if it is to be.
    pub(crate) fn inner(&self) -> String {
        match &self.signs_assertion {
            Some((signer, style)) => sign(&self.assertion, "_assertion", signer, style),
            None => self.assertion.clone(),
        }
    }

    /// What is to be found in the encrypted assertion, if it is encrypted.
    pub(crate) fn encrypted_inner(&self) -> Option<String> {
        self.encrypts.as_ref().map(|_| self.inner())
    }

    /// The whole as XML.
    pub(crate) fn xml(&self) -> String {
        let inner = self.inner();
        let inner = match &self.encrypts {
            Some(how) => encrypt(&inner, how),
            None => inner,
        };
        let mut whole = self.response.replacen("(assertion)", &inner, 1);
        if let Some((signer, style)) = &self.signs_response {
            whole = sign(&whole, "_response", signer, style);
        }
        for (from, to) in &self.after {
            whole = replace(&whole, from, to);
        }
        whole
    }

    /// As a form posts it.
    pub(crate) fn posted(&self) -> Vec<u8> {
        STANDARD.encode(self.xml()).into_bytes()
    }
}
