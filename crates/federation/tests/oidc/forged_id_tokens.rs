//! Everything somebody tries with an ID token.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::fake::{Begun, Fake, NOW};
use crate::signer::{Signer, encoded};

/// `claims` with one changed; null takes it away.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("an object");
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    claims
}

#[tokio::test]
async fn of_every_attack_on_an_id_token_none_signs_anybody_in() {
    let signer = Signer::new("first", "RS256");
    let begun = Fake::listening(&signer).await.begun().await;
    let good = begun.claims();
    let accepted = begun.ends_with(&signer.token(&good)).await.expect("signed in");
    assert_eq!((accepted.subject.as_str(), accepted.sid.as_deref()), ("user-1", Some("session-1")));

    let mut attacks = headers(&begun, &signer);
    attacks.extend(forms(&begun, &signer));
    for (name, value, code) in claims(&begun) {
        let token = signer.token(&with(&good, name, value.clone()));
        attacks.push((format!("{name}: {value}"), token, code));
    }
    assert!(attacks.len() > 70, "{}", attacks.len());
    for (attack, token, code) in attacks {
        let refusal = begun.ends_with(&token).await.expect_err(&attack);
        assert_eq!(refusal.code(), code, "{attack}");
        assert!(!refusal.to_string().is_empty() && !refusal.to_string().contains("user-1"));
    }
    // None of them taught us anything.
    assert!(begun.ends_with(&signer.token(&good)).await.is_ok());
}

/// What headers try.
fn headers(begun: &Begun, signer: &Signer) -> Vec<(String, String, &'static str)> {
    let other = Signer::new("first", "RS256");
    let elsewhere = Signer::new("elsewhere", "RS256");
    let good = begun.claims().to_string();
    let jwk = other.jwk();
    let mut rows = Vec::new();
    let mut row = |name: &str, token: String, code| rows.push((name.to_owned(), token, code));

    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": none, "kid": "first" }).to_string();
        let unsigned = format!("{}.{}.", encoded(&header), encoded(&good));
        row("alg none", unsigned, "algorithm_refused");
        row("alg none, signed", signer.sign(&header, &good), "algorithm_refused");
    }
    let modulus = signer.jwk()["n"].as_str().expect("n").to_owned();
    for (alg, how) in [("HS256", hmac::HMAC_SHA256), ("HS512", hmac::HMAC_SHA512)] {
        for secret in [modulus.clone(), signer.jwk().to_string(), "s3cret:+/%é".to_owned()] {
            let header = json!({ "alg": alg, "kid": "first", "typ": "JWT" }).to_string();
            let text = format!("{}.{}", encoded(&header), encoded(&good));
            let tag = hmac::sign(&hmac::Key::new(how, secret.as_bytes()), text.as_bytes());
            row("HMAC", format!("{text}.{}", encoded(tag)), "algorithm_refused");
        }
    }
    let header = |extra: Value| {
        let mut header = signer.header();
        for (name, value) in extra.as_object().expect("an object") {
            header[name] = value.clone();
        }
        header.to_string()
    };
    row("another key, same name", other.token(&begun.claims()), "signature_wrong");
    row("key of another provider", elsewhere.token(&begun.claims()), "key_unknown");
    for extra in [
        json!({ "jwk": jwk }),
        json!({ "jku": "http://127.0.0.1:1/keys" }),
        json!({ "x5u": "http://127.0.0.1:1/x" }),
        json!({ "x5c": ["MIIB"] }),
    ] {
        row("key in the header", other.sign(&header(extra), &good), "signature_wrong");
    }
    for (extra, code) in [
        (json!({ "alg": "RS512" }), "signature_wrong"),
        (json!({ "alg": "PS256" }), "signature_wrong"),
        (json!({ "alg": "ES256" }), "key_unknown"),
        (json!({ "alg": "EdDSA" }), "key_unknown"),
        (json!({ "alg": "RS1" }), "algorithm_refused"),
        (json!({ "alg": "ES256K" }), "algorithm_refused"),
        (json!({ "alg": ["RS256"] }), "token_malformed"),
        (json!({ "alg": null }), "token_malformed"),
        (json!({ "kid": "../../dev/null" }), "key_unknown"),
        (json!({ "kid": "' OR 1=1 --" }), "key_unknown"),
        (json!({ "kid": ["first"] }), "token_malformed"),
        (json!({ "kid": "k".repeat(300) }), "token_malformed"),
        (json!({ "typ": "logout+jwt" }), "wrong_type"),
        (json!({ "typ": "at+jwt" }), "wrong_type"),
        (json!({ "typ": 1 }), "token_malformed"),
        (json!({ "crit": ["exp"] }), "token_critical"),
        (json!({ "crit": [], "b64": false }), "token_critical"),
        (json!({ "cty": "JWT" }), "token_nested"),
        (json!({ "zip": "DEF" }), "token_nested"),
    ] {
        row(&extra.to_string(), signer.sign(&header(extra.clone()), &good), code);
    }
    let twice = r#"{"alg":"none","alg":"RS256","kid":"first"}"#;
    row("alg twice", signer.sign(twice, &good), "duplicate_claim");
    rows
}

