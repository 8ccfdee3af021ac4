//! Passkeys: added, shown, removed; and everything that is tried with them.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::person::{Person, reasons};
use crate::browser::Browser;
use crate::house::House;

#[tokio::test]
async fn a_member_adds_passkeys_and_signs_in_with_one_alone() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let (mut laptop, _) = ada.adds_passkey("Laptop").await;
        let (mut phone, phone_id) = ada.adds_passkey("Phone").await;
        let (_, factors) = ada.get("/api/factors").await;
        assert_eq!(factors["passkeys"][0]["name"], "Laptop");
        assert_eq!(factors["passkeys"][1]["last_used_at"], Value::Null);
        for passkey in [&mut laptop, &mut phone] {
            let (status, who) = ada.signs_in_by(passkey).await;
            assert_eq!((status, &who["member"]["email"]), (201, &json!("ada@acme.example")));
        }
        let (_, sessions) = ada.get("/api/sessions").await;
        let methods: Vec<_> = sessions["items"].as_array().expect("sessions").iter().collect();
        assert_eq!(methods.iter().filter(|one| one["method"] == "passkey").count(), 2);
        let (_, factors) = ada.get("/api/factors").await;
        assert_ne!(factors["passkeys"][1]["last_used_at"], Value::Null);

        let path = format!("/api/factors/passkeys/{phone_id}");
        let renamed = ada.browser.api("PATCH", &path, json!({"name": "Old phone"})).await;
        assert_eq!(renamed.0, 204);
        assert_eq!(ada.delete(&path).await.0, 204);
        assert_eq!(ada.delete(&path).await.0, 404);
        assert_eq!(ada.signs_in_by(&mut phone).await.0, 422, "it opens nothing any more");
        assert_eq!(reasons(&house, &org, "identity.session.refused").await, ["unknown_passkey"]);
        assert_eq!(ada.signs_in_by(&mut laptop).await.0, 201);
        for (action, count) in [
            ("identity.factor.added", 2),
            ("identity.passkey.renamed", 1),
            ("identity.factor.removed", 1),
        ] {
            assert_eq!(house.events(&org, action).await.len(), count, "{action}");
        }
    }
}

#[tokio::test]
async fn a_ceremony_is_finished_once_in_time_and_by_whoever_began_it() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let mut bob = Person::inside(&house, &org, "bob", "org:member").await;
        // Adding.
        let (_, begun) = ada.post("/api/factors/passkeys/begin", Value::Null).await;
        let mut authenticator = Authenticator::new();
        let response = authenticator.create(&begun["options"]);
        let new = json!({"ceremony": begun["ceremony"], "name": "x", "response": response});
        let (status, told) = bob.post("/api/factors/passkeys", new.clone()).await;
        assert_eq!((status, &told["code"]), (410, &json!("ceremony_over")), "another's");
        house.clock.advance(SignedDuration::from_mins(6));
        assert_eq!(ada.post("/api/factors/passkeys", new).await.0, 410, "too late");
        let (mut passkey, _) = ada.adds_passkey("Laptop").await;
        // Signing in.
        let mut browser = Browser::new(&house);
        let (_, begun) = browser.api("POST", "/api/session/passkey/begin", Value::Null).await;
        let (ceremony, options) = (&begun["ceremony"], &begun["options"]);
        let answer = json!({"ceremony": ceremony, "response": passkey.get(options)});
        // Finished on another node of the same region, and then a second time here.
        let ask = serde_json::from_value(answer.clone()).expect("an answer");
        let there = house.second_node().sign_in_by_passkey(&ask, access::Origin::default()).await;
        assert!(there.is_ok(), "{there:?}");
        let again = browser.api("POST", "/api/session/passkey", answer).await;
        assert_eq!((again.0, &again.1["code"]), (422, &json!("passkey_refused")), "the counter");
        let newer = json!({"ceremony": ceremony, "response": passkey.get(options)});
        let again = browser.api("POST", "/api/session/passkey", newer).await;
        assert_eq!((again.0, &again.1["code"]), (410, &json!("ceremony_over")), "done already");
        // What was begun for one thing is finished for no other.
        let (_, begun) = ada.post("/api/session/factor/begin", Value::Null).await;
        let crossed =
            json!({"ceremony": begun["ceremony"], "response": passkey.get(&begun["options"])});
        assert_eq!(browser.api("POST", "/api/session/passkey", crossed).await.0, 410);
        for nonsense in ["", "eu.", "eu.AAAA", "xx.AAAA", "eu.\u{e9}", &"A".repeat(20_000)] {
            let shown = json!({"ceremony": nonsense, "response": passkey.get(options)});
            assert_eq!(browser.api("POST", "/api/session/passkey", shown).await.0, 410);
        }
    }
}

