//! Sessions in browsers.

use std::time::Duration;

use axum::http::HeaderMap;
use base::args;
use base::db::Statement;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{House, Org, PASSWORD};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn sign_in(house: &House, org: &str, email: &str, password: &str) -> (u16, HeaderMap, Value) {
    let body = json!({"org": org, "email": email, "password": password});
    house.send("POST", "/api/session", &[], body).await
}

/// The `name=value` that a browser would send back.
async fn cookie(house: &House, org: &Org) -> String {
    let (status, headers, body) = sign_in(house, "acme", &org.member.email, PASSWORD).await;
    assert_eq!(status, 201, "{body}");
    let cookie = headers.get("set-cookie").expect("a cookie").to_str().expect("text");
    assert!(!body.to_string().contains(&cookie[24..68]), "the token is in the cookie alone");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[tokio::test]
async fn a_member_signs_in_and_out() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let cookie = cookie(&house, &org).await;
        let with = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let (status, _, who) = house.send("GET", "/api/session", &with, Value::Null).await;
        assert_eq!((status, text(&who["member"]["email"])), (200, org.member.email.as_str()));
        assert_eq!(text(&who["member"]["role"]), "org:member");
        let (_, _, list) = house.send("GET", "/api/sessions", &with, Value::Null).await;
        assert_eq!(list["items"][0]["current"], true, "{list}");
        let (status, headers, _) = house.send("DELETE", "/api/session", &with, Value::Null).await;
        assert_eq!(status, 204);
        assert!(
            headers
                .get("set-cookie")
                .expect("taken away")
                .to_str()
                .expect("text")
                .contains("Max-Age=0")
        );
        assert_eq!(house.send("GET", "/api/session", &with, Value::Null).await.0, 401);
        assert_eq!(house.events(&org, "identity.session.started").await.len(), 1);
        assert_eq!(house.events(&org, "identity.session.ended").await.len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_sign_in_does_not_say_what_was_wrong() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut answers = Vec::new();
        for (name, email, password) in [
            ("acme", org.member.email.as_str(), "correct horse batterz"),
            ("acme", "nobody@acme.example", PASSWORD),
            ("acme", org.viewer.email.as_str(), PASSWORD),
            ("nowhere", org.member.email.as_str(), PASSWORD),
        ] {
            let (status, headers, body) = sign_in(&house, name, email, password).await;
            assert!(headers.get("set-cookie").is_none());
            answers.push((status, body));
        }
        assert_eq!(answers[0].0, 401);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let events = house.events(&org, "identity.session.refused").await;
        assert_eq!(events.len(), 3, "recorded where the org is known");
        assert!(events.iter().all(|event| event["outcome"] == "denied"));
        assert_eq!(events[2]["userId"], org.member.id.as_str());
    }
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_member() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let email = org.member.email.as_str();
        for _ in 0..10 {
            assert_eq!(sign_in(&house, "acme", email, "wrong horse battery").await.0, 401);
            house.clock.advance(SignedDuration::from_secs(6));
        }
        let (status, headers, problem) = sign_in(&house, "acme", email, PASSWORD).await;
        assert_eq!((status, text(&problem["code"])), (429, "locked_out"), "even the right one");
        assert_eq!(headers.get("retry-after").expect("when"), "840");
        house.clock.advance(SignedDuration::from_secs(6));
        let (status, _, problem) = sign_in(&house, org.id.as_str(), email, PASSWORD).await;
        assert_eq!((status, text(&problem["code"])), (429, "locked_out"), "by any name");
        assert_eq!(house.get(&org.member.key, "/api/session").await.0, 200, "keys go on working");
        house.clock.advance(SignedDuration::from_mins(15));
        assert_eq!(sign_in(&house, "acme", email, PASSWORD).await.0, 201);
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_when_old() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let idle = cookie(&house, &org).await;
        let used = cookie(&house, &org).await;
        let ask = async |cookie: &str| {
            house.send("GET", "/api/session", &[("cookie", cookie)], Value::Null).await.0
        };
        for _ in 0..23 {
            house.clock.advance(SignedDuration::from_mins(30));
            assert_eq!(ask(&used).await, 200);
            house.identity.flush_seen().await;
        }
        assert_eq!(ask(&idle).await, 401, "not used for an hour");
        house.clock.advance(SignedDuration::from_mins(30));
        assert_eq!(ask(&used).await, 401, "twelve hours old");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_cookie() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let cookie = cookie(&house, &org).await;
        let ask = async |headers: &[(&str, &str)]| {
            let headers = [&[("cookie", cookie.as_str())], headers].concat();
            house.send("POST", "/api/keys", &headers, json!({"name": "x"})).await
        };
        for foreign in [
            &[][..],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            &[("origin", "https://evil.example"), ("host", "portico.example")],
        ] {
            let (status, _, problem) = ask(foreign).await;
            assert_eq!((status, text(&problem["code"])), (403, "cross_site"), "{foreign:?}");
        }
        assert_eq!(ask(&[("sec-fetch-site", "same-origin")]).await.0, 201);
        assert_eq!(ask(&[("x-portico-csrf", "1")]).await.0, 201);
    }
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (here, there) = (cookie(&house, &org).await, cookie(&house, &org).await);
        let with = [("cookie", here.as_str()), ("x-portico-csrf", "1")];
        let wrong = json!({"current": "wrong horse battery", "new": "another horse battery"});
        let (status, _, problem) = house.send("POST", "/api/password", &with, wrong).await;
        assert_eq!((status, text(&problem["code"])), (403, "wrong_password"));
        let right = json!({"current": PASSWORD, "new": "another horse battery"});
        assert_eq!(house.send("POST", "/api/password", &with, right).await.0, 204);
        let ask = async |cookie: &str| {
            house.send("GET", "/api/session", &[("cookie", cookie)], Value::Null).await.0
        };
        assert_eq!((ask(&here).await, ask(&there).await), (200, 401));
        let email = org.member.email.as_str();
        assert_eq!(sign_in(&house, "acme", email, PASSWORD).await.0, 401);
        assert_eq!(sign_in(&house, "acme", email, "another horse battery").await.0, 201);
    }
}

