//! API keys.

use access::{Origin, Region};
use axum::http::HeaderMap;
use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::House;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_only_as_a_hash() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (status, made) =
            house.ask(&org.member.key, "POST", "/api/keys", json!({"name": "ci"})).await;
        assert_eq!(status, 201, "{made}");
        let secret = text(&made["secret"]);
        assert!(secret.starts_with(&format!("pk_eu_{}_", org.id.ulid())), "{secret}");
        assert_eq!(house.get(secret, "/api/session").await.0, 200);

        let (_, list) = house.get(&org.member.key, "/api/keys").await;
        let core = secret.split('_').nth(3).expect("the secret part");
        assert!(list.to_string().contains(text(&made["id"])) && !list.to_string().contains(core));
        let events = house.events(&org, "identity.key.created").await;
        assert!(!json!(events).to_string().contains(core));
        if let Some(path) = house.bench.url.strip_prefix("sqlite://") {
            let mut bytes = std::fs::read(path).expect("the file");
            bytes.extend(std::fs::read(format!("{path}-wal")).unwrap_or_default());
            assert!(bytes.windows(4).any(|window| window == b"key_"), "the right file");
            assert!(!bytes.windows(core.len()).any(|window| window == core.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, made) =
            house.ask(&org.member.key, "POST", "/api/keys", json!({"name": "ci"})).await;
        let (secret, path) = (text(&made["secret"]), format!("/api/keys/{}", text(&made["id"])));
        assert_eq!(house.get(secret, "/api/keys").await.0, 200);
        assert_eq!(house.ask(&org.viewer.key, "DELETE", &path, Value::Null).await.0, 403);
        assert_eq!(house.ask(&org.member.key, "DELETE", &path, Value::Null).await.0, 204);
        let (status, problem) = house.get(secret, "/api/keys").await;
        assert_eq!((status, text(&problem["code"])), (401, "invalid_key"));
        assert_eq!(text(&problem["detail"]), "revoked key");
        assert_eq!(house.events(&org, "identity.key.revoked").await.len(), 1);

        // Whose key it was is known, so that the refusal can be recorded.
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", secret.parse().expect("a header"));
        let refused = house.identity.identify(&Method::GET, &headers, Origin::default()).await;
        let who = refused.expect_err("revoked").who.expect("known");
        assert_eq!((who.actor.id(), &who.org), (org.member.id.as_str(), &org.id));
        assert!(who.require(access::Permission::PatternsRead).is_err(), "may nothing");

        // An admin cuts off anybody's key.
        let (_, keys) = house.get(&org.viewer.key, "/api/keys").await;
        let path = format!("/api/keys/{}", text(&keys["items"][0]["id"]));
        assert_eq!(house.ask(&org.admin.key, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(house.get(&org.viewer.key, "/api/keys").await.0, 401);
    }
}

#[tokio::test]
async fn two_keys_live_while_one_is_rotated() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let owner = &org.member.key;
        let (_, first) = house.ask(owner, "POST", "/api/keys", json!({"name": "ci"})).await;
        let rotate = |key: &Value| format!("/api/keys/{}/rotate", text(&key["id"]));
        let grace = json!({"grace_secs": 3600});
        let (status, second) = house.ask(owner, "POST", &rotate(&first), grace.clone()).await;
        assert_eq!((status, &second["replaces"]), (201, &first["id"]), "{second}");
        let works = async |key: &Value| house.get(text(&key["secret"]), "/api/keys").await.0 == 200;
        assert!(works(&first).await && works(&second).await);
        assert_eq!(house.ask(owner, "POST", &rotate(&first), grace.clone()).await.0, 409);

        // A third one ends the first at once: two live at most.
        let (_, third) = house.ask(owner, "POST", &rotate(&second), grace.clone()).await;
        assert!(!works(&first).await && works(&second).await && works(&third).await);
        house.clock.advance(SignedDuration::from_secs(3600));
        assert!(!works(&second).await && works(&third).await);
        let (_, problem) = house.get(text(&second["secret"]), "/api/keys").await;
        assert_eq!(text(&problem["detail"]), "expired key");

        let wrong = json!({"grace_secs": -1});
        let (status, problem) = house.ask(owner, "POST", &rotate(&third), wrong).await;
        assert_eq!((status, text(&problem["param"])), (422, "grace_secs"));
        assert_eq!(house.ask(&org.admin.key, "POST", &rotate(&third), grace).await.0, 403);
    }
}

#[tokio::test]
async fn a_key_ends_when_it_was_said_to_end() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "demo", "expires_at": "2026-01-02T00:00:00Z"});
        let (_, made) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        let secret = text(&made["secret"]);
        house.clock.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
        assert_eq!(house.get(secret, "/api/keys").await.0, 200);
        house.clock.advance(SignedDuration::from_secs(1));
        let (status, problem) = house.get(secret, "/api/keys").await;
        assert_eq!((status, text(&problem["detail"])), (401, "expired key"));
        let body = json!({"name": "late", "expires_at": "2026-01-01T00:00:00Z"});
        let (status, problem) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        assert_eq!((status, text(&problem["param"])), (422, "expires_at"));
    }
}

