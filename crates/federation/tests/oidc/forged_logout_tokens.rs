//! Everything somebody tries with a logout token.

use federation::oidc::Refusal;
use serde_json::{Value, json};

use crate::fake::{Begun, Fake, NOW, at};
use crate::signer::Signer;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn logout(begun: &Begun) -> Value {
    json!({
        "iss": begun.fake.issuer,
        "sub": "user-1",
        "sid": "session-1",
        "aud": [begun.client.client_id],
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "token-1",
        "events": { EVENT: {} },
    })
}

fn typed(signer: &Signer, typ: &str, claims: &Value) -> String {
    let header = json!({ "alg": signer.alg, "kid": signer.kid, "typ": typ });
    signer.sign(&header.to_string(), &claims.to_string())
}

#[tokio::test]
async fn of_every_attack_on_a_logout_token_none_ends_a_session() {
    let signer = Signer::new("first", "ES256");
    let other = Signer::new("first", "ES256");
    let begun = Fake::listening(&signer).await.begun().await;
    let good = logout(&begun);
    let party = &begun.fake.party;
    for typ in ["logout+jwt", "application/logout+jwt", "Logout+JWT", "JWT"] {
        let token = typed(&signer, typ, &good);
        let left = party.verify_logout_token(&begun.on(&[]), &token, at(NOW)).await.expect(typ);
        assert_eq!(left.subject.as_deref(), Some("user-1"));
        assert_eq!(left.sid.as_deref(), Some("session-1"));
        assert_eq!(left.jti, "token-1");
        // Whoever forgets the id by then cannot be shown the token again.
        let refused = party.verify_logout_token(&begun.on(&[]), &token, left.replay_until).await;
        assert!(refused.is_err());
    }
    for (name, value, code) in [
        ("events", Value::Null, "not_a_logout_token"),
        ("events", json!({}), "not_a_logout_token"),
        ("events", json!([EVENT]), "not_a_logout_token"),
        ("events", json!(EVENT), "not_a_logout_token"),
        ("events", json!({ EVENT: true }), "not_a_logout_token"),
        ("events", json!({ "http://schemas.openid.net/event/other": {} }), "not_a_logout_token"),
        ("nonce", json!("n"), "nonce_present"),
        ("nonce", json!(false), "nonce_present"),
        ("iss", json!("https://evil.example.com"), "issuer_wrong"),
        ("iss", Value::Null, "claim_missing"),
        ("aud", json!("other"), "audience_wrong"),
        ("aud", Value::Null, "claim_missing"),
        ("iat", Value::Null, "claim_missing"),
        ("iat", json!(NOW + 61), "issued_in_future"),
        ("iat", json!(NOW - 661), "too_old"),
        ("exp", Value::Null, "claim_missing"),
        ("exp", json!(NOW - 60), "expired"),
        ("jti", Value::Null, "claim_missing"),
        ("jti", json!(""), "claim_malformed"),
        ("jti", json!("j".repeat(256)), "claim_malformed"),
        ("sub", json!(1), "claim_malformed"),
        ("sid", json!({}), "claim_malformed"),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        }
        refused(&begun, &typed(&signer, "logout+jwt", &claims), code).await;
    }
    let mut nobody = good.clone();
    nobody.as_object_mut().expect("an object").retain(|name, _| name != "sub" && name != "sid");
    refused(&begun, &typed(&signer, "logout+jwt", &nobody), "nobody_named").await;
    refused(&begun, &typed(&signer, "at+jwt", &good), "wrong_type").await;
    refused(&begun, &typed(&signer, "secevent+jwt", &good), "wrong_type").await;
    refused(&begun, &typed(&other, "logout+jwt", &good), "signature_wrong").await;
    refused(&begun, "", "token_malformed").await;
}

async fn refused(begun: &Begun, token: &str, code: &str) {
    let party = &begun.fake.party;
    let answer = party.verify_logout_token(&begun.on(&[]), token, at(NOW)).await;
    assert_eq!(answer.as_ref().map_err(Refusal::code), Err(code), "{token}");
}

#[tokio::test]
async fn an_id_token_ends_no_session_and_a_logout_token_begins_none() {
    let signer = Signer::new("first", "RS256");
    let begun = Fake::listening(&signer).await.begun().await;
    refused(&begun, &signer.token(&begun.claims()), "not_a_logout_token").await;
    // Even one that says both.
    let mut both = begun.claims();
    both["events"] = json!({ EVENT: {} });
    both["jti"] = json!("token-1");
    refused(&begun, &signer.token(&both), "nonce_present").await;
    let refusal = begun.ends_with(&signer.token(&both)).await.expect_err("both");
    assert_eq!(refusal, Refusal::WrongType);
    for typ in ["logout+jwt", "JWT"] {
        let token = typed(&signer, typ, &logout(&begun));
        assert_eq!(begun.ends_with(&token).await.expect_err(typ), Refusal::WrongType);
    }
}

#[tokio::test]
async fn a_logout_names_somebody_or_one_of_their_sessions() {
    let signer = Signer::new("first", "EdDSA");
    let begun = Fake::listening(&signer).await.begun().await;
    for (gone, left) in [("sub", "sid"), ("sid", "sub")] {
        let mut claims = logout(&begun);
        claims.as_object_mut().expect("an object").remove(gone);
        let token = typed(&signer, "logout+jwt", &claims);
        let party = &begun.fake.party;
        let token = party.verify_logout_token(&begun.on(&[]), &token, at(NOW)).await.expect(gone);
        assert_eq!((token.subject.is_some(), token.sid.is_some()), (left == "sub", left == "sid"));
    }
}