#[tokio::test]
async fn a_suspended_or_removed_member_has_no_session_left() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let cookie = cookie(&house, &org).await;
        let path = format!("/api/members/{}", org.member.id);
        let suspend = json!({"state": "suspended"});
        assert_eq!(house.ask(&org.admin.key, "PATCH", &path, suspend).await.0, 200);
        let ask = async || {
            house.send("GET", "/api/session", &[("cookie", cookie.as_str())], Value::Null).await.0
        };
        assert_eq!(ask().await, 401);
        let email = org.member.email.as_str();
        assert_eq!(sign_in(&house, "acme", email, PASSWORD).await.0, 401);
        let active = json!({"state": "active"});
        assert_eq!(house.ask(&org.admin.key, "PATCH", &path, active).await.0, 200);
        assert_eq!(ask().await, 401, "the old session stays ended");
    }
}

/// Tries to sign in from an address.
async fn from(house: &House, ip: &str, email: &str, password: &str) -> (u16, String) {
    let body = json!({"org": "acme", "email": email, "password": password});
    let (status, headers, body) =
        house.send("POST", "/api/session", &[("x-test-ip", ip)], body).await;
    assert!(status != 429 || headers.contains_key("retry-after"), "{headers:?}");
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_stranger_does_not_keep_the_right_person_out() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let email = org.member.email.as_str();
        for _ in 0..10 {
            assert_eq!(from(&house, "192.0.2.7", email, "wrong horse battery").await.0, 401);
        }
        // The stranger is stopped before a password is looked at, and then by the count.
        let stopped = from(&house, "192.0.2.7", "other@acme.example", PASSWORD).await;
        assert_eq!(stopped, (429, "too_many_sign_ins".to_owned()));
        house.clock.advance(SignedDuration::from_mins(1));
        let locked = from(&house, "192.0.2.7", email, PASSWORD).await;
        assert_eq!(locked, (429, "locked_out".to_owned()));
        assert_eq!(from(&house, "198.51.100.1", email, PASSWORD).await.0, 201);
        assert_eq!(from(&house, "2001:db8::1", email, PASSWORD).await.0, 201);
    }
}

#[tokio::test]
async fn wrong_passwords_from_many_addresses_lock_in_the_end() {
    let house = House::on_each_engine().await.remove(0);
    let org = house.org("acme").await;
    let email = org.member.email.as_str();
    for number in 0..100 {
        let ip = format!("192.0.2.{number}");
        assert_eq!(from(&house, &ip, email, "wrong horse battery").await.0, 401);
    }
    let locked = from(&house, "198.51.100.1", email, PASSWORD).await;
    assert_eq!(locked, (429, "locked_out".to_owned()));
}

#[tokio::test]
async fn colleagues_behind_one_address_all_get_in() {
    let house = House::on_each_engine().await.remove(0);
    let org = house.org("acme").await;
    for _ in 0..15 {
        assert_eq!(from(&house, "192.0.2.7", &org.member.email, PASSWORD).await.0, 201);
    }
}

const ANOTHER_PASSWORD: Statement = Statement::new(
    "set a password",
    "UPDATE identity_member SET password_hash = 'another' WHERE org_id = $1 AND member_id = $2",
);

#[tokio::test]
async fn a_sign_in_that_races_a_new_password_does_not_outlive_it() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        // Somebody is about to commit a new password while the old one is being checked.
        let scope = org.operator.itself();
        let change = audit::Change::begin(&house.record, &scope).await;
        let mut change = change.expect("begins");
        change.run(ANOTHER_PASSWORD, args![org.member.id.as_str()]).await.expect("changes");
        let mut sign_in = Box::pin(sign_in(&house, "acme", &org.member.email, PASSWORD));
        let early = tokio::time::timeout(Duration::from_secs(1), &mut sign_in).await;
        assert!(early.is_err(), "a sign-in waits for the change: {early:?}");
        let event = audit::Event::done("identity.password.changed", "member", &*org.member.id);
        change.commit(event).await.expect("commits");
        let (status, headers, _) = sign_in.await;
        assert_eq!((status, headers.get("set-cookie")), (401, None), "{:?}", house.engine());
    }
}
