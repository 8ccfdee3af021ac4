//! Our own metadata.

use std::fmt::Write as _;

use crate::saml::policy::Policy;
use crate::saml::provider::ServiceProvider;
use crate::saml::uris::{
    AES128_GCM, AES256_GCM, DSIG, METADATA, OAEP_MGF1P, POST, PROTOCOL, REDIRECT, SHA1, TRANSIENT,
};
use crate::saml::xml::attribute;

impl ServiceProvider {
    /// What an identity provider needs to know of us.
    pub fn metadata(&self, policy: &Policy) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.push_str("<md:EntityDescriptor xmlns:md=\"");
        out.push_str(METADATA);
        out.push_str("\" entityID=\"");
        attribute(&mut out, &self.entity_id);
        let _infallible = write!(
            out,
            "\"><md:SPSSODescriptor AuthnRequestsSigned=\"{}\" WantAssertionsSigned=\"{}\" \
             protocolSupportEnumeration=\"{PROTOCOL}\">",
            policy.sign_requests || policy.strict,
            policy.want_assertions_signed || policy.strict,
        );
        for key in &self.keys {
            for used in ["signing", "encryption"] {
                self::key(&mut out, used, &key.certificate().to_base64());
            }
        }
        for binding in [REDIRECT, POST] {
            service(&mut out, "SingleLogoutService", binding, &self.slo_url, "");
        }
        let format = if policy.strict { Some(TRANSIENT) } else { policy.name_id_format.as_deref() };
        if let Some(format) = format {
            out.push_str("<md:NameIDFormat>");
            crate::saml::xml::text(&mut out, format);
            out.push_str("</md:NameIDFormat>");
        }
        let first = " index=\"0\" isDefault=\"true\"";
        service(&mut out, "AssertionConsumerService", POST, &self.acs_url, first);
        out.push_str("</md:SPSSODescriptor></md:EntityDescriptor>\n");
        out
    }
}

fn key(out: &mut String, used: &str, certificate: &str) {
    let _infallible = write!(
        out,
        "<md:KeyDescriptor use=\"{used}\"><ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    if used == "encryption" {
        let _infallible = write!(
            out,
            "<md:EncryptionMethod Algorithm=\"{AES256_GCM}\"/>\
             <md:EncryptionMethod Algorithm=\"{AES128_GCM}\"/>\
             <md:EncryptionMethod Algorithm=\"{OAEP_MGF1P}\">\
             <ds:DigestMethod xmlns:ds=\"{DSIG}\" Algorithm=\"{SHA1}\"/></md:EncryptionMethod>"
        );
    }
    out.push_str("</md:KeyDescriptor>");
}

fn service(out: &mut String, name: &str, binding: &str, address: &str, more: &str) {
    let _infallible = write!(out, "<md:{name} Binding=\"{binding}\" Location=\"");
    attribute(out, address);
    let _infallible = write!(out, "\"{more}/>");
}
