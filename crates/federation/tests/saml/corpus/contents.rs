//! Honestly signed, but not for us, not of whom it should be, or not whole.

use super::accepted::strict as strictly;
use super::{Case, Kind};
use crate::toolbox::{ACS, Draft, IDP, REQUEST, SP, World};

const CLASS: &str = "contents";

fn refused(name: &'static str, draft: &Draft<'_>, verdict: &'static str) -> Case {
    Case::response(CLASS, name, draft, verdict)
}

/// What the response itself says.
pub(crate) fn response(world: &World) -> Vec<Case> {
    let altered = |from: &str, to: &str| {
        Draft::new().response(from, to).signed(&world.idp).response_signed(&world.idp)
    };
    let destination = format!("Destination=\"{ACS}\" ");
    let answers = format!("InResponseTo=\"{REQUEST}\" ");
    let success = "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">";
    let status = |inner: &str| {
        let to = format!(
            "Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:{inner}\"></samlp:StatusCode>"
        );
        altered(success, &to)
    };
    let unsigned = |from: &str, to: &str| Draft::new().response(from, to).signed(&world.idp);
    let whole = "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>";
    vec![
        refused(
            "sent to another address",
            &altered(ACS, "https://else.example/acs"),
            "destination_wrong",
        ),
        refused(
            "sent to our address with something behind it",
            &altered(ACS, &format!("{ACS}/x")),
            "destination_wrong",
        ),
        refused("sent to no address", &altered(&destination, ""), "part_missing"),
        refused("sent to an empty address", &altered(ACS, ""), "destination_wrong"),
        refused(
            "the response is of another issuer",
            &altered(IDP, "https://else.example"),
            "issuer_wrong",
        ),
        refused("the response has an empty issuer", &altered(IDP, ""), "issuer_wrong"),
        refused("answers another request", &altered(REQUEST, "_other"), "in_response_to_wrong"),
        refused("answers no request", &altered(&answers, ""), "in_response_to_wrong"),
        refused("nobody asked", &Draft::new().signed(&world.idp), "unsolicited").unasked(),
        refused(
            "answers somebody else's request where nobody asked",
            &Draft::new().signed(&world.idp),
            "in_response_to_wrong",
        )
        .unasked()
        .policy(|policy| policy.idp_initiated = true),
        refused("authentication failed", &status("AuthnFailed"), "status_authn_failed"),
        refused("it could not ask", &status("NoPassive"), "status_no_passive"),
        refused("it knows no such means", &status("NoAuthnContext"), "status_no_authn_context"),
        refused("the request was denied", &status("RequestDenied"), "status_request_denied"),
        refused(
            "it knows no such name",
            &status("InvalidNameIDPolicy"),
            "status_invalid_name_id_policy",
        ),
        refused("it knows nobody", &status("UnknownPrincipal"), "status_unknown_principal"),
        refused("it failed for its own reasons", &status("Whatever"), "status_other"),
        refused(
            "a status that only looks like success",
            &altered(success, "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success \">"),
            "status_other",
        ),
        refused("it has no status", &altered(whole, ""), "part_missing"),
        refused(
            "it has two statuses",
            &altered(whole, &format!("{whole}{whole}")),
            "part_repeated",
        ),
        refused(
            "another version",
            &altered("Version=\"2.0\"", "Version=\"1.1\""),
            "version_unknown",
        ),
        refused("no version", &altered(" Version=\"2.0\"", ""), "version_unknown"),
        refused("no id", &unsigned("ID=\"_response\" ", ""), "part_missing"),
        refused("an empty id", &unsigned("ID=\"_response\" ", "ID=\"\" "), "part_invalid"),
        refused(
            "an id with a quote",
            &unsigned("ID=\"_response\" ", "ID=\"_&quot;\" "),
            "part_invalid",
        ),
        refused(
            "an id that begins with a digit",
            &unsigned("ID=\"_response\" ", "ID=\"1\" "),
            "part_invalid",
        ),
        refused(
            "an id with a colon",
            &unsigned("ID=\"_response\" ", "ID=\"a:b\" "),
            "part_invalid",
        ),
        refused(
            "an element that a response does not have",
            &unsigned("<samlp:Status>", "<samlp:Artifact></samlp:Artifact><samlp:Status>"),
            "part_unknown",
        ),
        refused(
            "a signature of another namespace",
            &unsigned(
                "<samlp:Status>",
                "<ds:Signature xmlns:ds=\"urn:x\"></ds:Signature><samlp:Status>",
            ),
            "part_unknown",
        ),
        refused(
            "two issuers",
            &unsigned(
                "<samlp:Status>",
                "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example/metadata</saml:Issuer><samlp:Status>",
            ),
            "part_repeated",
        ),
        refused("no assertion", &unsigned("(assertion)", ""), "assertion_not_one"),
        refused(
            "two assertions",
            &unsigned(
                "(assertion)",
                "(assertion)<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:Assertion>",
            ),
            "assertion_not_one",
        ),
        refused(
            "an assertion of another namespace",
            &Draft::new()
                .assertion(
                    "urn:oasis:names:tc:SAML:2.0:assertion",
                    "urn:oasis:names:tc:SAML:1.0:assertion",
                )
                .signed(&world.idp),
            "assertion_not_one",
        ),
        Case::new(
            CLASS,
            "a request instead of a response",
            Kind::Response,
            crate::toolbox::Logout::request().signed(&world.idp).posted(),
            "wrong_message",
        ),
        Case::new(
            CLASS,
            "an answer about logout instead of a response",
            Kind::Response,
            crate::toolbox::Logout::response().signed(&world.idp).posted(),
            "wrong_message",
        ),
    ]
}

