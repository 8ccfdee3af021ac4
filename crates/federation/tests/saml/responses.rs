//! What an accepted response tells.

use federation::saml::{IdentityProvider, Policy, Refusal, Signature};

use crate::corpus;
use crate::toolbox::{Draft, Encrypt, NAME, NOW, REQUEST, World, at};

#[test]
fn an_assertion_tells_who_signed_in_how_and_with_which_groups() {
    let world = World::new();
    let draft = Draft::new().signed(&world.idp).encrypted(Encrypt::gcm(&world.ours));
    let found = world
        .sp
        .verify_response(
            &world.provider,
            &Policy::default(),
            &draft.posted(),
            Some(REQUEST),
            at(NOW),
        )
        .expect("accepted");
    assert_eq!(found.name_id, NAME);
    assert_eq!(found.issuer, world.provider.entity_id);
    assert_eq!(
        found.name_id_format.as_deref(),
        Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
    );
    assert_eq!(found.attributes["groups"], ["users", "legal"]);
    assert_eq!(found.session_index.as_deref(), Some("_session"));
    assert_eq!(
        (found.assertion_id.as_str(), found.response_id.as_str()),
        ("_assertion", "_response")
    );
    assert_eq!(found.in_response_to.as_deref(), Some(REQUEST));
    assert_eq!(found.authn_instant, at("2026-11-25T11:58:00Z"));
    assert!(found.authn_context.expect("a context").ends_with("PasswordProtectedTransport"));
    assert!(found.was_encrypted);
}

#[test]
fn ids_are_told_with_the_time_until_which_a_replay_could_pass() {
    let world = World::new();
    // Valid for ten years by its own words.
    let draft = Draft::new()
        .assertion("NotOnOrAfter=\"2026-11-25T12:06:00Z\"", "NotOnOrAfter=\"2036-11-25T12:06:00Z\"")
        .assertion("NotOnOrAfter=\"2026-11-25T12:05:00Z\"", "NotOnOrAfter=\"2036-11-25T12:05:00Z\"")
        .signed(&world.idp);
    let policy = Policy::default();
    let verify = |now| {
        world.sp.verify_response(&world.provider, &policy, &draft.posted(), Some(REQUEST), now)
    };
    let until = verify(at(NOW)).expect("accepted").not_on_or_after;
    assert_eq!(until, at("2026-11-25T13:02:00Z"));
    assert_eq!(verify(until), Err(Refusal::IssuedLongAgo));
}

#[test]
fn an_attribute_that_comes_twice_has_the_values_of_both() {
    let world = World::new();
    let draft = Draft::new()
        .assertion(
            "</saml:AttributeStatement>",
            "<saml:Attribute Name=\"groups\"><saml:AttributeValue>A &amp; B</saml:AttributeValue>\
             </saml:Attribute><saml:Attribute Name=\"urn:oid:1.3.6.1.4.1.5923.1.1.1.10\">\
             <saml:AttributeValue><saml:NameID>opaque</saml:NameID></saml:AttributeValue>\
             <saml:AttributeValue><other></other></saml:AttributeValue></saml:Attribute>\
             </saml:AttributeStatement>",
        )
        .signed(&world.idp);
    let found = world
        .sp
        .verify_response(
            &world.provider,
            &Policy::default(),
            &draft.posted(),
            Some(REQUEST),
            at(NOW),
        )
        .expect("accepted");
    assert_eq!(found.attributes["groups"], ["users", "legal", "A & B"]);
    assert_eq!(found.attributes["urn:oid:1.3.6.1.4.1.5923.1.1.1.10"], ["opaque"]);
}

#[test]
fn a_key_that_is_replaced_still_opens_what_was_encrypted_for_it() {
    let mut world = World::new();
    let old = world.sp.keys.remove(0);
    let new = federation::saml::Keypair::generate(at(NOW)).expect("a key pair");
    let draft = Draft::new().signed(&world.idp).encrypted(Encrypt::gcm(&world.ours));
    let policy = Policy::default();
    let verify = |sp: &federation::saml::ServiceProvider| {
        sp.verify_response(&world.provider, &policy, &draft.posted(), Some(REQUEST), at(NOW))
            .map(|found| found.name_id)
    };
    let mut sp = world.sp.clone();
    sp.keys = vec![new.clone(), old];
    assert_eq!(verify(&sp), Ok(NAME.to_owned()));
    sp.keys = vec![new];
    assert_eq!(verify(&sp).expect_err("gone").code(), "decryption_failed");
}

#[test]
fn metadata_is_stored_and_read_again_and_verifies_the_same() {
    let world = World::new();
    let certificates = [world.idp.base64(), world.next.base64()];
    let xml = corpus::metadata(&certificates);
    let read = IdentityProvider::read(xml.as_bytes(), None, at(NOW)).expect("metadata");
    let stored = serde_json::to_string(&read).expect("stored");
    let again: IdentityProvider = serde_json::from_str(&stored).expect("read again");
    assert_eq!(again, read);
    let policy = Policy::default();
    for (signer, accepted) in [(&world.idp, true), (&world.next, true), (&world.elliptic, false)] {
        let draft = Draft::new().signed(signer);
        let found =
            world.sp.verify_response(&again, &policy, &draft.posted(), Some(REQUEST), at(NOW));
        let refused = Refusal::Signature(Signature::Invalid);
        assert_eq!(
            found.map(|found| found.name_id),
            if accepted { Ok(NAME.to_owned()) } else { Err(refused) }
        );
    }
}

#[test]
fn of_metadata_of_many_the_wanted_one_is_read() {
    let world = World::new();
    let one = corpus::metadata(&[world.idp.base64()]);
    let two = one.replace("https://idp.example/metadata", "https://second.example");
    let all = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">\
         <md:EntitiesDescriptor>{one}</md:EntitiesDescriptor>{two}</md:EntitiesDescriptor>"
    );
    let read = |wanted| {
        IdentityProvider::read(all.as_bytes(), wanted, at(NOW)).map(|found| found.entity_id)
    };
    assert_eq!(read(Some("https://second.example")).as_deref(), Ok("https://second.example"));
    assert_eq!(
        read(Some("https://third.example")).expect_err("none").code(),
        "metadata_entity_missing"
    );
    assert_eq!(read(None).expect_err("several").code(), "metadata_several");
    let twice = all.replace("https://second.example", "https://idp.example/metadata");
    let found =
        IdentityProvider::read(twice.as_bytes(), Some("https://idp.example/metadata"), at(NOW));
    assert_eq!(found.expect_err("twice").code(), "metadata_entity_id");
}
