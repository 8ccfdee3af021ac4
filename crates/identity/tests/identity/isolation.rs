//! Two orgs on one node.

use serde_json::{Value, json};

use crate::house::House;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn two_orgs_cannot_see_each_other() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.org("ours").await, house.org("theirs").await);
        let (key, other) = (&ours.owner.key, &theirs.owner.key);
        let (_, team) = house.ask(other, "POST", "/api/teams", json!({"name": "T"})).await;
        let body = json!({"name": "secret-role", "permissions": ["patterns:read"]});
        house.ask(other, "POST", "/api/roles", body).await;
        let body = json!({"name": "S", "role": "org:member"});
        let (_, service) = house.ask(other, "POST", "/api/services", body).await;
        let body = json!({"subject": theirs.viewer.id, "role": "org:member"});
        let (_, grant) = house.ask(other, "POST", "/api/grants", body).await;
        let (_, keys) = house.get(other, "/api/keys").await;
        let their_key = text(&keys["items"][0]["id"]);
        let (team, service, grant) = (text(&team["id"]), text(&service["id"]), text(&grant["id"]));

        for (method, path, body) in [
            ("GET", format!("/api/members/{}", theirs.viewer.id), Value::Null),
            ("PATCH", format!("/api/members/{}", theirs.viewer.id), json!({"name": "x"})),
            ("DELETE", format!("/api/members/{}", theirs.viewer.id), Value::Null),
            ("POST", format!("/api/members/{}/password-link", theirs.viewer.id), Value::Null),
            ("GET", format!("/api/members/{}/sessions", theirs.viewer.id), Value::Null),
            ("DELETE", format!("/api/members/{}/sessions", theirs.viewer.id), Value::Null),
            ("GET", format!("/api/keys/{their_key}"), Value::Null),
            ("GET", format!("/keys/{their_key}"), Value::Null),
            ("POST", format!("/keys/{their_key}/revoke"), Value::Null),
            ("PATCH", format!("/api/teams/{team}"), json!({"name": "x"})),
            ("DELETE", format!("/api/teams/{team}"), Value::Null),
            ("PUT", format!("/api/teams/{team}/members/{}", ours.viewer.id), Value::Null),
            ("DELETE", format!("/api/teams/{team}/members/{}", ours.viewer.id), Value::Null),
            ("PATCH", format!("/api/services/{service}"), json!({"name": "x"})),
            ("DELETE", format!("/api/services/{service}"), Value::Null),
            ("DELETE", format!("/api/keys/{their_key}"), Value::Null),
            ("POST", format!("/api/keys/{their_key}/rotate"), json!({})),
            ("PUT", "/api/roles/secret-role".to_owned(), json!({"permissions": ["*"]})),
            ("DELETE", "/api/roles/secret-role".to_owned(), Value::Null),
            ("DELETE", format!("/api/grants/{grant}"), Value::Null),
            ("POST", "/api/grants".to_owned(), json!({"subject": team, "role": "org:viewer"})),
            ("POST", "/api/keys".to_owned(), json!({"name": "x", "owner": theirs.viewer.id})),
            (
                "POST",
                "/api/access/check".to_owned(),
                json!({"permission": "users:read", "subject": theirs.viewer.id}),
            ),
        ] {
            let (status, problem) = house.ask(key, method, &path, body).await;
            assert_eq!(status, 404, "{method} {path} {problem}");
        }
        for path in [
            "/api/members",
            "/api/teams",
            "/api/services",
            "/api/roles",
            "/api/grants",
            "/api/keys?owner=*",
            "/api/org",
            "/api/org/settings",
            "/api/members?q=theirs",
        ] {
            let (status, list) = house.get(key, path).await;
            let list = list.to_string();
            assert_eq!(status, 200, "{path}");
            for foreign in [
                theirs.id.as_str(),
                &theirs.viewer.id,
                team,
                service,
                grant,
                their_key,
                "secret-role",
                "theirs",
            ] {
                assert!(!list.contains(foreign), "{path} shows {foreign}");
            }
        }
        // The secret of one org does not open another, whatever name is put on it.
        let secret = theirs.owner.key.split('_').nth(3).expect("the secret");
        let forged = format!("pk_eu_{}_{secret}", ours.id.ulid());
        let forged = format!("{forged}_{}", crate::keys::check(&forged));
        assert_eq!(house.get(&forged, "/api/session").await.0, 401);
    }
}
