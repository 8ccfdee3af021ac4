//! Logout messages: unsigned, wrapped, altered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, Kind};
use crate::toolbox::{Logout, SLO, World, deflate, percent};

const CLASS: &str = "logout";

/// Over POST, and what the messages say.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let post = |name, logout: &Logout, verdict| {
        Case::new(CLASS, name, Kind::LogoutRequestPost, logout.posted(), verdict)
    };
    let answer = |name, logout: &Logout, verdict| {
        Case::new(CLASS, name, Kind::LogoutResponsePost, logout.posted(), verdict)
    };
    let altered = |from: &str, to: &str| Logout::request().with(from, to).signed(&world.idp);
    let honest = Logout::request().signed(&world.idp);
    let wrapped = {
        let evil = Logout::request().with("alice@", "mallory@").with("_logout", "_evil");
        let end = "</samlp:LogoutRequest>";
        evil.with(end, &format!("<samlp:Extensions>{}</samlp:Extensions>{end}", honest.xml))
    };
    let inside = {
        let evil = Logout::request().with("alice@", "mallory@").with("_logout", "_evil");
        let start = honest.xml.find("<ds:Signature ").expect("a signature");
        let end = honest.xml.find("</ds:Signature>").expect("an end");
        let signature = honest.xml.get(start..end).expect("a signature");
        let original = Logout::request().xml;
        let signature = format!("{signature}<ds:Object>{original}</ds:Object></ds:Signature>");
        evil.with("</saml:Issuer>", &format!("</saml:Issuer>{signature}"))
    };
    let name = "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">alice@example.com</saml:NameID>";
    vec![
        post("a request", &honest, "accepted"),
        answer("an answer", &Logout::response().signed(&world.idp), "accepted"),
        answer("an answer that says no", &Logout::response().with("status:Success", "status:Responder").signed(&world.idp), "accepted"),
        post("unsigned", &Logout::request(), "signature_missing"),
        answer("an unsigned answer", &Logout::response(), "signature_missing"),
        post("signed by an attacker", &Logout::request().signed(&world.attacker), "signature_invalid"),
        post("signed by another connection's identity provider", &Logout::request().signed(&world.other), "signature_invalid"),
        post("wrapped: the signed one in the extensions", &wrapped, "signature_missing"),
        post("wrapped: the signed one in an object of the signature", &inside, "signature_malformed"),
        post("the name was altered", &honest.clone().with("alice@", "mallory@"), "signature_digest"),
        post("a comment in the name", &honest.clone().with("alice@", "alice<!-- -->@"), "xml_comment"),
        post("a second signature elsewhere", &honest.clone().with("<samlp:SessionIndex>", "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature><samlp:SessionIndex>"), "signature_repeated"),
        post("sent to another address", &altered(SLO, "https://else.example/slo"), "destination_wrong"),
        post("sent to no address", &altered(&format!("Destination=\"{SLO}\" "), ""), "part_missing"),
        post("of another issuer", &altered("https://idp.example/metadata", "https://else.example"), "issuer_wrong"),
        post("issued yesterday", &altered("2026-11-25T", "2026-11-24T"), "issued_long_ago"),
        post("valid no longer", &altered("Version=\"2.0\"", "NotOnOrAfter=\"2026-11-25T11:00:00Z\" Version=\"2.0\""), "expired"),
        post("about nobody", &altered(name, ""), "part_missing"),
        post("about an encrypted name", &altered(name, "<saml:EncryptedID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:EncryptedID>"), "part_encrypted"),
        post("too many sessions", &altered("<samlp:SessionIndex>", &format!("{}<samlp:SessionIndex>", "<samlp:SessionIndex>x</samlp:SessionIndex>".repeat(65))), "values_too_many"),
        post("an answer instead of a request", &Logout::response().signed(&world.idp), "wrong_message"),
        answer("a request instead of an answer", &honest, "wrong_message"),
        answer("an answer to another request", &Logout::response().with("_request", "_other").signed(&world.idp), "in_response_to_wrong"),
        answer("an answer to no request", &Logout::response().with("InResponseTo=\"_request\" ", "").signed(&world.idp), "in_response_to_wrong"),
    ]
}

