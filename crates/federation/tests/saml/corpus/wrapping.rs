//! Signature wrapping: what is signed is kept somewhere, what is read is the attacker's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, Kind};
use crate::toolbox::{Draft, Signer, Style, World, replace, sign, signature};

const CLASS: &str = "wrapping";
const EVIL: &str = "mallory@example.com";
const ASSERTION_END: &str = "</saml:Assertion>";

struct Pieces {
    /// A response whose own signature holds, its assertion unsigned.
    response: String,
    response_signature: String,
    response_unsigned: String,
    /// A response whose assertion is signed.
    assertion: String,
    assertion_signature: String,
    assertion_unsigned: String,
    frame: String,
    evil: String,
}

fn pieces(signer: &Signer) -> Pieces {
    let draft = Draft::new();
    let style = Style::default();
    let frame = draft.response.clone();
    let assertion_unsigned = draft.assertion.clone();
    let assertion_signature = signature(&assertion_unsigned, "_assertion", signer, &style);
    let response_unsigned = frame.replacen("(assertion)", &assertion_unsigned, 1);
    let response_signature = signature(&response_unsigned, "_response", signer, &style);
    Pieces {
        response: sign(&response_unsigned, "_response", signer, &style),
        assertion: sign(&assertion_unsigned, "_assertion", signer, &style),
        evil: replace(
            &replace(&assertion_unsigned, "alice@example.com", EVIL),
            "_assertion",
            "_evil",
        ),
        response_signature,
        response_unsigned,
        assertion_signature,
        assertion_unsigned,
        frame,
    }
}

fn posted(name: &'static str, xml: &str, verdict: &'static str) -> Case {
    Case::new(CLASS, name, Kind::Response, STANDARD.encode(xml).into_bytes(), verdict)
}

fn put(frame: &str, inside: &str) -> String {
    frame.replacen("(assertion)", inside, 1)
}

/// Puts something right before the end of the last element of this end tag.
fn before_end(text: &str, end: &str, inside: &str) -> String {
    let at = text.rfind(end).expect("an end");
    let (before, after) = text.split_at(at);
    format!("{before}{inside}{after}")
}

/// Puts something behind the first issuer.
fn behind_issuer(text: &str, inside: &str) -> String {
    replace(text, "</saml:Issuer>", &format!("</saml:Issuer>{inside}"))
}

/// The response's signature wrapped (XSW 1 and 2), and its cousins.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let p = pieces(&world.idp);
    let evil_response = replace(&put(&p.frame, &p.evil), "_response", "_evil_response");
    let inside_signature =
        before_end(&p.response_signature, "</ds:Signature>", &p.response_unsigned);
    let in_object = before_end(
        &p.response_signature,
        "</ds:Signature>",
        &format!("<ds:Object>{}</ds:Object>", p.response_unsigned),
    );
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    let same_id = put(&p.frame, &p.evil);
    vec![
        posted(
            "XSW1: the signed response inside the signature of a forged one",
            &behind_issuer(&evil_response, &inside_signature),
            "assertion_misplaced",
        ),
        posted(
            "XSW2: the signed response beside its signature in a forged one",
            &behind_issuer(
                &evil_response,
                &format!("{}{}", p.response_signature, p.response_unsigned),
            ),
            "assertion_misplaced",
        ),
        posted(
            "the signed response in an object of the signature",
            &behind_issuer(&evil_response, &in_object),
            "assertion_misplaced",
        ),
        posted(
            "the signed response in the extensions of a forged one",
            &behind_issuer(&evil_response, &extensions(&p.response)),
            "assertion_misplaced",
        ),
        posted(
            "the signed response in the status of a forged one",
            &replace(&evil_response, "<samlp:Status>", &format!("<samlp:Status>{}", p.response)),
            "assertion_misplaced",
        ),
        posted(
            "a forged response with the id of the signed one",
            &behind_issuer(&same_id, &inside_signature),
            "xml_duplicate_id",
        ),
        posted(
            "a forged response with a signature that names another id",
            &behind_issuer(&evil_response, &p.response_signature),
            "signature_of_another",
        ),
        posted(
            "a forged response with the signature of the signed one",
            &behind_issuer(&same_id, &p.response_signature),
            "signature_digest",
        ),
        posted(
            "the forged assertion before the one of a signed response",
            &replace(&p.response, "<saml:Assertion", &format!("{}<saml:Assertion", p.evil)),
            "assertion_not_one",
        ),
        posted(
            "the forged assertion behind the one of a signed response",
            &replace(&p.response, "</samlp:Response>", &format!("{}</samlp:Response>", p.evil)),
            "assertion_not_one",
        ),
        posted(
            "the signature of the response in its status",
            &replace(
                &put(&p.frame, &p.evil),
                "<samlp:Status>",
                &format!("<samlp:Status>{}", p.response_signature),
            ),
            "signature_misplaced",
        ),
        posted(
            "the signature of the response in the subject",
            &put(
                &p.frame,
                &replace(
                    &p.evil,
                    "<saml:Subject>",
                    &format!("<saml:Subject>{}", p.response_signature),
                ),
            ),
            "signature_misplaced",
        ),
        posted(
            "two signatures of the response",
            &behind_issuer(&p.response, &p.response_signature),
            "signature_repeated",
        ),
        posted(
            "a response inside a response",
            &replace(
                &put(&p.frame, &format!("{}{}", p.evil, p.response)),
                "_response",
                "_evil_response",
            ),
            "assertion_misplaced",
        ),
        posted(
            "a SOAP envelope around it",
            &format!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{}</s:Body></s:Envelope>",
                p.response
            ),
            "wrong_message",
        ),
    ]
}