/// What the assertion says.
pub(crate) fn assertion(world: &World) -> Vec<Case> {
    let altered = |from: &str, to: &str| Draft::new().assertion(from, to).signed(&world.idp);
    let without = |start: &str, end: &str| {
        let draft = Draft::new();
        let from = draft.assertion.find(start).expect("a start");
        let until = draft.assertion.find(end).expect("an end") + end.len();
        let part = draft.assertion.get(from..until).expect("a part").to_owned();
        draft.assertion(&part, "").signed(&world.idp)
    };
    let restriction = format!(
        "<saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction>"
    );
    let audience = format!("<saml:Audience>{SP}");
    let second = "<saml:AudienceRestriction><saml:Audience>https://else.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>";
    let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    let recipient = format!(" Recipient=\"{ACS}\"");
    let answers = format!("InResponseTo=\"{REQUEST}\" ");
    let end = "</saml:Conditions>";
    let statement = "<saml:AttributeStatement>";
    vec![
        refused("of another issuer", &altered(IDP, "https://else.example"), "issuer_wrong"),
        refused(
            "of no issuer",
            &{
                let d = Draft::new();
                let d = d.assertion(&format!("<saml:Issuer>{IDP}</saml:Issuer>"), "");
                d.response_signed(&world.idp)
            },
            "part_missing",
        ),
        refused(
            "for another audience",
            &altered(&audience, "<saml:Audience>https://else.example"),
            "audience_wrong",
        ),
        refused(
            "for an audience that begins with us",
            &altered(&audience, &format!("{audience}x")),
            "audience_wrong",
        ),
        refused("for an empty audience", &altered(&audience, "<saml:Audience>"), "audience_wrong"),
        refused("for no audience", &altered(&restriction, ""), "part_missing"),
        refused(
            "for an audience without names",
            &altered(&restriction, "<saml:AudienceRestriction></saml:AudienceRestriction>"),
            "audience_wrong",
        ),
        refused("for us, but a second restriction is not", &altered(end, second), "audience_wrong"),
        refused(
            "an unknown condition",
            &altered(end, "<saml:Condition></saml:Condition></saml:Conditions>"),
            "condition_unknown",
        ),
        refused(
            "a condition of somebody else",
            &altered(end, "<x:Only xmlns:x=\"urn:x\"></x:Only></saml:Conditions>"),
            "condition_unknown",
        ),
        refused(
            "no conditions",
            &without("<saml:Conditions", "</saml:Conditions>"),
            "part_missing",
        ),
        refused(
            "two conditions",
            &altered(
                "<saml:AuthnStatement",
                "<saml:Conditions></saml:Conditions><saml:AuthnStatement",
            ),
            "part_repeated",
        ),
        refused(
            "for another recipient",
            &altered(ACS, "https://else.example/acs"),
            "recipient_wrong",
        ),
        refused("for no recipient", &altered(&recipient, ""), "part_missing"),
        refused(
            "the confirmation answers another request",
            &altered(REQUEST, "_other"),
            "in_response_to_wrong",
        ),
        refused(
            "the confirmation answers no request",
            &altered(&answers, ""),
            "in_response_to_wrong",
        ),
        refused(
            "not confirmed as bearer",
            &altered(bearer, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
            "confirmation_missing",
        ),
        refused(
            "confirmed by vouching",
            &altered(bearer, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
            "confirmation_missing",
        ),
        refused(
            "not confirmed",
            &without("<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>"),
            "confirmation_missing",
        ),
        refused(
            "confirmed without data",
            &without("<saml:SubjectConfirmationData", "</saml:SubjectConfirmationData>"),
            "part_missing",
        ),
        refused(
            "confirmed too often",
            &altered(
                "<saml:SubjectConfirmation ",
                &format!(
                    "{}<saml:SubjectConfirmation ",
                    "<saml:SubjectConfirmation Method=\"x\"></saml:SubjectConfirmation>".repeat(9)
                ),
            ),
            "values_too_many",
        ),
        refused("about nobody", &without("<saml:Subject>", "</saml:Subject>"), "part_missing"),
        refused("without a name", &without("<saml:NameID", "</saml:NameID>"), "part_missing"),
        refused("with an empty name", &altered("alice@example.com", " "), "part_missing"),
        refused(
            "with two names",
            &altered(
                "<saml:SubjectConfirmation ",
                "<saml:NameID>mallory@example.com</saml:NameID><saml:SubjectConfirmation ",
            ),
            "part_repeated",
        ),
        refused(
            "with another element in the name",
            &altered("alice@example.com", "alice@example.com<x></x>"),
            "part_invalid",
        ),
        refused(
            "with a name that is too long",
            &altered("alice@example.com", &"a".repeat(1025)),
            "part_invalid",
        ),
        refused(
            "with a name encrypted by itself",
            &altered("<saml:NameID ", "<saml:EncryptedID></saml:EncryptedID><saml:NameID "),
            "part_encrypted",
        ),
        refused(
            "with an attribute encrypted by itself",
            &altered(
                statement,
                "<saml:AttributeStatement><saml:EncryptedAttribute></saml:EncryptedAttribute>",
            ),
            "part_encrypted",
        ),
        refused(
            "with two subjects",
            &altered("<saml:Conditions", "<saml:Subject></saml:Subject><saml:Conditions"),
            "part_repeated",
        ),
        refused(
            "without authentication",
            &without("<saml:AuthnStatement", "</saml:AuthnStatement>"),
            "part_missing",
        ),
        refused(
            "without the means of authentication",
            &without("<saml:AuthnContext>", "</saml:AuthnContext>"),
            "part_missing",
        ),
        refused("by other means than asked for", &altered("users", "users"), "authn_context_wrong")
            .policy(|policy| {
                policy.authn_contexts =
                    vec!["urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken".to_owned()]
            }),
        refused("an attribute without a name", &altered(" Name=\"groups\"", ""), "part_missing"),
        refused("an attribute with an empty name", &altered("\"groups\"", "\"\""), "part_invalid"),
        refused(
            "too many values",
            &altered(
                "<saml:AttributeValue>users",
                &format!(
                    "{}<saml:AttributeValue>users",
                    "<saml:AttributeValue></saml:AttributeValue>".repeat(4_001)
                ),
            ),
            "values_too_many",
        ),
        refused(
            "a value that is too long",
            &altered("users", &"x".repeat(16 * 1024 + 1)),
            "values_too_many",
        ),
        refused(
            "another version of assertion",
            &altered("Version=\"2.0\"", "Version=\"1.1\""),
            "version_unknown",
        ),
        refused(
            "an assertion without id",
            &{
                let d = Draft::new().assertion("ID=\"_assertion\" ", "");
                d.response_signed(&world.idp)
            },
            "part_missing",
        ),
        refused(
            "an assertion with an empty id",
            &{
                let d = Draft::new().assertion("ID=\"_assertion\" ", "ID=\"\" ");
                d.response_signed(&world.idp)
            },
            "part_invalid",
        ),
    ]
}

/// What only the strict switch refuses.
pub(crate) fn strict(world: &World) -> Vec<Case> {
    let altered = |name, from: &str, to: &str, verdict| {
        strictly(&Draft::new().assertion(from, to), world, verdict, name)
    };
    let entity = "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified";
    vec![
        altered("a name that is not transient", "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">alice", "<saml:NameID NameQualifier=\"x\">alice", "part_invalid"),
        altered("an assertion without the issuer's format", "<saml:Issuer>", "<saml:Issuer NameQualifier=\"x\">", "part_invalid"),
        altered("no beginning of validity", " NotBefore=\"2026-11-25T11:59:30Z\"", "", "part_missing"),
        altered("a statement without attributes", "<saml:AttributeStatement>", "<saml:AttributeStatement></saml:AttributeStatement><saml:AttributeStatement>", "part_missing"),
        altered("an attribute without values", "<saml:Attribute ", "<saml:Attribute Name=\"x\"></saml:Attribute><saml:Attribute ", "part_missing"),
        altered("a level that SPID does not have", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "urn:oasis:names:tc:SAML:2.0:ac:classes:SpidL1", "authn_context_wrong"),
        strictly(&Draft::new().response("<saml:Issuer xmlns", &format!("<saml:Issuer Format=\"{entity}\" xmlns")), world, "part_invalid", "a response whose issuer has another format"),
        strictly(&Draft::new().response("<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example/metadata</saml:Issuer>", ""), world, "part_missing", "a response without issuer"),
    ]
}
