//! What honest identity providers send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation::saml::Policy;

use super::{Case, Kind};
use crate::toolbox::{Draft, Encrypt, Hash, REQUEST, Style, World, replace, sign};

const CLASS: &str = "accepted";

/// The shapes of signing and encrypting.
pub(crate) fn shapes(world: &World) -> Vec<Case> {
    let honest = || Draft::new().signed(&world.idp);
    let gcm = || Encrypt::gcm(&world.ours);
    let cbc = || Encrypt::with(&world.ours, "http://www.w3.org/2001/04/xmlenc#aes256-cbc");
    let case = |name, draft: Draft<'_>| Case::response(CLASS, name, &draft, "accepted");
    let sha512 = Style {
        method: Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512".to_owned()),
        digest: "http://www.w3.org/2001/04/xmlenc#sha512",
        ..Style::default()
    };
    let sha384 = Style {
        method: Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384".to_owned()),
        digest: "http://www.w3.org/2001/04/xmldsig-more#sha384",
        ..Style::default()
    };
    let sha1 = Style {
        method: Some("http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned()),
        digest: "http://www.w3.org/2000/09/xmldsig#sha1",
        ..Style::default()
    };
    let hint = Style {
        more: format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
             </ds:KeyInfo>",
            world.idp.base64()
        ),
        ..Style::default()
    };
    let aes128 = Encrypt::with(&world.ours, "http://www.w3.org/2009/xmlenc11#aes128-gcm");
    vec![
        case("the assertion is signed", honest()),
        case("the response is signed", Draft::new().response_signed(&world.idp)),
        case("both are signed", honest().response_signed(&world.idp)),
        case(
            "encrypted, in a signed response",
            Draft::new().encrypted(gcm()).response_signed(&world.idp),
        ),
        case("signed, then encrypted, in an unsigned response", honest().encrypted(gcm())),
        case("signed, encrypted and signed", honest().encrypted(gcm()).response_signed(&world.idp)),
        case("encrypted with AES-128-GCM", honest().encrypted(aes128)),
        case(
            "encrypted with AES-CBC, in a signed response",
            honest().encrypted(cbc()).response_signed(&world.idp),
        ),
        case(
            "the key is wrapped with SHA-256",
            honest().encrypted(Encrypt { hash: Hash::Sha256, ..gcm() }),
        ),
        case(
            "the wrapped key stands beside the content",
            honest().encrypted(Encrypt { beside: true, ..gcm() }),
        ),
        case("by the second certificate, on the larger curve", Draft::new().signed(&world.next)),
        case("by an elliptic key", Draft::new().signed(&world.elliptic)),
        case("with SHA-512", Draft::new().signed_as(&world.idp, sha512)),
        case("with SHA-384", Draft::new().signed_as(&world.idp, sha384)),
        case("with its certificate in the message", Draft::new().signed_as(&world.idp, hint)),
        case("with SHA-1 on a widened connection", Draft::new().signed_as(&world.idp, sha1))
            .policy(|policy| policy.widened_algorithms = true),
        case(
            "with AES-CBC in an unsigned response on a widened connection",
            honest().encrypted(cbc()),
        )
        .policy(|policy| policy.widened_algorithms = true),
        case(
            "signed by a certificate whose time is over, where that is accepted",
            Draft::new().signed(&world.expired),
        )
        .from(federation::saml::IdentityProvider {
            certificates: vec![world.expired.certificate()],
            ..world.provider.clone()
        })
        .policy(|policy| policy.expired_certificates = true),
    ]
}

