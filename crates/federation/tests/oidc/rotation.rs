//! Keys that change, and providers that are down.

use federation::oidc::{KeySet, Refusal};
use serde_json::{Value, json};

use crate::fake::{Begun, Fake, NOW, at};
use crate::signer::Signer;

fn logout(begun: &Begun, signer: &Signer, now: i64) -> String {
    signer.token(&json!({
        "iss": begun.fake.issuer, "sub": "user-1", "aud": begun.client.client_id,
        "iat": now, "exp": now + 120, "jti": "1",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    }))
}

async fn asked_with(begun: &Begun, signer: &Signer, now: i64) -> Result<(), Refusal> {
    let token = logout(begun, signer, now);
    let party = &begun.fake.party;
    party.verify_logout_token(&begun.on(&[]), &token, at(now)).await.map(drop)
}

#[tokio::test]
async fn new_keys_of_a_provider_are_found_and_it_is_asked_at_most_once_in_ten_seconds() {
    let (first, second) = (Signer::new("first", "ES256"), Signer::new("second", "ES256"));
    let begun = Fake::listening(&first).await.begun().await;
    let asked = || begun.fake.asked("/keys");
    for _ in 0..5 {
        assert_eq!(asked_with(&begun, &first, NOW).await, Ok(()));
    }
    assert_eq!(asked(), 1);
    // It changes its key at once, and what strangers send makes nobody ask again so soon.
    begun.fake.said().keys = json!({ "keys": [second.jwk()] });
    for _ in 0..5 {
        assert_eq!(asked_with(&begun, &second, NOW + 9).await, Err(Refusal::KeyUnknown));
    }
    assert_eq!(asked(), 1);
    assert_eq!(asked_with(&begun, &second, NOW + 10).await, Ok(()));
    assert_eq!(asked(), 2);
    // What was withdrawn is believed no more.
    assert_eq!(asked_with(&begun, &first, NOW + 20).await, Err(Refusal::KeyUnknown));
    assert_eq!(asked_with(&begun, &second, NOW + 20).await, Ok(()));
    assert_eq!(asked(), 3);
}

#[tokio::test]
async fn a_withdrawn_key_is_believed_for_an_hour_at_most_while_its_provider_is_up() {
    let (first, second) = (Signer::new("first", "ES256"), Signer::new("second", "ES256"));
    let begun = Fake::listening(&first).await.begun().await;
    assert_eq!(asked_with(&begun, &first, NOW).await, Ok(()));
    begun.fake.said().keys = json!({ "keys": [second.jwk()] });
    assert_eq!(asked_with(&begun, &first, NOW + 3_600).await, Ok(()));
    assert_eq!(asked_with(&begun, &first, NOW + 3_601).await, Err(Refusal::KeyUnknown));
}

#[tokio::test]
async fn while_a_provider_is_down_its_last_good_keys_serve_for_a_day() {
    let (first, second) = (Signer::new("first", "ES256"), Signer::new("second", "ES256"));
    let begun = Fake::listening(&first).await.begun().await;
    assert_eq!(asked_with(&begun, &first, NOW).await, Ok(()));
    let broken = [
        json!({ "keys": [] }),
        json!({ "keys": [{ "kty": "oct", "k": "AAAA", "kid": "first", "alg": "HS256" }] }),
        json!("<html>"),
    ];
    for (hours, keys) in (2_i64..).zip(broken) {
        begun.fake.said().keys = keys;
        assert_eq!(asked_with(&begun, &first, NOW + hours * 3_600).await, Ok(()));
    }
    begun.fake.said().down = true;
    assert_eq!(asked_with(&begun, &first, NOW + 24 * 3_600).await, Ok(()));
    assert!(asked_with(&begun, &second, NOW + 24 * 3_600).await.is_err());
    let after = NOW + 24 * 3_600 + 10;
    assert_eq!(asked_with(&begun, &first, after).await, Err(Refusal::KeysUnavailable));
    // And nobody hammers at it.
    let before = begun.fake.asked("/keys");
    for _ in 0..5 {
        assert_eq!(asked_with(&begun, &first, after).await, Err(Refusal::KeysUnavailable));
    }
    assert_eq!(begun.fake.asked("/keys"), before);
    begun.fake.said().down = false;
    begun.fake.said().keys = json!({ "keys": [first.jwk(), second.jwk()] });
    assert_eq!(asked_with(&begun, &second, after + 10).await, Ok(()));
}

#[tokio::test]
async fn a_hundred_who_come_at_once_ask_for_the_keys_once() {
    let signer = Signer::new("first", "ES256");
    let begun = Fake::listening(&signer).await.begun().await;
    let all = (0..100).map(|_| asked_with(&begun, &signer, NOW));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(begun.fake.asked("/keys"), 1);
}

#[tokio::test]
async fn every_kind_of_signature_that_is_promised_is_accepted() {
    let all =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
    for alg in all {
        let signer = Signer::new("first", alg);
        let begun = Fake::listening(&signer).await.begun().await;
        let signed_in = begun.ends_with(&signer.token(&begun.claims())).await;
        assert_eq!(signed_in.expect(alg).subject, "user-1");
    }
}

#[tokio::test]
async fn a_token_that_names_no_key_is_clear_only_if_there_is_one() {
    let (first, second) = (Signer::new("first", "ES256"), Signer::new("second", "ES256"));
    let other_kind = Signer::new("third", "RS256");
    let begun = Fake::listening(&first).await.begun().await;
    let unnamed = first.sign(r#"{"alg":"ES256"}"#, &begun.claims().to_string());
    begun.fake.said().keys = json!({ "keys": [first.jwk(), other_kind.jwk()] });
    assert!(begun.ends_with(&unnamed).await.is_ok());
    let begun = Fake::listening(&first).await.begun().await;
    begun.fake.said().keys = json!({ "keys": [first.jwk(), second.jwk()] });
    let unnamed = first.sign(r#"{"alg":"ES256"}"#, &begun.claims().to_string());
    assert_eq!(begun.ends_with(&unnamed).await.expect_err("two"), Refusal::KeyNotNamed);
}

#[test]
fn of_published_keys_only_those_for_signing_are_kept() {
    let signer = Signer::new("first", "RS256");
    let with = |name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        jwk
    };
    let read = |keys: Vec<Value>| KeySet::read(json!({ "keys": keys }).to_string().as_bytes());
    for good in [
        with("alg", json!("RS256")),
        with("key_ops", json!(["verify"])),
        with("e", json!("AAEAAQ")),
        with("x5c", json!(["MII"])),
    ] {
        assert!(read(vec![good.clone()]).is_ok(), "{good}");
    }
    for bad in [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("RSA-OAEP")),
        with("alg", json!("HS256")),
        with("kty", json!("oct")),
        with("n", json!("AQAB")),
        with("n", json!("A".repeat(4_000))),
        with("n", json!("!")),
        with("e", json!("A".repeat(4_000))),
        json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "OKP", "crv": "Ed448", "x": "AAAA" }),
        json!("x"),
    ] {
        assert_eq!(read(vec![bad.clone()]), Err(Refusal::KeysMalformed), "{bad}");
    }
    assert!(read(vec![signer.jwk(); 32]).is_ok());
    assert_eq!(read(vec![signer.jwk(); 33]), Err(Refusal::KeysMalformed));
}
