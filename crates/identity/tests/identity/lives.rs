//! Whatever ends a credential ends what runs on it: here, and on another node.

use std::time::{Duration, Instant};

use access::{Caller, Origin};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use identity::{Identity, Revoke};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{House, Org, PASSWORD, Somebody};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn by(node: &Identity, name: &'static str, value: &str) -> Option<Caller> {
    let value = HeaderValue::from_str(value).expect("a header");
    let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
    node.identify(&Method::GET, &headers, Origin::default()).await.ok()
}

async fn with_key(node: &Identity, key: &str) -> Option<Caller> {
    by(node, "x-api-key", key).await
}

/// Signs the member in, and gives the cookie and the id of the session.
async fn session(house: &House, org: &Org) -> (String, String) {
    let body = json!({"org": "acme", "email": org.member.email, "password": PASSWORD});
    let (status, headers, body) = house.send("POST", "/api/session", &[], body).await;
    assert_eq!(status, 201, "{body}");
    let cookie = headers["set-cookie"].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let caller = by(&house.identity, "cookie", &cookie).await.expect("signed in");
    (cookie, caller.standing.session.as_ref().expect("a session").id.clone())
}

/// Waits for the end of what runs, a second at most. Under a machine that is busy with
/// other tests the bound is wider; the journeys measure.
async fn ends(who: &Caller) {
    let begun = Instant::now();
    let end = tokio::time::timeout(Duration::from_secs(5), who.standing.life.ended()).await;
    assert!(end.is_ok(), "it goes on after {:?}", begun.elapsed());
}

struct Cut {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
}

fn cut(name: &'static str, method: &'static str, path: String, body: Value) -> Cut {
    Cut { name, method, path, body }
}

/// The ways to end what a key of the member runs.
fn ends_of_keys(org: &Org, key: &Value) -> Vec<Cut> {
    let member = format!("/api/members/{}", org.member.id);
    vec![
        cut("revoked", "DELETE", format!("/api/keys/{}", text(&key["id"])), Value::Null),
        cut("suspended", "PATCH", member.clone(), json!({"state": "suspended"})),
        cut("revoked with all", "POST", format!("{member}/revoke"), json!({"keys": true})),
        cut("brake", "POST", "/api/org/revoke".to_owned(), json!({"keys": true})),
        cut("removed", "DELETE", member, Value::Null),
    ]
}

