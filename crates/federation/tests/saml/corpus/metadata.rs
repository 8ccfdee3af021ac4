//! Metadata that must not be trusted, or cannot be used.

use super::{Case, Kind};
use crate::toolbox::{IDP, Signer, World};

const CLASS: &str = "metadata";

/// The honest metadata of an identity provider with these certificates.
pub(crate) fn metadata(certificates: &[String]) -> String {
    let keys: String = certificates
        .iter()
        .map(|certificate| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo \
                 xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>\
                 {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            )
        })
        .collect();
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"{IDP}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example/slo\"></md:SingleLogoutService>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example/sso\"></md:SingleSignOnService>\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://idp.example/sso\"></md:SingleSignOnService>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

/// Metadata that must not be trusted, or cannot be used.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let case = |name, xml: &str, verdict| {
        Case::new(CLASS, name, Kind::Metadata, xml.as_bytes().to_vec(), verdict)
    };
    let honest = metadata(&[world.idp.base64(), world.next.base64()]);
    let altered = |from: &str, to: &str| crate::toolbox::replace(&honest, from, to);
    let aggregate = |inside: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{inside}</md:EntitiesDescriptor>"
        )
    };
    let other = altered(IDP, "https://second.example");
    let pss = altered("use=\"signing\"", "use=\"encryption\"")
        .replace("use=\"signing\"", "use=\"encryption\"");
    let weak = WEAK_RSA.split_whitespace().collect::<String>();
    let many: Vec<String> = (0..9).map(|_| Signer::elliptic().base64()).collect();
    vec![
        case("of one identity provider", &honest, "accepted"),
        case(
            "of one among others",
            &aggregate(&format!(
                "<md:EntityDescriptor entityID=\"x\"></md:EntityDescriptor>{honest}"
            )),
            "accepted",
        ),
        case("a key for any use", &honest.replace(" use=\"signing\"", ""), "accepted"),
        case(
            "an unusable certificate beside a good one",
            &metadata(&["AAAA".to_owned(), world.idp.base64()]),
            "accepted",
        ),
        case(
            "valid for another day",
            &altered("entityID", "validUntil=\"2026-11-26T12:00:00Z\" entityID"),
            "accepted",
        ),
        case("without any key", &metadata(&[]), "metadata_no_certificate"),
        case("with a key for encryption alone", &pss, "metadata_no_certificate"),
        case(
            "with a certificate that is none",
            &metadata(&["AAAA".to_owned()]),
            "certificate_invalid",
        ),
        case("with an RSA key of 1024 bits", &metadata(&[weak]), "certificate_weak"),
        case(
            "with an Ed25519 key",
            &metadata(&[Signer::edwards().base64()]),
            "certificate_key_unknown",
        ),
        case(
            "with a comment in a certificate",
            &altered("<ds:X509Certificate>", "<ds:X509Certificate><!-- -->"),
            "xml_comment",
        ),
        case("with nine certificates", &metadata(&many), "metadata_certificates_too_many"),
        case(
            "of several identity providers",
            &aggregate(&format!("{honest}{other}")),
            "metadata_several",
        ),
        case(
            "of a service provider",
            &honest.replace("IDPSSODescriptor", "SPSSODescriptor"),
            "metadata_no_provider",
        ),
        case(
            "of SAML 1.1",
            &honest.replace("SAML:2.0:protocol", "SAML:1.1:protocol"),
            "metadata_no_provider",
        ),
        case("of nobody", &altered(IDP, ""), "metadata_entity_id"),
        case("of a name that is too long", &altered(IDP, &"x".repeat(1025)), "metadata_entity_id"),
        case(
            "valid no longer",
            &altered("entityID", "validUntil=\"2026-11-24T12:00:00Z\" entityID"),
            "metadata_expired",
        ),
        case(
            "with a validity that is no time",
            &altered("entityID", "validUntil=\"never\" entityID"),
            "part_invalid",
        ),
        case(
            "with a script as address",
            &altered("https://idp.example/sso", "javascript:alert(1)"),
            "metadata_address",
        ),
        case(
            "with a line break in an address",
            &altered("https://idp.example/sso", "https://idp.example/&#13;&#10;x: y"),
            "metadata_address",
        ),
        case(
            "with a file as address",
            &altered("https://idp.example/slo", "file:///etc/passwd"),
            "metadata_address",
        ),
        case(
            "with an address without host",
            &altered("https://idp.example/sso", "https:///sso"),
            "metadata_address",
        ),
        case(
            "without a sign-on address",
            &honest.replace("SingleSignOnService", "SingleOffService"),
            "metadata_no_service",
        ),
        case(
            "with two descriptors",
            &{
                let start = honest.find("<md:IDPSSODescriptor").expect("one");
                let end = honest.find("</md:EntityDescriptor>").expect("one");
                let part = honest.get(start..end).expect("a part");
                altered("</md:EntityDescriptor>", &format!("{part}</md:EntityDescriptor>"))
            },
            "part_repeated",
        ),
        case("entity-laden", &format!("<!DOCTYPE x [<!ENTITY a \"x\">]>{honest}"), "xml_doctype"),
        case("something else", "<html></html>", "metadata_invalid"),
        case("not XML", "https://idp.example/metadata", "xml_malformed"),
        case("larger than is read", &format!("{honest}{}", " ".repeat(1024 * 1024)), "too_large"),
        case(
            "a hundred thousand elements",
            &aggregate(&"<x/>".repeat(100_000)),
            "xml_too_many_elements",
        ),
    ]
}

/// A self-signed certificate with an RSA key of 1024 bits.
const WEAK_RSA: &str = "
    MIIB/DCCAWWgAwIBAgIUE1XFId49UDQB6DolTMEb9KWCbDswDQYJKoZIhvcNAQELBQAwDzENMAsG
    A1UEAwwEd2VhazAgFw0yNjExMjUxNzI0NDlaGA8yMTI2MTEwMTE3MjQ0OVowDzENMAsGA1UEAwwE
    d2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAt72EwRXmYyFdJQfrmCQJ7rlJNeWIA8KF
    2OmiWOiFKAUPHuqZ3feuhCq7qvxPuqC1MfvlDU93Pxya156jamPeSB5ubc6y+IVhq+MGnpQBxDmK
    PBwMvkr1gsJIx5xErKDGtqB3AjttfvmXlJH2zlfdUlyQoVq9KdX3I63QJ5yu3WcCAwEAAaNTMFEw
    HQYDVR0OBBYEFMafQa2lY9qiK2LNUq2f8SF4Og+pMB8GA1UdIwQYMBaAFMafQa2lY9qiK2LNUq2f
    8SF4Og+pMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEASa0rGwpMo0Ec2UnF3TWq
    c1KxnpIZZmLYJhGL1npQ/FQoEkrdIgmoF0AJUUV1s/e2nz4TQ7LuQ5HCU1+6LDP/QQ4VmmK3YVLa
    r868OQ/jOuSs0b4sC+MJYprgvg3S7Ek2qHsOIc4fie1yV0CNfy29GhkbbtfktpOoofY/w/HINMk=";