#[tokio::test]
async fn a_key_is_accepted_from_its_addresses_only() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "office", "addresses": ["192.0.2.0/24", "2001:db8::1"]});
        let (_, made) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        let bearer = format!("Bearer {}", text(&made["secret"]));
        for (ip, expected) in [
            (Some("192.0.2.7"), 200),
            (Some("::ffff:192.0.2.7"), 200),
            (Some("2001:db8::1"), 200),
            (Some("192.0.3.7"), 403),
            (None, 403),
        ] {
            let mut headers = vec![("authorization", bearer.as_str())];
            headers.extend(ip.map(|ip| ("x-test-ip", ip)));
            let (status, _, body) = house.send("GET", "/api/keys", &headers, Value::Null).await;
            assert_eq!(status, expected, "{ip:?} {body}");
        }
        let body = json!({"name": "x", "addresses": ["192.0.2.0/24", "office"]});
        let (status, problem) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        assert_eq!((status, text(&problem["errors"][0]["pointer"])), (422, "/addresses/1"));
    }
}

#[tokio::test]
async fn a_narrowed_key_may_less_and_cannot_make_a_wider_one() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "read", "roles": ["org:viewer"], "models": ["small"]});
        let (_, made) = house.ask(&org.owner.key, "POST", "/api/keys", body).await;
        let narrow = text(&made["secret"]);
        let (_, who) = house.get(narrow, "/api/session").await;
        assert_eq!(who["permissions"], json!(["patterns:read", "patterns:run"]));
        let (status, problem) = house.get(narrow, "/api/members").await;
        assert_eq!(status, 403);
        let missing = "the key's own roles do not include `users:read`";
        assert_eq!(text(&problem["decision"]["missing"]), missing);
        let mut headers = HeaderMap::new();
        headers.insert("api-key", narrow.parse().expect("a header"));
        let caller = house.identity.identify(&Method::GET, &headers, Origin::default()).await;
        assert_eq!(caller.expect("known").models.as_deref(), Some(&["small".to_owned()][..]));

        let (status, problem) = house.ask(narrow, "POST", "/api/keys", json!({"name": "x"})).await;
        assert_eq!((status, text(&problem["code"])), (403, "narrow_key"));
        let body = json!({"name": "x", "roles": ["org:admin"]});
        let (status, problem) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        assert_eq!((status, text(&problem["param"])), (422, "roles"));
        let body = json!({"name": "x", "roles": ["org:member", "nobody"]});
        let (status, problem) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        assert_eq!((status, text(&problem["errors"][0]["pointer"])), (422, "/roles/1"));
    }
}

#[tokio::test]
async fn keys_for_others_need_the_permission_and_never_exceed_their_maker() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let for_other = async |key: &str, owner: &str, roles: Option<&str>| {
            let mut body = json!({"name": "x", "owner": owner});
            if let Some(role) = roles {
                body["roles"] = json!([role]);
            }
            house.ask(key, "POST", "/api/keys", body).await
        };
        let (owner, member) = (org.owner.id.as_str(), org.member.id.as_str());
        assert_eq!(for_other(&org.member.key, owner, None).await.0, 403);
        let (status, problem) = for_other(&org.admin.key, owner, Some("org:owner")).await;
        assert_eq!((status, text(&problem["code"])), (403, "escalation"));
        assert_eq!(for_other(&org.admin.key, owner, Some("org:viewer")).await.0, 201);
        let (status, problem) = for_other(&org.admin.key, member, None).await;
        assert_eq!((status, text(&problem["param"])), (422, "roles"));
        let body = json!({"name": "pipeline", "role": "org:member"});
        let (status, service) = house.ask(&org.admin.key, "POST", "/api/services", body).await;
        assert_eq!(status, 201, "{service}");
        let (status, made) = for_other(&org.admin.key, text(&service["id"]), None).await;
        assert_eq!(status, 201, "{made}");
        let (_, who) = house.get(text(&made["secret"]), "/api/session").await;
        assert_eq!(who["kind"], "service_account");
        let path = format!("/api/services/{}", text(&service["id"]));
        assert_eq!(house.ask(&org.admin.key, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(house.get(text(&made["secret"]), "/api/session").await.0, 401);
    }
}

#[tokio::test]
async fn a_key_of_another_region_is_sent_home_from_the_header_alone() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        house.bench.db.close().await;
        let (_, parts) = org.owner.key.split_at(6);
        let mut key = format!("pk_us_{}", &parts[..parts.len() - 7]);
        // The check is over the region too, so the caller makes a right one.
        key = format!("{key}_{}", check(&key));
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        let (status, answer, problem) =
            house.send("POST", "/api/keys", &headers, Value::Null).await;
        assert_eq!((status, text(&problem["code"])), (421, "wrong_region"));
        assert_eq!(problem["home"], Region::Us.as_str());
        assert_eq!(answer.get("cache-control").expect("set"), "no-store");
        assert_eq!(answer.get("connection").expect("set"), "close");
    }
}

/// The six letters behind a key, as a customer's own tool would make them.
pub(crate) fn check(text: &str) -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut letters = Vec::new();
    for _ in 0..6 {
        letters.push(char::from(LETTERS[usize::try_from(rest % 62).expect("small")]));
        rest /= 62;
    }
    letters.iter().rev().collect()
}