/// Over redirects.
pub(crate) fn redirects(world: &World) -> Vec<Case> {
    let case = |name, query: String, verdict| {
        Case::new(CLASS, name, Kind::LogoutRequestRedirect, query.into_bytes(), verdict)
    };
    let answer = |name, query: String, verdict| {
        Case::new(CLASS, name, Kind::LogoutResponseRedirect, query.into_bytes(), verdict)
    };
    let honest = Logout::request().query(Some(&world.idp), Some("state"));
    let unsigned = Logout::request().query(None, None);
    let altered = |from: &str, to: &str| crate::toolbox::replace(&honest, from, to);
    let forged = Logout::request().with("alice@", "mallory@").query(None, Some("state"));
    let tail = honest.split_once("&RelayState").expect("a state").1;
    let message = forged.split_once("&RelayState").expect("a state").0;
    let bomb = percent(&STANDARD.encode(deflate(&" ".repeat(64 * 1024 * 1024))));
    let plain = percent(&STANDARD.encode(Logout::request().xml));
    // These two must be signed, because the signature is looked at first.
    let signed = |message: &str| {
        let query = format!("SAMLRequest={message}&SigAlg={}", percent(world.idp.method()));
        let signature = world.idp.sign(world.idp.method(), query.as_bytes());
        format!("{query}&Signature={}", percent(&STANDARD.encode(signature)))
    };
    let end = "</samlp:LogoutRequest>";
    let inside = Logout::request().with(
        end,
        &format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>{end}"
        ),
    );
    vec![
        case("a request by redirect", honest.clone(), "accepted"),
        case(
            "a request by redirect with an elliptic key",
            Logout::request().query(Some(&world.elliptic), None),
            "accepted",
        ),
        answer(
            "an answer by redirect",
            Logout::response().query(Some(&world.idp), None),
            "accepted",
        ),
        case("with parameters of somebody else beside", format!("x=1&{honest}&y=2"), "accepted"),
        case("unsigned by redirect", unsigned.clone(), "signature_missing"),
        case(
            "signed by an attacker, by redirect",
            Logout::request().query(Some(&world.attacker), None),
            "signature_invalid",
        ),
        case(
            "the signature of another message",
            format!("{message}&RelayState{tail}"),
            "signature_invalid",
        ),
        case("another state", altered("RelayState=state", "RelayState=other"), "signature_invalid"),
        case("without its state", altered("&RelayState=state", ""), "signature_invalid"),
        case(
            "the octets written anew",
            honest
                .replace("%2b", "%2B")
                .replace("%2f", "%2F")
                .replace("%3d", "%3D")
                .replace("%3a", "%3A"),
            "signature_invalid",
        ),
        case("another algorithm", altered("rsa%2dsha256", "rsa%2dsha512"), "signature_invalid"),
        case("the algorithm HMAC", altered("rsa%2dsha256", "hmac%2dsha256"), "signature_algorithm"),
        case(
            "no algorithm",
            {
                let start = honest.find("&SigAlg").expect("one");
                let end = honest.find("&Signature").expect("one");
                format!(
                    "{}{}",
                    honest.get(..start).expect("a part"),
                    honest.get(end..).expect("a part")
                )
            },
            "signature_missing",
        ),
        case("the message twice", format!("{honest}&{unsigned}"), "query_invalid"),
        case("the state twice", format!("{honest}&RelayState=other"), "query_invalid"),
        case("the signature twice", format!("{honest}&Signature=AAAA"), "query_invalid"),
        case(
            "a response beside the request",
            format!("{honest}&SAMLResponse=AAAA"),
            "query_invalid",
        ),
        case(
            "a response instead of a request",
            Logout::response().query(Some(&world.idp), None),
            "query_invalid",
        ),
        case("an unknown encoding", format!("{honest}&SAMLEncoding=urn%3Ax"), "not_compressed"),
        case("a broken escape", altered("RelayState=state", "RelayState=%zz"), "signature_invalid"),
        case("no message", "RelayState=x".to_owned(), "signature_missing"),
        case("nothing at all", String::new(), "signature_missing"),
        case("a bomb that inflates to 64 MiB", signed(&bomb), "too_large"),
        case("a bomb that nobody signed", format!("SAMLRequest={bomb}"), "signature_missing"),
        case("a message that is not compressed", signed(&plain), "not_compressed"),
        case(
            "a query larger than is read",
            format!("SAMLRequest={}", "A".repeat(256 * 1024)),
            "too_large",
        ),
        case(
            "a signature inside the message",
            inside.query(Some(&world.idp), None),
            "signature_misplaced",
        ),
        answer(
            "an unsigned answer by redirect",
            Logout::response().query(None, None),
            "signature_missing",
        ),
    ]
}
