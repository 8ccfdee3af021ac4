//! What we send: requests, metadata, keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation::saml::{Binding, Delivery, IdentityProvider, Keypair, Policy, Refusal};

use crate::toolbox::{NOW, World, at};

fn posted(world: &World, policy: &Policy) -> String {
    let out = world
        .sp
        .authn_request(&world.provider, policy, Binding::Post, None, at(NOW))
        .expect("a request");
    let Delivery::Post { fields, .. } = out.by else { panic!("not a form") };
    String::from_utf8(STANDARD.decode(&fields[0].1).expect("base64")).expect("text")
}

#[test]
fn a_request_names_its_address_and_asks_for_what_the_connection_wants() {
    let world = World::new();
    let policy = Policy {
        force_authn: true,
        name_id_format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned()),
        authn_contexts: vec!["urn:x:strong".to_owned(), "urn:x:stronger".to_owned()],
        ..Policy::default()
    };
    let xml = posted(&world, &policy);
    for part in [
        "Destination=\"https://idp.example/sso\"",
        "AssertionConsumerServiceURL=\"https://portico.example/saml/c1/acs\"",
        "IssueInstant=\"2026-11-25T12:00:00Z\"",
        "ForceAuthn=\"true\"",
        "<saml:Issuer>https://portico.example/saml/c1</saml:Issuer><ds:Signature",
        "nameid-format:persistent\" AllowCreate=\"true\"/>",
        "Comparison=\"minimum\"><saml:AuthnContextClassRef>urn:x:strong<",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert!(!xml.contains("urn:x:stronger"));
}

#[test]
fn with_the_strict_switch_the_issuer_is_qualified_as_spid_wants() {
    let world = World::new();
    let xml = posted(&world, &Policy { strict: true, ..Policy::default() });
    for part in [
        "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\" \
         NameQualifier=\"https://portico.example/saml/c1\">",
        "<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\"/>",
        "<saml:AuthnContextClassRef>https://www.spid.gov.it/SpidL1<",
        "ForceAuthn=\"true\"",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
}

#[test]
fn a_request_is_signed_when_either_side_wants_it() {
    let world = World::new();
    let mut provider = world.provider.clone();
    let policy = Policy { sign_requests: false, ..Policy::default() };
    let url = |provider: &IdentityProvider| {
        let out = world.sp.authn_request(provider, &policy, Binding::Redirect, None, at(NOW));
        let Delivery::Redirect { url } = out.expect("a request").by else { panic!("no redirect") };
        url
    };
    assert!(!url(&provider).contains("Signature="));
    provider.wants_signed_requests = true;
    assert!(url(&provider).contains(
        "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&Signature="
    ));
    provider.sso_redirect = Some("https://idp.example/sso?tenant=1".to_owned());
    assert!(url(&provider).starts_with("https://idp.example/sso?tenant=1&SAMLRequest="));
    provider.sso_redirect = None;
    let none = world.sp.authn_request(&provider, &policy, Binding::Redirect, None, at(NOW));
    assert_eq!(none, Err(Refusal::Unreachable));
}

#[test]
fn no_two_requests_have_the_same_id() {
    let world = World::new();
    let policy = Policy::default();
    let id = || {
        let out = world.sp.authn_request(&world.provider, &policy, Binding::Post, None, at(NOW));
        out.expect("a request").id
    };
    let ids: std::collections::BTreeSet<String> = (0..100).map(|_| id()).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| id.starts_with('_') && id.len() == 41));
}

#[test]
fn our_metadata_has_every_key_that_opens() {
    let mut world = World::new();
    let next = Keypair::generate(at(NOW)).expect("a key pair");
    world.sp.keys.push(next.clone());
    world.sp.entity_id = "https://portico.example/?a=1&b=\"2\"".to_owned();
    let xml = world.sp.metadata(&Policy::default());
    assert_eq!(xml.matches("use=\"encryption\"").count(), 2);
    assert!(xml.contains(&next.certificate().to_base64()));
    assert!(xml.contains("entityID=\"https://portico.example/?a=1&amp;b=&quot;2&quot;\""));
    assert!(xml.contains("WantAssertionsSigned=\"false\""));
    let strict = world.sp.metadata(&Policy { strict: true, ..Policy::default() });
    assert!(strict.contains("WantAssertionsSigned=\"true\""));
}

#[test]
fn a_key_pair_is_kept_as_pem_and_shown_to_nobody() {
    let pair = Keypair::generate(at(NOW)).expect("a key pair");
    assert_eq!(pair.expires_at(), at("2029-11-24T00:00:00Z"));
    assert!(pair.certificate().is_valid_at(at(NOW)));
    let again = Keypair::from_pem(&pair.to_pem()).expect("read again");
    assert_eq!(again.certificate(), pair.certificate());
    let shown = format!("{pair:?}");
    assert!(shown.contains("fingerprint") && !shown.contains("pkcs8"));
    let other = Keypair::generate(at(NOW)).expect("a key pair");
    let (own, foreign) = (pair.to_pem(), other.certificate_pem());
    let key = own.reveal().split_once("-----BEGIN CERTIFICATE").expect("a certificate").0;
    let mixed = base::secret::Secret::new(format!("{key}{foreign}"));
    assert_eq!(Keypair::from_pem(&mixed).expect_err("mixed"), Refusal::Key);
}