/// The assertion's signature wrapped (XSW 3 to 8), and its cousins.
pub(crate) fn around_assertions(world: &World) -> Vec<Case> {
    let p = pieces(&world.idp);
    let evil_signed = |inside: &str| {
        behind_issuer(&p.evil, &before_end(&p.assertion_signature, "</ds:Signature>", inside))
    };
    let object = |inside: &str| format!("<ds:Object>{inside}</ds:Object>");
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    let whole = |inside: &str| put(&p.frame, inside);
    let named = |uri: &str| {
        let style = Style { uri: Some(uri.to_owned()), ..Style::default() };
        whole(&sign(&p.assertion_unsigned, "_assertion", &world.idp, &style))
    };
    let evil_same = replace(&p.assertion_unsigned, "alice@example.com", EVIL);
    let advice = |inside: &str| format!("<saml:Advice>{inside}</saml:Advice>");
    vec![
        posted(
            "XSW3: the forged assertion before the signed one",
            &whole(&format!("{}{}", p.evil, p.assertion)),
            "assertion_not_one",
        ),
        posted(
            "XSW4: the signed assertion inside the forged one",
            &whole(&before_end(&p.evil, ASSERTION_END, &p.assertion)),
            "assertion_misplaced",
        ),
        posted(
            "XSW5: the signature in the forged one, the signed one behind it",
            &whole(&format!(
                "{}{}",
                behind_issuer(&p.evil, &p.assertion_signature),
                p.assertion_unsigned
            )),
            "assertion_not_one",
        ),
        posted(
            "XSW6: the signed one inside the signature in the forged one",
            &whole(&evil_signed(&p.assertion_unsigned)),
            "assertion_misplaced",
        ),
        posted(
            "XSW7: the forged one in the extensions",
            &replace(
                &whole(&p.assertion),
                "<samlp:Status>",
                &format!("{}<samlp:Status>", extensions(&p.evil)),
            ),
            "assertion_misplaced",
        ),
        posted(
            "XSW8: the signed one in an object of the signature",
            &whole(&evil_signed(&object(&p.assertion_unsigned))),
            "assertion_misplaced",
        ),
        posted(
            "XSW7 the other way: the signed one in the extensions",
            &replace(
                &whole(&p.evil),
                "<samlp:Status>",
                &format!("{}<samlp:Status>", extensions(&p.assertion)),
            ),
            "assertion_misplaced",
        ),
        posted(
            "the signed one behind the forged one",
            &whole(&format!("{}{}", p.assertion, p.evil)),
            "assertion_not_one",
        ),
        posted(
            "the signed one in the advice of the forged one",
            &whole(&replace(
                &p.evil,
                "<saml:AuthnStatement",
                &format!("{}<saml:AuthnStatement", advice(&p.assertion)),
            )),
            "assertion_misplaced",
        ),
        posted(
            "the signed one in the confirmation of the forged one",
            &whole(&replace(
                &p.evil,
                "</saml:SubjectConfirmationData>",
                &format!("{}</saml:SubjectConfirmationData>", p.assertion),
            )),
            "assertion_misplaced",
        ),
        posted(
            "the signed one as a value of the forged one",
            &whole(&replace(
                &p.evil,
                "<saml:AttributeValue>users",
                &format!("<saml:AttributeValue>{}", p.assertion),
            )),
            "assertion_misplaced",
        ),
        posted(
            "the signed one inside a wrapper of another name",
            &replace(
                &whole(&p.evil),
                "<samlp:Status>",
                &format!("<x>{}</x><samlp:Status>", p.assertion),
            ),
            "assertion_misplaced",
        ),
        posted(
            "the forged one with the id of the signed one",
            &whole(&format!(
                "{}{}",
                behind_issuer(&evil_same, &p.assertion_signature),
                extensions(&p.assertion_unsigned)
            )),
            "xml_duplicate_id",
        ),
        posted(
            "an Id in another spelling on the signed one",
            &whole(&evil_signed(&object(&replace(
                &p.assertion_unsigned,
                "ID=\"_assertion\"",
                "Id=\"_assertion\"",
            )))),
            "assertion_misplaced",
        ),
        posted(
            "the forged one with the signature of the signed one",
            &whole(&behind_issuer(&evil_same, &p.assertion_signature)),
            "signature_digest",
        ),
        posted(
            "the forged one with a signature that names the signed one",
            &whole(&behind_issuer(&p.evil, &p.assertion_signature)),
            "signature_of_another",
        ),
        posted(
            "the assertion's signature names the response",
            &named("#_response"),
            "signature_of_another",
        ),
        posted(
            "the assertion's signature names the whole document",
            &named(""),
            "signature_of_another",
        ),
        posted("the assertion's signature names nothing", &named("absent"), "signature_of_another"),
        posted(
            "the assertion's signature names a pointer",
            &named("#xpointer(id('_assertion'))"),
            "signature_of_another",
        ),
        posted(
            "the assertion's signature names a file",
            &named("https://attacker.example/assertion.xml"),
            "signature_of_another",
        ),
        posted(
            "the assertion's signature stands in the response",
            &behind_issuer(&whole(&p.evil), &p.assertion_signature),
            "signature_of_another",
        ),
        posted(
            "an encrypted assertion beside the signed one",
            &whole(&format!(
                "{}<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:EncryptedAssertion>",
                p.assertion
            )),
            "assertion_not_one",
        ),
        posted(
            "the signature in the subject of the assertion",
            &whole(&replace(
                &p.assertion_unsigned,
                "<saml:Subject>",
                &format!("<saml:Subject>{}", p.assertion_signature),
            )),
            "signature_misplaced",
        ),
        posted(
            "the signature twice in the assertion",
            &whole(&behind_issuer(&p.assertion, &p.assertion_signature)),
            "signature_repeated",
        ),
    ]
}
