//! Authenticator apps and recovery codes.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::person::{Person, app_of, reasons};
use crate::browser::Browser;
use crate::house::{House, PASSWORD};

#[tokio::test]
async fn a_code_works_once_and_a_minute_late_no_more() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let app = ada.adds_app().await;
        assert_eq!(ada.sign_in().await, (201, json!({"factor": "required"})));
        // The code that set the app up was used by that.
        let first = ada.code(&app);
        let refused = ada.post("/api/session/factor", json!({"code": first})).await;
        assert_eq!((refused.0, &refused.1["code"]), (422, &json!("wrong_code")));
        assert_eq!(reasons(&house, &org, "identity.factor.refused").await, ["code_used"]);
        house.clock.advance(SignedDuration::from_secs(30));
        let code = ada.code(&app);
        assert_eq!(ada.post("/api/session/factor", json!({"code": code})).await.0, 204);
        assert_eq!(ada.get("/api/session").await.1["member"]["email"], "ada@acme.example");
        let mut other = Person { browser: Browser::new(&house), ..ada };
        assert_eq!(other.sign_in().await.0, 201);
        let again = other.post("/api/session/factor", json!({"code": code})).await;
        assert_eq!(again.0, 422, "in another session neither");
        house.clock.advance(SignedDuration::from_secs(30));
        let late = other.code(&app);
        house.clock.advance(SignedDuration::from_secs(30));
        let spaced = format!("{} {}", &late[..3], &late[3..]);
        assert_eq!(other.post("/api/session/factor", json!({"code": spaced})).await.0, 204);
        house.clock.advance(SignedDuration::from_secs(30));
        let stale = other.code(&app);
        house.clock.advance(SignedDuration::from_secs(60));
        assert_eq!(other.post("/api/session/factor", json!({"code": stale})).await.0, 422);
        assert_eq!(house.events(&org, "identity.factor.shown").await.len(), 2);
    }
}

#[tokio::test]
async fn codes_cannot_be_guessed_however_often_the_password_is_right() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let app = ada.adds_app().await;
        let mut thief = Person { browser: Browser::new(&house), ..ada };
        let (mut guesses, mut locked) = (0, false);
        for turn in 0..12 {
            thief.browser = Browser::new(&house);
            // From a new network each time.
            thief.browser.ip = ["192.0.2.1", "192.0.2.2", "198.51.100.3"][turn % 3];
            let body = json!({"org": "acme", "email": thief.email, "password": PASSWORD});
            if thief.post("/api/session", body).await.0 != 201 {
                locked = true;
                continue;
            }
            let guess = thief.post("/api/session/factor", json!({"code": "000000"})).await;
            locked |= guess.0 == 429;
            guesses += u32::from(guess.0 == 422);
            house.clock.advance(SignedDuration::from_secs(7));
        }
        assert!(locked && guesses <= 10, "{guesses}");
        let code = thief.code(&app);
        let right = thief.post("/api/session/factor", json!({"code": code})).await;
        assert_eq!(right.0, 429, "not even the right one, for a while");
        house.clock.advance(SignedDuration::from_mins(16));
        assert_eq!(thief.sign_in().await.0, 201);
        assert_eq!(thief.shows_code(&app).await.0, 204);
    }
}