#[tokio::test]
async fn a_passkey_of_another_site_another_member_or_without_a_finger_opens_nothing() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let mut bob = Person::inside(&house, &org, "bob", "org:member").await;
        let (mut hers, _) = ada.adds_passkey("Hers").await;
        let (mut his, _) = bob.adds_passkey("His").await;
        hers.origin = "https://p0rtico.example".to_owned();
        assert_eq!(ada.signs_in_by(&mut hers).await.0, 422);
        hers.origin = "https://portico.example.evil.example".to_owned();
        assert_eq!(ada.signs_in_by(&mut hers).await.0, 422);
        hers.origin = crate::house::ORIGIN.to_owned();
        hers.verifies = false;
        assert_eq!(ada.signs_in_by(&mut hers).await.0, 422);
        hers.verifies = true;
        his.claims(&hers);
        assert_eq!(bob.signs_in_by(&mut his).await.0, 422, "his key, her name");
        let reasons = reasons(&house, &org, "identity.session.refused").await;
        let expected = ["passkey_of_another", "not_verified", "wrong_origin", "wrong_origin"];
        assert_eq!(reasons, expected);
        // In her session his passkey shows nothing.
        assert_eq!(ada.sign_in().await.1, json!({"factor": "required"}));
        assert_eq!(ada.shows(&mut his).await.0, 422);
        assert_eq!(ada.get("/api/session").await.1, json!({"factor": "required"}));
        assert_eq!(ada.shows(&mut hers).await.0, 204);
        // A site of another name makes no passkey for this one.
        let (_, begun) = ada.post("/api/factors/passkeys/begin", Value::Null).await;
        let mut phished = Authenticator::new();
        phished.origin = "https://evil.example".to_owned();
        let response = phished.create(&begun["options"]);
        let new = json!({"ceremony": begun["ceremony"], "name": "x", "response": response});
        assert_eq!(ada.post("/api/factors/passkeys", new).await.0, 422);
    }
}

#[tokio::test]
async fn a_passkey_that_was_copied_is_noticed_by_its_counter() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let (mut passkey, _) = ada.adds_passkey("Laptop").await;
        passkey.counter = 40;
        assert_eq!(ada.signs_in_by(&mut passkey).await.0, 201);
        for back in [0, 12, 40] {
            passkey.counter = back;
            passkey.counter = passkey.counter.saturating_sub(1);
            assert_eq!(ada.signs_in_by(&mut passkey).await.0, 422, "{back}");
        }
        assert_eq!(reasons(&house, &org, "identity.session.refused").await, ["counter_back"; 3]);
        passkey.counter = 41;
        assert_eq!(ada.signs_in_by(&mut passkey).await.0, 201);
        // Those that are synced between devices do not count.
        let (mut synced, _) = {
            let mut synced = Authenticator::new();
            synced.counter = 0;
            let (_, begun) = ada.post("/api/factors/passkeys/begin", Value::Null).await;
            let response = synced.create(&begun["options"]);
            let new = json!({"ceremony": begun["ceremony"], "name": "S", "response": response});
            (synced, ada.post("/api/factors/passkeys", new).await)
        };
        for _ in 0..2 {
            assert_eq!(ada.signs_in_by(&mut synced).await.0, 201);
        }
    }
}

#[tokio::test]
async fn one_credential_is_one_members_and_a_key_adds_none() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let mut bob = Person::inside(&house, &org, "bob", "org:member").await;
        let (mut hers, _) = ada.adds_passkey("Hers").await;
        let (_, begun) = bob.post("/api/factors/passkeys/begin", Value::Null).await;
        let response = hers.create(&begun["options"]);
        let new = json!({"ceremony": begun["ceremony"], "name": "x", "response": response});
        let (status, told) = bob.post("/api/factors/passkeys", new).await;
        assert_eq!((status, &told["code"]), (409, &json!("exists")));
        for (method, path, body) in [
            ("POST", "/api/factors/passkeys/begin", Value::Null),
            ("POST", "/api/factors/app/begin", Value::Null),
            ("POST", "/api/factors/recovery-codes", Value::Null),
            ("POST", "/api/session/factor", json!({"code": "123456"})),
        ] {
            let (status, told) = house.ask(&org.member.key, method, path, body).await;
            assert_eq!((status, &told["code"]), (403, &json!("session_only")), "{path}");
        }
    }
}
