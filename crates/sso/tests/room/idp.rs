//! A SAML identity provider that a test makes. What it signs is written canonical already, so
//! that signing needs no canonicalization.

use std::io::{Read as _, Write as _};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base::time::At;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;

use crate::browser::field;
use crate::house::Connected;

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const RSA: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

pub(crate) struct Idp {
    pub(crate) entity: String,
    pkcs8: Vec<u8>,
    der: Vec<u8>,
}

/// Whom a response is about, and whom it is for.
#[derive(Debug, Clone)]
pub(crate) struct Says {
    pub(crate) name_id: String,
    pub(crate) email: String,
    pub(crate) groups: Vec<String>,
    pub(crate) context: &'static str,
    pub(crate) session: String,
    pub(crate) session_ends: Option<At>,
    pub(crate) id: String,
    pub(crate) in_response_to: Option<String>,
    pub(crate) acs: String,
    pub(crate) audience: String,
    pub(crate) at: At,
}

/// A request, as a provider reads it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) relay_state: String,
    pub(crate) xml: String,
}

impl Asked {
    /// Reads what the browser was sent with.
    pub(crate) fn read(url: &str) -> Self {
        let deflated = STANDARD.decode(field(url, "SAMLRequest")).expect("base64");
        let mut xml = String::new();
        let mut inflate = flate2::read::DeflateDecoder::new(deflated.as_slice());
        inflate.read_to_string(&mut xml).expect("inflates");
        let id = attribute(&xml, "ID");
        Self { id, relay_state: field(url, "RelayState"), xml }
    }
}

pub(crate) fn attribute(xml: &str, name: &str) -> String {
    let from = xml.split_once(&format!(" {name}=\"")).expect("the attribute").1;
    from.split('"').next().expect("its end").to_owned()
}

impl Says {
    /// What an honest provider says of somebody to a request.
    pub(crate) fn of(email: &str, connected: &Connected, asked: Option<&Asked>, at: At) -> Self {
        let unique: u128 = u128::from_be_bytes(base::seal::random().expect("randomness"));
        Self {
            name_id: format!("name-of-{email}"),
            email: email.to_owned(),
            groups: Vec::new(),
            context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            session: format!("session-of-{email}"),
            session_ends: None,
            id: format!("_{unique:032x}"),
            in_response_to: asked.map(|asked| asked.id.clone()),
            acs: connected.acs.clone(),
            audience: connected.entity.clone(),
            at,
        }
    }

    pub(crate) fn groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self
    }
}

impl Idp {
    pub(crate) fn new(entity: &str) -> Self {
        Self::until(entity, 2050)
    }

    /// Its certificate ends with this year.
    pub(crate) fn until(entity: &str, year: i32) -> Self {
        let key =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
                .expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            entity: entity.to_owned(),
            pkcs8: key.serialize_der(),
            der: certificate.der().to_vec(),
        }
    }

    pub(crate) fn metadata(&self) -> String {
        let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"{}\"><md:IDPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </md:KeyDescriptor><md:SingleLogoutService Binding=\"{redirect}\" \
             Location=\"https://idp.example/slo\"/><md:SingleSignOnService \
             Binding=\"{redirect}\" Location=\"https://idp.example/sso\"/>\
             </md:IDPSSODescriptor></md:EntityDescriptor>",
            self.entity,
            STANDARD.encode(&self.der)
        )
    }

    /// A response with a signed assertion, as a form posts it.
    pub(crate) fn response(&self, says: &Says) -> String {
        STANDARD.encode(self.xml(says))
    }

    pub(crate) fn xml(&self, says: &Says) -> String {
        let before = says.at - SignedDuration::from_secs(30);
        let after = says.at + SignedDuration::from_mins(5);
        let to = |name: &str| {
            let to = says.in_response_to.as_ref();
            to.map(|id| format!("{name}=\"{id}\" ")).unwrap_or_default()
        };
        let groups = says.groups.iter().fold(String::new(), |all, group| {
            all + "<saml:AttributeValue>" + group + "</saml:AttributeValue>"
        });
        let groups = if groups.is_empty() {
            groups
        } else {
            format!("<saml:Attribute Name=\"groups\">{groups}</saml:Attribute>")
        };
        let ends = says.session_ends.map(|ends| format!(" SessionNotOnOrAfter=\"{ends}\""));
        let ends = ends.unwrap_or_default();
        let assertion = format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" \
             IssueInstant=\"{at}\" Version=\"2.0\"><saml:Issuer>{entity}</saml:Issuer>\
             <saml:Subject><saml:NameID \
             Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{name}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml:SubjectConfirmationData {to}NotOnOrAfter=\"{after}\" Recipient=\"{acs}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{after}\">\
             <saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>\
             </saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement \
             AuthnInstant=\"{before}\" SessionIndex=\"{session}\"{ends}><saml:AuthnContext>\
             <saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>\
             <saml:Attribute Name=\"email\"><saml:AttributeValue>{email}</saml:AttributeValue>\
             </saml:Attribute>{groups}</saml:AttributeStatement></saml:Assertion>",
            id = says.id,
            at = says.at,
            entity = self.entity,
            name = says.name_id,
            to = to("InResponseTo"),
            acs = says.acs,
            audience = says.audience,
            session = says.session,
            context = says.context,
            email = says.email,
        );
        let assertion = self.signed(&assertion, &says.id);
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{}\" ID=\"{}r\" {}IssueInstant=\"{}\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
             </samlp:Status>{assertion}</samlp:Response>",
            says.acs,
            says.id,
            to("InResponseTo"),
            says.at,
            self.entity,
        )
    }

    /// The text with its signature behind the issuer.
    fn signed(&self, text: &str, id: &str) -> String {
        let digest = STANDARD.encode(digest(&SHA256, text.as_bytes()));
        let info = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{RSA}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{DSIG}enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">\
             </ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
        );
        let what = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}</ds:SignedInfo>");
        let value = STANDARD.encode(self.sign(what.as_bytes()));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}</ds:SignedInfo>\
             <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
        );
        let (before, after) = text.split_once("</saml:Issuer>").expect("an issuer");
        format!("{before}</saml:Issuer>{signature}{after}")
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let key = RsaKeyPair::from_pkcs8(&self.pkcs8).expect("a key");
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a signature");
        signature
    }

    /// A logout message by redirect, signed.
    pub(crate) fn redirect(&self, field: &str, xml: &str, relay_state: Option<&str>) -> String {
        let escaped = base::page::filters::percent_encoded;
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(xml.as_bytes()).expect("deflates");
        let message = STANDARD.encode(encoder.finish().expect("deflates"));
        let mut query = format!("{field}={}", escaped(&message));
        if let Some(state) = relay_state {
            query = format!("{query}&RelayState={}", escaped(state));
        }
        query = format!("{query}&SigAlg={}", escaped(RSA));
        let signature = STANDARD.encode(self.sign(query.as_bytes()));
        format!("{query}&Signature={}", escaped(&signature))
    }
}