#[tokio::test]
async fn a_recovery_code_works_once_and_new_ones_take_the_place_of_the_old() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let none = ada.post("/api/factors/recovery-codes", Value::Null).await;
        assert_eq!(none.0, 409, "there is nothing to recover");
        ada.adds_passkey("Laptop").await;
        let (status, made) = ada.post("/api/factors/recovery-codes", Value::Null).await;
        assert_eq!(status, 201);
        let codes: Vec<String> = serde_json::from_value(made["codes"].clone()).expect("codes");
        assert_eq!(codes.len(), 10);
        assert_eq!(ada.get("/api/factors").await.1["recovery_codes_left"], 10);
        assert_eq!(ada.sign_in().await.1["factor"], "required");
        let typed = codes[3].to_uppercase().replace('-', " ");
        assert_eq!(ada.post("/api/session/factor", json!({"code": typed})).await.0, 204);
        assert_eq!(ada.get("/api/factors").await.1["recovery_codes_left"], 9);
        assert_eq!(ada.sign_in().await.0, 201);
        assert_eq!(ada.post("/api/session/factor", json!({"code": codes[3]})).await.0, 422);
        assert_eq!(ada.post("/api/session/factor", json!({"code": codes[4]})).await.0, 204);
        assert_eq!(ada.post("/api/factors/recovery-codes", Value::Null).await.0, 201);
        assert_eq!(ada.sign_in().await.0, 201);
        assert_eq!(ada.post("/api/session/factor", json!({"code": codes[5]})).await.0, 422);
        let everything = house.events(&org, "identity.*").await;
        let everything = serde_json::to_string(&everything).expect("json");
        assert!(codes.iter().all(|code| !everything.contains(code)), "not in the record");
    }
}

#[tokio::test]
async fn an_app_is_set_up_on_pages_without_script() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let page = ada.browser.get("/account/factors").await;
        assert!(page.text.contains("Set up an app") && page.text.contains("Add a passkey"));
        let page = ada.browser.post("/account/factors/app", &[("next", "/patterns")]).await;
        assert!(page.text.contains("<svg class=\"qr\" role=\"img\""), "{}", page.text);
        let secret = page.between("id=\"secret\" tabindex=\"0\">", "<").to_owned();
        let ceremony = page.between("name=\"ceremony\" value=\"", "\"").to_owned();
        let begun = json!({"secret": secret, "url": "otpauth://totp/Portico:"});
        let app = app_of(&begun);
        let form = |code| [("ceremony", &*ceremony), ("code", code), ("next", "/patterns")];
        let wrong = ada.browser.post("/account/factors/app/confirm", &form("000000")).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains(&secret), "the picture stays");
        assert!(wrong.text.contains("Code the code is wrong"), "{}", wrong.text);
        let code = ada.code(&app);
        let right = ada.browser.post("/account/factors/app/confirm", &form(&code)).await;
        assert_eq!((right.status, right.location()), (303, "/account/factors?next=%2Fpatterns"));
        let over = ada.browser.post("/account/factors/app/confirm", &form(&code)).await;
        assert_eq!(over.status, 422, "{}", over.text);
        let page = ada.browser.get("/account/factors").await;
        assert!(page.text.contains("Remove the app"));
        let made = ada.browser.post("/account/factors/recovery-codes", &[]).await;
        let codes = made.between("<code id=\"codes\">", "</code>").to_owned();
        assert_eq!(codes.lines().count(), 10);

        // The sign-in goes by way of the code, and on to where it was going.
        let mut browser = Browser::new(&house);
        let form = [
            ("org", "acme"),
            ("email", &*ada.email),
            ("password", PASSWORD),
            ("next", "/patterns"),
        ];
        let seen = browser.post("/sign-in", &form).await;
        assert_eq!(seen.location(), "/account/confirm?next=%2Fpatterns");
        let page = browser.get(seen.location()).await;
        assert!(page.text.contains("One more step"), "{}", page.text);
        let typed = [("code", codes.lines().next().expect("a code")), ("next", "/patterns")];
        let seen = browser.post("/account/confirm", &[("code", "nope"), ("next", "/")]).await;
        assert_eq!(seen.status, 422);
        let seen = browser.post("/account/confirm", &typed).await;
        assert_eq!((seen.status, seen.location()), (303, "/patterns"));
        assert_eq!(browser.get("/me").await.status, 200);
        let evil = [("code", codes.lines().nth(1).expect("a code")), ("next", "//evil.example")];
        assert_eq!(browser.post("/account/confirm", &evil).await.location(), "/");
    }
}
