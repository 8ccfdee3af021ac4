//! Step-up: what is sensitive asks for a second factor that was shown lately.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::person::Person;
use crate::house::House;

#[tokio::test]
async fn what_is_sensitive_asks_for_a_recent_second_factor() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:owner").await;
        let bob = Person::new(&house, &org, "bob", "org:member").await;
        let (mut passkey, _) = ada.adds_passkey("Laptop").await;
        let (status, key) = ada.post("/api/keys", json!({"name": "before"})).await;
        assert_eq!(status, 201);
        let grant = json!({"subject": bob.id, "role": "org:viewer"});
        let (_, given) = ada.post("/api/grants", grant.clone()).await;
        let role = json!({"name": "auditor", "permissions": ["events:read"]});
        assert_eq!(ada.post("/api/roles", role).await.0, 201);
        let service = json!({"name": "Robot", "role": "org:viewer"});
        let (_, service) = ada.post("/api/services", service).await;
        let (_, team) = ada.post("/api/teams", json!({"name": "Watch"})).await;
        let (_, quiet) = ada.post("/api/teams", json!({"name": "Lunch"})).await;
        let id = |of: &Value| of["id"].as_str().expect("an id").to_owned();
        let to_team = json!({"subject": id(&team), "role": "org:viewer"});
        assert_eq!(ada.post("/api/grants", to_team).await.0, 201);
        let seat = format!("/api/teams/{}/members/{}", id(&team), bob.id);
        assert_eq!(ada.browser.api("PUT", &seat, Value::Null).await.0, 204);
        house.clock.advance(SignedDuration::from_mins(16));

        let service = format!("/api/services/{}", id(&service));
        let member = format!("/api/members/{}", bob.id);
        let rotate = format!("/api/keys/{}/rotate", id(&key));
        let revoke = format!("/api/grants/{}", id(&given));
        let link = format!("{member}/password-link");
        let glass = format!("{member}/break-glass");
        let factors = format!("{member}/factors");
        let sensitive = [
            ("POST", "/api/keys", json!({"name": "after"})),
            ("POST", &*rotate, json!({})),
            ("POST", "/api/grants", grant),
            ("DELETE", &*revoke, Value::Null),
            ("POST", "/api/roles", json!({"name": "b", "permissions": ["events:read"]})),
            ("PUT", "/api/roles/auditor", json!({"permissions": ["events:read"]})),
            ("DELETE", "/api/roles/auditor", Value::Null),
            ("PATCH", &*member, json!({"role": "org:admin"})),
            ("PATCH", &*member, json!({"state": "suspended"})),
            ("DELETE", &*member, Value::Null),
            ("POST", "/api/members", json!({"email": "eve@evil.example", "role": "org:owner"})),
            ("POST", &*link, Value::Null),
            ("PUT", &*seat, Value::Null),
            ("DELETE", &*seat, Value::Null),
            ("POST", "/api/services", json!({"name": "Other", "role": "org:member"})),
            ("PATCH", &*service, json!({"role": "org:member"})),
            ("DELETE", &*service, Value::Null),
            ("PATCH", "/api/org/settings", json!({"factors": "required"})),
            ("PUT", "/api/org/sso", json!({"on": false})),
            ("PUT", &*glass, Value::Null),
            ("DELETE", &*factors, Value::Null),
            ("DELETE", "/api/factors/app", Value::Null),
            ("POST", "/api/factors/recovery-codes", Value::Null),
            ("POST", "/api/factors/app/begin", Value::Null),
        ];
        for (method, path, body) in &sensitive {
            let (status, told) = ada.browser.api(method, path, body.clone()).await;
            assert_eq!(
                (status, &told["code"], &told["max_age_secs"]),
                (403, &json!("factor_required"), &json!(900)),
                "{method} {path}: {told}"
            );
        }
        // What is not goes on.
        let seat_of_nothing = format!("/api/teams/{}/members/{}", id(&quiet), bob.id);
        assert_eq!(ada.browser.api("PUT", &seat_of_nothing, Value::Null).await.0, 204);
        assert_eq!(ada.browser.api("DELETE", &seat_of_nothing, Value::Null).await.0, 204);
        assert_eq!(ada.browser.api("PATCH", &member, json!({"name": "Bob"})).await.0, 200);
        assert_eq!(ada.browser.api("PATCH", &service, json!({"name": "Bot"})).await.0, 200);
        assert_eq!(ada.get("/api/keys").await.0, 200);
        // Neither a key nor whoever has no factor is asked.
        let made = house.ask(&org.owner.key, "POST", "/api/keys", json!({"name": "x"})).await;
        assert_eq!(made.0, 201);
        let mut eve = Person::inside(&house, &org, "eve", "org:owner").await;
        assert_eq!(eve.post("/api/keys", json!({"name": "x"})).await.0, 201);

        assert_eq!(ada.shows(&mut passkey).await.0, 204);
        for (method, path, body) in &sensitive {
            let (_, told) = ada.browser.api(method, path, body.clone()).await;
            assert_ne!(told["code"], "factor_required", "{method} {path}: {told}");
        }
    }
}

#[tokio::test]
async fn the_page_to_confirm_on_offers_what_there_is() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let page = ada.browser.get("/account/confirm?next=%2Fkeys").await;
        assert_eq!(page.location(), "/account/factors?next=%2Fkeys", "there is none yet");
        ada.adds_passkey("Laptop").await;
        let page = ada.browser.get("/account/confirm?next=%2Fkeys").await;
        assert!(
            page.text.contains("data-passkey=\"confirm\" data-next=\"/keys\""),
            "{}",
            page.text
        );
        assert!(!page.text.contains("name=\"code\""));
        ada.adds_app().await;
        let page = ada.browser.get("/account/confirm?next=https://evil.example").await;
        assert!(page.text.contains("name=\"code\"") && !page.text.contains("evil"));
    }
}
