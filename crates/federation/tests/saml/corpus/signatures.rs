//! Signatures that are missing, of somebody else, or not what they seem.

use super::Case;
use crate::toolbox::{Draft, Signer, Style, World, replace};

const CLASS: &str = "signatures";

fn refused(name: &'static str, draft: &Draft<'_>, verdict: &'static str) -> Case {
    Case::response(CLASS, name, draft, verdict)
}

fn styled(signer: &Signer, change: impl FnOnce(&mut Style)) -> Draft<'_> {
    let mut style = Style::default();
    change(&mut style);
    Draft::new().signed_as(signer, style)
}

fn transform(uri: &str, inside: &str) -> String {
    format!("<ds:Transform Algorithm=\"{uri}\">{inside}</ds:Transform>")
}

/// Missing, altered, of somebody else.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let honest = || Draft::new().signed(&world.idp);
    let own = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
         </ds:KeyInfo>",
        world.attacker.base64()
    );
    let only_expired = federation::saml::IdentityProvider {
        certificates: vec![world.expired.certificate()],
        ..world.provider.clone()
    };
    let none =
        federation::saml::IdentityProvider { certificates: Vec::new(), ..world.provider.clone() };
    let reference = "<ds:Reference URI=\"#_response\"></ds:Reference>".to_owned();
    vec![
        refused("nothing is signed", &Draft::new(), "signature_missing"),
        refused(
            "the signature was taken off",
            &honest()
                .assertion("users", "admins")
                .after("<ds:Signature ", "<ds:NoSignature ")
                .after("</ds:Signature>", "</ds:NoSignature>"),
            "signature_missing",
        ),
        refused(
            "only the response is signed where assertions must be",
            &Draft::new().response_signed(&world.idp),
            "signature_of_assertion_missing",
        )
        .policy(|policy| policy.want_assertions_signed = true),
        refused(
            "signed by an attacker",
            &Draft::new().signed(&world.attacker),
            "signature_invalid",
        ),
        refused(
            "signed by an attacker who brings a certificate",
            &styled(&world.attacker, |style| style.more = own),
            "signature_invalid",
        ),
        refused(
            "the response signed by an attacker, the assertion honestly",
            &honest().response_signed(&world.attacker),
            "signature_invalid",
        ),
        refused(
            "the assertion signed by an attacker, the response honestly",
            &Draft::new().signed(&world.attacker).response_signed(&world.idp),
            "signature_invalid",
        ),
        refused(
            "signed by the identity provider of another connection",
            &Draft::new().signed(&world.other),
            "signature_invalid",
        ),
        refused(
            "of another identity provider altogether",
            &Draft::new()
                .assertion("https://idp.example/metadata", "https://other.example")
                .response("https://idp.example/metadata", "https://other.example")
                .signed(&world.other),
            "issuer_wrong",
        ),
        refused("signed with our own key", &Draft::new().signed(&world.ours), "signature_invalid"),
        refused(
            "the certificate's time is over",
            &Draft::new().signed(&world.expired),
            "certificate_expired",
        )
        .from(only_expired),
        refused("there is no certificate to verify with", &honest(), "signature_invalid")
            .from(none),
        refused("the name was altered", &honest().after("alice@", "mallory@"), "signature_digest"),
        refused(
            "a group was added",
            &honest().after(
                "</saml:AttributeValue>",
                "</saml:AttributeValue><saml:AttributeValue>admins</saml:AttributeValue>",
            ),
            "signature_digest",
        ),
        refused(
            "the response was altered, and only it is signed",
            &Draft::new().response_signed(&world.idp).after("alice@", "mallory@"),
            "signature_digest",
        ),
        refused(
            "the digest was replaced",
            &honest().after("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
            "signature_digest",
        ),
        refused(
            "the digest is empty",
            &{
                let xml = honest().xml();
                let start = xml.find("<ds:DigestValue>").expect("a digest");
                let value = xml.get(start..start + 60).expect("a digest").to_owned();
                honest().after(&value, "<ds:DigestValue>")
            },
            "signature_digest",
        ),
        refused(
            "the signature's value was replaced",
            &honest().after("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
            "signature_invalid",
        ),
        refused(
            "a comment in the digest",
            &honest().after("<ds:DigestValue>", "<ds:DigestValue><!-- -->"),
            "xml_comment",
        ),
        refused(
            "a comment in the signature's value",
            &honest().after("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->"),
            "xml_comment",
        ),
        refused(
            "the signature's value is not base64",
            &honest().after("<ds:SignatureValue>", "<ds:SignatureValue>%"),
            "not_base64",
        ),
        refused(
            "two references",
            &styled(&world.idp, |style| style.info = reference),
            "signature_references",
        ),
        refused(
            "an object in the signature",
            &styled(&world.idp, |style| style.more = "<ds:Object></ds:Object>".to_owned()),
            "signature_malformed",
        ),
        refused(
            "no signed info",
            &honest()
                .after("<ds:SignedInfo>", "<ds:OtherInfo>")
                .after("</ds:SignedInfo>", "</ds:OtherInfo>"),
            "signature_malformed",
        ),
        refused(
            "something else in the signed info",
            &styled(&world.idp, |style| style.info = "<ds:Manifest></ds:Manifest>".to_owned()),
            "signature_malformed",
        ),
        refused(
            "text in the signed info",
            &styled(&world.idp, |style| style.info = "text".to_owned()),
            "signature_malformed",
        ),
    ]
}

/// Algorithms and transforms.
pub(crate) fn algorithms(world: &World) -> Vec<Case> {
    let method = |uri: &str| styled(&world.idp, |style| style.method = Some(uri.to_owned()));
    let digest = |uri| styled(&world.idp, |style| style.digest = uri);
    let transforms = |text: String| styled(&world.idp, |style| style.transforms = text);
    let before = |more: String| transforms(format!("{more}{}", Style::default().transforms));
    let enveloped = transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "");
    let exclusive = transform("http://www.w3.org/2001/10/xml-exc-c14n#", "");
    let canonicalization = |uri: &str| {
        let text = replace(
            &Style::default().canonicalization,
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            uri,
        );
        styled(&world.idp, |style| style.canonicalization = text)
    };
    let hmac = |uri: &'static str, secret: Vec<u8>| {
        styled(&world.idp, |style| {
            style.method = Some(uri.to_owned());
            style.secret = Some(secret);
        })
    };
    let pem = world.idp.certificate().to_pem().into_bytes();
    let stylesheet = "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"></xsl:stylesheet>";
    let list = "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"a b c d e f g h i j k l m n o p q r\"></ec:InclusiveNamespaces>";
    let sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    vec![
        refused(
            "HMAC with the certificate as secret",
            &hmac("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", world.idp.der.clone()),
            "signature_algorithm",
        ),
        refused(
            "HMAC with the certificate's PEM as secret",
            &hmac("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", pem),
            "signature_algorithm",
        ),
        refused(
            "HMAC with SHA-1",
            &hmac("http://www.w3.org/2000/09/xmldsig#hmac-sha1", world.idp.der.clone()),
            "signature_algorithm",
        ),
        refused(
            "an HMAC that calls itself RSA",
            &hmac(sha256, world.idp.der.clone()),
            "signature_invalid",
        ),
        refused("no algorithm", &method(""), "signature_algorithm"),
        refused("the algorithm none", &method("none"), "signature_algorithm"),
        refused("an unknown algorithm", &method("urn:example:best"), "signature_algorithm"),
        refused(
            "RSA with MD5",
            &method("http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
            "signature_algorithm",
        ),
        refused(
            "DSA with SHA-1",
            &method("http://www.w3.org/2000/09/xmldsig#dsa-sha1"),
            "signature_algorithm",
        ),
        refused(
            "RSA with SHA-1",
            &method("http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
            "signature_weak",
        ),
        refused(
            "RSA-PSS",
            &method("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
            "signature_algorithm",
        ),
        refused(
            "an RSA signature that calls itself ECDSA",
            &method("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
            "signature_invalid",
        ),
        refused(
            "another hash than it says",
            &{
                let mut d = method(sha256);
                d = d.after("rsa-sha256", "rsa-sha512");
                d
            },
            "signature_invalid",
        ),
        refused(
            "a length for an HMAC",
            &styled(&world.idp, |style| {
                style.method_inside = "<ds:HMACOutputLength>0</ds:HMACOutputLength>".to_owned()
            }),
            "signature_algorithm",
        ),
        refused(
            "a digest by MD5",
            &digest("http://www.w3.org/2001/04/xmldsig-more#md5"),
            "signature_algorithm",
        ),
        refused(
            "a digest by SHA-1",
            &digest("http://www.w3.org/2000/09/xmldsig#sha1"),
            "signature_weak",
        ),
        refused("an unknown digest", &digest("urn:example:none"), "signature_algorithm"),
        refused(
            "an XSLT transform",
            &before(transform("http://www.w3.org/TR/1999/REC-xslt-19991116", stylesheet)),
            "signature_transform",
        ),
        refused(
            "an XSLT transform instead of the other",
            &transforms(format!(
                "{enveloped}{}",
                transform("http://www.w3.org/TR/1999/REC-xslt-19991116", stylesheet)
            )),
            "signature_transform",
        ),
        refused(
            "an XPath transform",
            &before(transform(
                "http://www.w3.org/TR/1999/REC-xpath-19991116",
                "<ds:XPath>false()</ds:XPath>",
            )),
            "signature_transform",
        ),
        refused(
            "an XPath filter",
            &transforms(format!(
                "{}{exclusive}",
                transform("http://www.w3.org/2002/06/xmldsig-filter2", "")
            )),
            "signature_transform",
        ),
        refused(
            "a base64 transform",
            &transforms(format!(
                "{enveloped}{}",
                transform("http://www.w3.org/2000/09/xmldsig#base64", "")
            )),
            "signature_transform",
        ),
        refused(
            "the signature taken out twice",
            &transforms(format!("{enveloped}{enveloped}")),
            "signature_transform",
        ),
        refused(
            "the signature taken out twice, then canonical",
            &before(enveloped.clone()),
            "signature_transform",
        ),
        refused(
            "the signature not taken out",
            &transforms(format!("{exclusive}{exclusive}")),
            "signature_transform",
        ),
        refused(
            "no canonicalization among the transforms",
            &transforms(enveloped.clone()),
            "signature_transform",
        ),
        refused(
            "the transforms the other way round",
            &transforms(format!("{exclusive}{enveloped}")),
            "signature_transform",
        ),
        refused("no transforms", &transforms(String::new()), "signature_transform"),
        refused(
            "an inclusive canonicalization among the transforms",
            &transforms(format!(
                "{enveloped}{}",
                transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "")
            )),
            "signature_transform",
        ),
        refused(
            "a canonicalization with comments among the transforms",
            &transforms(format!(
                "{enveloped}{}",
                transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments", "")
            )),
            "signature_transform",
        ),
        refused(
            "too many prefixes",
            &transforms(format!(
                "{enveloped}{}",
                transform("http://www.w3.org/2001/10/xml-exc-c14n#", list)
            )),
            "signature_transform",
        ),
        refused(
            "an inclusive canonicalization",
            &canonicalization("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
            "signature_canonicalization",
        ),
        refused(
            "a canonicalization with comments",
            &canonicalization("http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
            "signature_canonicalization",
        ),
        refused(
            "an unknown canonicalization",
            &canonicalization("urn:example:void"),
            "signature_canonicalization",
        ),
    ]
}
