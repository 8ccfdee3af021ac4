//! Narrowed keys in the hands of those who govern.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{House, Org};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// The ways to narrow a key without naming its roles.
fn narrowings() -> [Value; 3] {
    [
        json!({"name": "models", "models": ["small"]}),
        json!({"name": "addresses", "addresses": ["192.0.2.0/24"]}),
        json!({"name": "expires", "expires_at": "2026-02-01T00:00:00Z"}),
    ]
}

/// Asks with a key of an owner that is narrowed like this, from where it is accepted.
async fn ask(
    house: &House,
    key: &str,
    method: &str,
    path: &str,
    body: Value,
) -> (u16, String, Value) {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("x-test-ip", "192.0.2.7")];
    let (status, _, answer) = house.send(method, path, &headers, body).await;
    (status, answer["code"].as_str().unwrap_or_default().to_owned(), answer)
}

async fn narrowed(house: &House, org: &Org, narrowing: Value) -> String {
    let (status, made) = house.ask(&org.owner.key, "POST", "/api/keys", narrowing).await;
    assert_eq!(status, 201, "{made}");
    text(&made["secret"]).to_owned()
}

/// Everything by which somebody could come in, or come to more than they have.
async fn givings(house: &House, org: &Org) -> Vec<(&'static str, String, Value)> {
    let owner = &org.owner.key;
    let made = async |path: &str, body: Value| {
        let (status, made) = house.ask(owner, "POST", path, body).await;
        assert_eq!(status, 201, "{made}");
        text(&made["id"]).to_owned()
    };
    let team = made("/api/teams", json!({"name": "T"})).await;
    made("/api/grants", json!({"subject": team, "role": "org:viewer"})).await;
    let service = made("/api/services", json!({"name": "S", "role": "org:viewer"})).await;
    let role = json!({"name": "reader", "permissions": ["patterns:read"]});
    assert_eq!(house.ask(owner, "POST", "/api/roles", role).await.0, 201);
    let viewer = format!("/api/members/{}", org.viewer.id);
    let suspend = json!({"state": "suspended"});
    assert_eq!(house.ask(owner, "PATCH", &viewer, suspend).await.0, 200);
    vec![
        ("POST", "/api/members".into(), json!({"email": "x@y.example", "role": "org:viewer"})),
        ("PATCH", format!("/api/members/{}", org.member.id), json!({"role": "org:viewer"})),
        ("PATCH", viewer, json!({"state": "active"})),
        ("POST", "/api/services".into(), json!({"name": "X", "role": "org:viewer"})),
        ("PATCH", format!("/api/services/{service}"), json!({"role": "org:member"})),
        ("POST", "/api/grants".into(), json!({"subject": org.member.id, "role": "org:viewer"})),
        ("PUT", format!("/api/teams/{team}/members/{}", org.member.id), Value::Null),
        ("PUT", "/api/roles/reader".into(), json!({"permissions": ["patterns:*"]})),
        ("POST", "/api/setup-links".into(), json!({"days": 7})),
        ("POST", "/api/keys".into(), json!({"name": "x", "owner": service})),
        ("POST", "/api/keys".into(), json!({"name": "x"})),
    ]
}