async fn key_of(house: &House, who: &Somebody) -> Value {
    let (status, key) = house.ask(&who.key, "POST", "/api/keys", json!({"name": "ci"})).await;
    assert_eq!(status, 201, "{key}");
    key
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_with_its_key_on_every_node() {
    for house in House::on_each_engine().await {
        for way in 0..5 {
            let org = house.org(&format!("acme{way}")).await;
            let second = house.second_node();
            let key = key_of(&house, &org.member).await;
            let way = ends_of_keys(&org, &key).remove(way);
            let running = [
                with_key(&house.identity, text(&key["secret"])).await.expect("known"),
                with_key(&second, text(&key["secret"])).await.expect("known there too"),
            ];
            let beside = with_key(&second, &org.viewer.key).await.expect("known");
            let owner = with_key(&second, &org.owner.key).await.expect("known");
            assert!(running.iter().all(|caller| !caller.standing.life.is_over()));
            let (status, answer) =
                house.ask(&org.owner.key, way.method, &way.path, way.body.clone()).await;
            assert!((200..300).contains(&status), "{}: {answer}", way.name);
            assert!(running[0].standing.life.is_over(), "{}: here at once", way.name);
            ends(&running[1]).await;
            assert!(!owner.standing.life.is_over(), "{}: whoever asked goes on", way.name);
            if way.name == "brake" {
                ends(&beside).await;
            } else {
                assert!(!beside.standing.life.is_over(), "{}: nobody else", way.name);
            }
            assert!(with_key(&second, text(&key["secret"])).await.is_none(), "{}", way.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_with_its_session_on_every_node() {
    for house in House::on_each_engine().await {
        for way in 0..7 {
            let org = house.org("acme").await;
            let second = house.second_node();
            let (cookie, id) = session(&house, &org).await;
            let (other, _) = session(&house, &org).await;
            let member = format!("/api/members/{}", org.member.id);
            let (path, body) = (member.clone(), Value::Null);
            let way = [
                cut("signed out", "DELETE", "/api/session".to_owned(), body.clone()),
                cut("ended by itself", "DELETE", format!("/api/sessions/{id}"), body.clone()),
                cut("ended by an admin", "DELETE", format!("/api/org/sessions/{id}"), body.clone()),
                cut("all ended", "DELETE", format!("{path}/sessions"), body.clone()),
                cut("revoked", "POST", format!("{path}/revoke"), json!({"sessions": true})),
                cut("suspended", "PATCH", path, json!({"state": "suspended"})),
                cut("brake", "POST", "/api/org/revoke".to_owned(), json!({"sessions": true})),
            ]
            .into_iter()
            .nth(way)
            .expect("one of them");
            let here = by(&house.identity, "cookie", &cookie).await.expect("signed in");
            let there = by(&second, "cookie", &cookie).await.expect("signed in there too");
            let again = by(&second, "cookie", &cookie).await.expect("a second request");
            let beside = by(&second, "cookie", &other).await.expect("another browser");
            let key = with_key(&second, &org.member.key).await.expect("known");
            let own = way.path.starts_with("/api/session");
            let headers: Vec<(&str, &str)> = if own {
                vec![("cookie", &cookie), ("x-portico-csrf", "1")]
            } else {
                vec![("x-api-key", &org.admin.key)]
            };
            let (status, _, answer) =
                house.send(way.method, &way.path, &headers, way.body.clone()).await;
            assert!((200..300).contains(&status), "{}: {answer}", way.name);
            for running in [&here, &there, &again] {
                ends(running).await;
            }
            let one = ["signed out", "ended by itself", "ended by an admin"].contains(&way.name);
            if one {
                assert!(!beside.standing.life.is_over(), "{}: the other browser", way.name);
            } else {
                ends(&beside).await;
            }
            if way.name == "suspended" {
                ends(&key).await;
            } else {
                assert!(!key.standing.life.is_over(), "{}: the key goes on", way.name);
            }
            assert!(by(&second, "cookie", &cookie).await.is_none(), "{}", way.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_service_account_takes_along_what_it_runs() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let second = house.second_node();
        let body = json!({"name": "Bot", "role": "org:member"});
        let (_, bot) = house.ask(&org.owner.key, "POST", "/api/services", body).await;
        let body = json!({"name": "ci", "owner": bot["id"]});
        let (status, key) = house.ask(&org.owner.key, "POST", "/api/keys", body).await;
        assert_eq!(status, 201, "{key}");
        let running = with_key(&second, text(&key["secret"])).await.expect("known");
        let path = format!("/api/services/{}", text(&bot["id"]));
        assert_eq!(house.ask(&org.owner.key, "DELETE", &path, Value::Null).await.0, 204);
        ends(&running).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_act_again_begins_a_new_life() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let before = with_key(&house.identity, &org.member.key).await.expect("known");
        let path = format!("/api/members/{}", org.member.id);
        for (state, known) in [("suspended", false), ("active", true)] {
            let body = json!({"state": state});
            assert_eq!(house.ask(&org.owner.key, "PATCH", &path, body).await.0, 200);
            let now = with_key(&house.identity, &org.member.key).await;
            assert_eq!(now.is_some(), known);
            assert!(now.is_none_or(|now| !now.standing.life.is_over()));
        }
        assert!(before.standing.life.is_over(), "what was stopped stays stopped");
        let (cookie, _) = session(&house, &org).await;
        let now = by(&house.identity, "cookie", &cookie).await.expect("signed in anew");
        assert!(!now.standing.life.is_over());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_ends_when_the_time_of_its_credential_is_up() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (cookie, _) = session(&house, &org).await;
        let running = by(&house.identity, "cookie", &cookie).await.expect("signed in");
        let expires = base::time::Clock::now(&house.clock) + SignedDuration::from_mins(10);
        let body = json!({"name": "short", "expires_at": expires});
        let (_, key) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        let keyed = with_key(&house.identity, text(&key["secret"])).await.expect("known");
        house.clock.advance(SignedDuration::from_mins(11));
        ends(&keyed).await;
        assert!(!running.standing.life.is_over());
        // An org that shortens its sessions shortens those on which something runs.
        let body = json!({"session_lifetime_secs": 300});
        let (status, answer) = house.ask(&org.owner.key, "PATCH", "/api/org/settings", body).await;
        assert_eq!(status, 200, "{answer}");
        ends(&running).await;
    }
}

#[tokio::test]
async fn nobody_ends_or_sees_the_sessions_of_somebody_who_may_more() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, id) = session(&house, &org).await;
        let path = format!("/api/members/{}", org.member.id);
        let promote = json!({"role": "org:owner"});
        let all = json!({"sessions": true, "keys": true});
        let listed = async || {
            let (status, page) = house.get(&org.admin.key, "/api/org/sessions").await;
            assert_eq!(status, 200, "{page}");
            page["items"].as_array().expect("a list").clone()
        };
        let seen = listed().await;
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((text(&seen[0]["member"]), text(&seen[0]["id"])), (&*org.member.id, &*id));
        assert_eq!((text(&seen[0]["method"]), &seen[0]["current"]), ("password", &json!(false)));
        assert!(seen[0]["seen_at"].is_string());
        assert_eq!(house.ask(&org.owner.key, "PATCH", &path, promote).await.0, 200);
        assert!(listed().await.is_empty(), "an admin does not see where an owner is");
        for (method, path, body) in [
            ("GET", format!("{path}/sessions"), Value::Null),
            ("DELETE", format!("{path}/sessions"), Value::Null),
            ("POST", format!("{path}/revoke"), all.clone()),
            ("DELETE", format!("/api/org/sessions/{id}"), Value::Null),
        ] {
            let (status, problem) = house.ask(&org.admin.key, method, &path, body).await;
            assert_eq!((status, text(&problem["code"])), (403, "escalation"), "{method} {path}");
        }
        // Whoever may not govern members ends nobody's access; nor is nothing ended.
        for path in [format!("{path}/revoke"), "/api/org/revoke".to_owned()] {
            assert_eq!(house.ask(&org.viewer.key, "POST", &path, all.clone()).await.0, 403);
            let (status, problem) = house.ask(&org.owner.key, "POST", &path, json!({})).await;
            assert_eq!((status, text(&problem["code"])), (422, "invalid"), "{problem}");
        }
        let (status, ended) =
            house.ask(&org.owner.key, "POST", &format!("{path}/revoke"), all).await;
        assert_eq!((status, ended), (200, json!({"sessions": 1, "keys": 1})));
        let events = house.events(&org, "identity.member.revoked").await;
        let all = json!({"sessions": 1, "keys": 1, "links": 0, "invitations": 0});
        assert_eq!(events[0]["changes"], all);
    }
}

#[tokio::test]
async fn the_emergency_brake_spares_only_what_pulls_it() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let other = house.org("other").await;
        let (mine, _) = session(&house, &org).await;
        let (elsewhere, _) = session(&house, &org).await;
        let path = format!("/api/members/{}", org.member.id);
        let promote = json!({"role": "org:admin"});
        assert_eq!(house.ask(&org.owner.key, "PATCH", &path, promote).await.0, 200);
        let with = [("cookie", mine.as_str()), ("x-portico-csrf", "1")];
        let all = json!({"sessions": true, "keys": true});
        let (status, _, ended) = house.send("POST", "/api/org/revoke", &with, all.clone()).await;
        assert_eq!((status, ended), (200, json!({"sessions": 1, "keys": 4})));
        let ask = async |cookie: &str| {
            house.send("GET", "/api/session", &[("cookie", cookie)], Value::Null).await.0
        };
        assert_eq!((ask(&mine).await, ask(&elsewhere).await), (200, 401));
        for key in [&org.owner.key, &org.member.key, &org.viewer.key] {
            assert_eq!(house.get(key, "/api/session").await.0, 401);
        }
        assert_eq!(house.get(&other.viewer.key, "/api/session").await.0, 200, "another org");
        let events = house.events(&org, "identity.org.revoked").await;
        let all = json!({
            "sessions": 1, "keys": 4, "links": 0, "invitations": 0, "setups": 0,
            "support_requests": [],
        });
        assert_eq!(events[0]["changes"], all);
        // At the command line nothing is spared.
        let what = Revoke { sessions: true, keys: false };
        house.identity.revoke_org(&org.operator, what).await.expect("revokes");
        assert_eq!(ask(&mine).await, 401);
    }
}