/// The shapes of contents.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let honest = || Draft::new().signed(&world.idp);
    let case = |name, draft: Draft<'_>| Case::response(CLASS, name, &draft, "accepted");
    let posted = |name, xml: &str| {
        Case::new(CLASS, name, Kind::Response, STANDARD.encode(xml).into_bytes(), "accepted")
    };
    let plain = honest().xml();
    let unasked = Draft::new()
        .assertion(&format!("InResponseTo=\"{REQUEST}\" "), "")
        .response(&format!("InResponseTo=\"{REQUEST}\" "), "")
        .signed(&world.idp);
    let mut lines = String::new();
    for (at, character) in STANDARD.encode(&plain).chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            lines.push_str("\r\n");
        }
        lines.push(character);
    }
    let prefixed = Style {
        transforms: replace(
            &Style::default().transforms,
            "xml-exc-c14n#\"></ds:Transform>",
            "xml-exc-c14n#\"><ec:InclusiveNamespaces \
             xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs\">\
             </ec:InclusiveNamespaces></ds:Transform>",
        ),
        ..Style::default()
    };
    let schema = Draft::new()
        .assertion(
            "ID=\"_assertion\"",
            "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" ID=\"_assertion\"",
        )
        .assertion(
            "<saml:AttributeValue>users",
            "<saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"xs:string\">users",
        )
        .signed_as(&world.idp, prefixed);
    // As Entra writes: the assertion's namespace is the default one.
    let default = Draft::new().assertion.replace("xmlns:saml=", "xmlns=");
    let default = default.replace("<saml:", "<").replace("</saml:", "</");
    let default = sign(&default, "_assertion", &world.idp, &Style::default());
    let default = Draft::new().response.replacen("(assertion)", &default, 1);
    vec![
        case("nobody asked, where that is on", unasked).unasked().policy(|policy| policy.idp_initiated = true),
        Case::new(CLASS, "base64 in lines", Kind::Response, lines.into_bytes(), "accepted"),
        case("with namespaces of schemas", schema),
        posted("with the default namespace", &default),
        posted("with an XML declaration", &format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{plain}")),
        posted("with a byte order mark", &format!("\u{FEFF}{plain}")),
        posted("with comments around the message", &format!("<!-- made by -->{plain}<!-- an appliance -->")),
        posted("with empty elements written short", &plain.replace("></samlp:StatusCode>", "/>")),
        posted("with other quotes and another order of attributes", &replace(&plain, "ID=\"_response\" InResponseTo=\"_request\"", "InResponseTo='_request' ID='_response'")),
        case("without an issuer of the response", {
            let draft = honest();
            let issuer = "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example/metadata</saml:Issuer>";
            draft.response(issuer, "")
        }),
        case("times with fractions", Draft::new().assertion("12:06:00Z", "12:06:00.1234567Z").signed(&world.idp)),
        case("several audiences", Draft::new().assertion("<saml:Audience>", "<saml:Audience>https://else.example</saml:Audience><saml:Audience>").signed(&world.idp)),
        case("to be used once", Draft::new().assertion("</saml:Conditions>", "<saml:OneTimeUse></saml:OneTimeUse></saml:Conditions>").signed(&world.idp)),
        case("without attributes", {
            let draft = Draft::new();
            let start = draft.assertion.find("<saml:AttributeStatement>").expect("attributes");
            let end = draft.assertion.find("</saml:Assertion>").expect("an end");
            let statement = draft.assertion.get(start..end).expect("a part").to_owned();
            draft.assertion(&statement, "").signed(&world.idp)
        }),
        case("another confirmation that does not hold beside the one that does", Draft::new().assertion("<saml:SubjectConfirmation ", "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:sender-vouches\"></saml:SubjectConfirmation><saml:SubjectConfirmation ").signed(&world.idp)),
        case("clocks a minute apart", Draft::new().assertion("NotBefore=\"2026-11-25T11:59:30Z\"", "NotBefore=\"2026-11-25T12:00:59Z\"").signed(&world.idp)),
        strict(&Draft::new(), world, "accepted", "with everything that the strict switch wants"),
    ]
}

/// A case under the strict switch, with what it wants.
pub(crate) fn strict(
    draft: &Draft<'_>,
    world: &World,
    verdict: &'static str,
    name: &'static str,
) -> Case {
    let entity = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    let mut draft = draft.clone();
    let changes = [
        ("<saml:Issuer>", format!("<saml:Issuer Format=\"{entity}\">")),
        (
            "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">alice@example.com",
            "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\" \
             NameQualifier=\"https://idp.example\">_transient"
                .to_owned(),
        ),
        (
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "https://www.spid.gov.it/SpidL2".to_owned(),
        ),
    ];
    for (from, to) in changes {
        draft.assertion = draft.assertion.replacen(from, &to, 1);
    }
    let draft = draft.signed(&world.idp).response_signed(&world.idp);
    Case::response(if verdict == "accepted" { CLASS } else { "strict" }, name, &draft, verdict)
        .policy(|policy| *policy = Policy { strict: true, ..Policy::default() })
}