#[tokio::test]
async fn an_owners_key_narrowed_to_models_addresses_or_a_time_governs_nothing() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let givings = givings(&house, &org).await;
        for narrowing in narrowings() {
            let key = narrowed(&house, &org, narrowing.clone()).await;
            let (_, _, who) = ask(&house, &key, "GET", "/api/session", Value::Null).await;
            let may = who["permissions"].to_string();
            assert!(!may.contains("users:") && !may.contains("settings:"), "{narrowing} {may}");
            assert!(may.contains("models:invoke") && may.contains("patterns:publish"), "{may}");
            for (method, path, body) in &givings {
                let (status, code, answer) = ask(&house, &key, method, path, body.clone()).await;
                assert_eq!(status, 403, "{narrowing} {method} {path} {answer}");
                let refused = ["permission_denied", "narrow_key"].contains(&code.as_str());
                assert!(refused, "{narrowing} {method} {path} {answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_narrowed_key_with_roles_governs_within_them_and_lets_nobody_in() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let givings = givings(&house, &org).await;
        for mut narrowing in narrowings() {
            narrowing["roles"] = json!(["org:admin"]);
            let key = narrowed(&house, &org, narrowing.clone()).await;
            assert_eq!(ask(&house, &key, "GET", "/api/members", Value::Null).await.0, 200);
            let rename = json!({"name": narrowing["name"]});
            assert_eq!(ask(&house, &key, "PATCH", "/api/org", rename.clone()).await.0, 200);
            assert_eq!(ask(&house, &key, "POST", "/api/teams", rename).await.0, 201);
            for (method, path, body) in &givings {
                let (status, code, answer) = ask(&house, &key, method, path, body.clone()).await;
                assert_eq!((status, code.as_str()), (403, "narrow_key"), "{path} {answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_with_roles_alone_lets_in_with_those_roles_and_no_more() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let key = narrowed(&house, &org, json!({"name": "people", "roles": ["org:admin"]})).await;
        let invite = async |email: &str, role: &str| {
            let body = json!({"email": email, "role": role});
            let (status, code, _) = ask(&house, &key, "POST", "/api/members", body).await;
            (status, code)
        };
        assert_eq!(invite("a@y.example", "org:admin").await.0, 201);
        assert_eq!(invite("b@y.example", "org:owner").await, (403, "escalation".to_owned()));
        let own = json!({"subject": org.owner.id, "role": "org:owner"});
        let (_, code, _) = ask(&house, &key, "POST", "/api/grants", own).await;
        assert_eq!(code, "escalation");
    }
}

#[tokio::test]
async fn an_expiring_key_of_a_service_account_works_until_it_expires() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "pipeline", "role": "org:member"});
        let (_, service) = house.ask(&org.admin.key, "POST", "/api/services", body).await;
        let body = json!({"name": "ci", "owner": service["id"], "models": ["small"],
                          "expires_at": "2026-02-01T00:00:00Z"});
        let (status, made) = house.ask(&org.admin.key, "POST", "/api/keys", body).await;
        assert_eq!(status, 201, "{made}");
        let (_, who) = house.get(text(&made["secret"]), "/api/session").await;
        let all = json!(["patterns:read", "patterns:create", "patterns:run", "models:invoke"]);
        assert_eq!(who["permissions"], all, "all that its role permits");
    }
}

#[tokio::test]
async fn a_key_that_is_being_replaced_may_what_it_could_until_it_ends() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let old = &org.admin.key;
        let (_, keys) = house.get(old, "/api/keys").await;
        let rotate = format!("/api/keys/{}/rotate", text(&keys["items"][0]["id"]));
        let (status, new) = house.ask(old, "POST", &rotate, json!({"grace_secs": 3600})).await;
        assert_eq!(status, 201, "{new}");
        for (key, email) in [(old.as_str(), "a@y.example"), (text(&new["secret"]), "b@y.example")] {
            let body = json!({"email": email, "role": "org:viewer"});
            assert_eq!(house.ask(key, "POST", "/api/members", body).await.0, 201);
        }
        let (status, problem) = house.ask(old, "POST", "/api/keys", json!({"name": "x"})).await;
        assert_eq!((status, text(&problem["code"])), (403, "narrow_key"), "it makes no others");

        // The new one is given up unused; the old one is replaced again, not shortened.
        let (path, new) = (format!("/api/keys/{}", text(&new["id"])), text(&new["secret"]));
        let (_, spare) = house.ask(new, "POST", "/api/keys", json!({"name": "spare"})).await;
        assert_eq!(house.ask(old, "DELETE", &path, Value::Null).await.0, 204);
        let spare = text(&spare["secret"]);
        let (status, again) = house.ask(spare, "POST", &rotate, json!({})).await;
        assert_eq!((status, &again["expires_at"]), (201, &Value::Null), "{again}");
        house.clock.advance(SignedDuration::from_secs(3600));
        assert_eq!(house.get(old, "/api/keys").await.0, 401);
    }
}