/// What the form of the token tries.
fn forms(begun: &Begun, signer: &Signer) -> Vec<(String, String, &'static str)> {
    let good = begun.claims();
    let token = signer.token(&good);
    let header = signer.header().to_string();
    let parts: Vec<&str> = token.split('.').collect();
    let twice = |extra: &str| {
        let claims = good.to_string();
        signer.sign(&header, &format!("{},{extra}}}", claims.trim_end_matches('}')))
    };
    let altered = {
        let admin = with(&good, "sub", json!("admin"));
        format!("{}.{}.{}", parts[0], encoded(admin.to_string()), parts[2])
    };
    let large = with(&good, "x", json!("x".repeat(80_000)));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    [
        ("empty", String::new(), "token_malformed"),
        ("one part", "abc".to_owned(), "token_malformed"),
        ("two parts", format!("{}.{}", parts[0], parts[1]), "token_malformed"),
        ("four parts", format!("{token}.x"), "token_malformed"),
        ("five parts", format!("{token}.x.y"), "token_encrypted"),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), "signature_wrong"),
        ("altered", altered, "signature_wrong"),
        ("padded", format!("{token}="), "token_malformed"),
        ("white space", format!(" {token}"), "token_malformed"),
        ("line end", format!("{token}\n"), "token_malformed"),
        ("oversized", signer.token(&large), "token_too_large"),
        ("deep", signer.sign(&header, &deep), "token_malformed"),
        ("a list", signer.sign(&header, "[]"), "token_malformed"),
        ("a token in it", signer.sign(&header, &token), "token_malformed"),
        ("two objects", signer.sign(&header, &format!("{good}{good}")), "token_malformed"),
        ("sub twice", twice(r#""sub":"admin""#), "duplicate_claim"),
        ("escaped twice", twice(r#""\u0073ub":"admin""#), "duplicate_claim"),
        ("aud twice", twice(r#""aud":"other""#), "duplicate_claim"),
        ("within twice", twice(r#""address":{"a":1,"a":2}"#), "duplicate_claim"),
    ]
    .into_iter()
    .map(|(name, token, code)| (name.to_owned(), token, code))
    .collect()
}

/// What single claims try.
fn claims(begun: &Begun) -> Vec<(&'static str, Value, &'static str)> {
    let (ours, issuer) = (begun.client.client_id.as_str(), begun.fake.issuer.as_str());
    vec![
        ("iss", Value::Null, "claim_missing"),
        ("iss", json!("https://evil.example.com"), "issuer_wrong"),
        ("iss", json!(format!("{issuer}/")), "issuer_wrong"),
        ("iss", json!("accounts.google.com"), "issuer_wrong"),
        ("iss", json!([issuer]), "issuer_wrong"),
        ("aud", Value::Null, "claim_missing"),
        ("aud", json!("other"), "audience_wrong"),
        ("aud", json!([]), "audience_wrong"),
        ("aud", json!(["other"]), "audience_wrong"),
        ("aud", json!([ours, "other"]), "authorized_party_wrong"),
        ("aud", json!({ ours: true }), "audience_wrong"),
        ("aud", json!(vec![ours; 17]), "audience_wrong"),
        ("azp", json!("other"), "authorized_party_wrong"),
        ("azp", json!([ours]), "authorized_party_wrong"),
        ("nonce", Value::Null, "claim_missing"),
        ("nonce", json!(""), "nonce_wrong"),
        ("nonce", json!("other"), "nonce_wrong"),
        ("nonce", json!([begun.pending.nonce.reveal()]), "nonce_wrong"),
        ("exp", Value::Null, "claim_missing"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", json!(-1), "expired"),
        ("exp", json!("1900000000"), "claim_malformed"),
        ("exp", json!(1e300), "claim_malformed"),
        ("exp", json!(u64::MAX), "claim_malformed"),
        ("exp", json!(i64::MAX), "claim_malformed"),
        ("iat", Value::Null, "claim_missing"),
        ("iat", json!(NOW + 61), "issued_in_future"),
        ("iat", json!(NOW - 661), "too_old"),
        ("iat", json!(i64::MIN), "claim_malformed"),
        ("nbf", json!(NOW + 61), "not_yet_valid"),
        ("nbf", json!({}), "claim_malformed"),
        ("auth_time", json!("now"), "claim_malformed"),
        ("sub", Value::Null, "claim_missing"),
        ("sub", json!(""), "claim_malformed"),
        ("sub", json!(7), "claim_malformed"),
        ("sub", json!("s".repeat(256)), "claim_malformed"),
        ("sid", json!(["a"]), "claim_malformed"),
        ("events", json!({}), "wrong_type"),
    ]
}
