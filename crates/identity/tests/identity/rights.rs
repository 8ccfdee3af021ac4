//! Custom roles, grants, and why somebody may or may not.

use access::{Origin, Permission, Thing};
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::house::House;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn a_role_of_ones_own_permits_what_it_says_and_changes_at_once() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = &org.admin.key;
        let body = json!({"name": "auditor", "permissions": ["users:read"]});
        assert_eq!(house.ask(admin, "POST", "/api/roles", body.clone()).await.0, 201);
        assert_eq!(house.ask(admin, "POST", "/api/roles", body).await.0, 409);
        let member = format!("/api/members/{}", org.viewer.id);
        assert_eq!(house.ask(admin, "PATCH", &member, json!({"role": "auditor"})).await.0, 200);
        assert_eq!(house.get(&org.viewer.key, "/api/members").await.0, 200);
        assert_eq!(house.get(&org.viewer.key, "/api/org").await.0, 403);
        let body = json!({"permissions": ["settings:read"]});
        assert_eq!(house.ask(admin, "PUT", "/api/roles/auditor", body).await.0, 200);
        assert_eq!(house.get(&org.viewer.key, "/api/members").await.0, 403);
        assert_eq!(house.get(&org.viewer.key, "/api/org").await.0, 200);
        let (status, problem) = house.ask(admin, "DELETE", "/api/roles/auditor", Value::Null).await;
        assert_eq!((status, text(&problem["code"])), (409, "role_in_use"));
        assert_eq!(house.ask(admin, "PATCH", &member, json!({"role": "org:viewer"})).await.0, 200);
        assert_eq!(house.ask(admin, "DELETE", "/api/roles/auditor", Value::Null).await.0, 204);
        assert_eq!(house.ask(admin, "DELETE", "/api/roles/org:viewer", Value::Null).await.0, 404);
        let (_, roles) = house.get(admin, "/api/roles").await;
        assert_eq!(roles["items"].as_array().expect("a list").len(), 4);
        assert_eq!(
            roles["items"][1]["permissions"],
            json!(["users:*", "patterns:*", "settings:*"])
        );
        assert_eq!(house.events(&org, "identity.role.changed").await.len(), 1);
    }
}

#[tokio::test]
async fn a_role_can_be_given_on_one_pattern_alone() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let one = json!({"kind": "pattern", "id": "pat_1"});
        let body = json!({"subject": org.viewer.id, "role": "org:admin", "resource": one});
        let (status, grant) = house.ask(&org.admin.key, "POST", "/api/grants", body.clone()).await;
        assert_eq!(status, 201, "{grant}");
        assert_eq!(house.ask(&org.admin.key, "POST", "/api/grants", body).await.0, 409);
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", org.viewer.key.parse().expect("a header"));
        let identify = async || {
            let caller = house.identity.identify(&Method::GET, &headers, Origin::default()).await;
            caller.expect("known")
        };
        let on = |id: &'static str| Thing::new("pattern", id);
        let caller = identify().await;
        assert!(caller.require_on(Permission::PatternsPublish, on("pat_1")).is_ok());
        assert!(caller.require_on(Permission::PatternsPublish, on("pat_2")).is_err());
        assert!(caller.require(Permission::PatternsPublish).is_err());
        let path = format!("/api/grants/{}", text(&grant["id"]));
        assert_eq!(house.ask(&org.admin.key, "DELETE", &path, Value::Null).await.0, 204);
        let caller = identify().await;
        assert!(caller.require_on(Permission::PatternsPublish, on("pat_1")).is_err());
    }
}

#[tokio::test]
async fn a_grant_to_a_key_reaches_no_other_key() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, made) = house.ask(&org.viewer.key, "POST", "/api/keys", json!({"name": "b"})).await;
        let grant = json!({"subject": made["id"], "role": "org:member"});
        assert_eq!(house.ask(&org.admin.key, "POST", "/api/grants", grant).await.0, 201);
        let permissions =
            async |key: &str| house.get(key, "/api/session").await.1["permissions"].to_string();
        assert!(permissions(text(&made["secret"])).await.contains("models:invoke"));
        assert!(!permissions(&org.viewer.key).await.contains("models:invoke"));
        // Rotated, it keeps what it was given.
        let rotate = format!("/api/keys/{}/rotate", text(&made["id"]));
        let (_, next) = house.ask(&org.viewer.key, "POST", &rotate, json!({})).await;
        assert!(permissions(text(&next["secret"])).await.contains("models:invoke"));
    }
}

#[tokio::test]
async fn asking_why_explains_without_acting() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let ask =
            async |key: &str, body: Value| house.ask(key, "POST", "/api/access/check", body).await;
        let (status, why) = ask(&org.viewer.key, json!({"permission": "models:invoke"})).await;
        assert_eq!((status, &why["allowed"]), (200, &json!(false)));
        assert_eq!(text(&why["missing"]), "no role of the caller includes `models:invoke`");
        assert_eq!(why["roles"], json!(["org:viewer by member"]));
        let about = json!({"permission": "patterns:read", "subject": org.member.id});
        assert_eq!(ask(&org.viewer.key, about.clone()).await.0, 403);
        let (status, why) = ask(&org.admin.key, about).await;
        assert_eq!((status, text(&why["granted_by"])), (200, "org:member by member"));
        assert!(why["policy_version"].as_u64().expect("a version") > 1);
        // A list of models is part of the answer, as it is at the door.
        let narrow = json!({"name": "small", "models": ["small"]});
        let (_, key) = house.ask(&org.member.key, "POST", "/api/keys", narrow).await;
        let (id, secret) = (&key["id"], text(&key["secret"]));
        for (model, allowed) in [("small", true), ("large", false)] {
            let on = json!({"kind": "model", "id": model});
            let own = json!({"permission": "models:invoke", "resource": on});
            let about = json!({"permission": "models:invoke", "resource": on, "subject": id});
            for (key, question) in [(secret, own), (org.admin.key.as_str(), about)] {
                let (_, why) = ask(key, question).await;
                assert_eq!(why["allowed"], allowed, "{why}");
                let missing = "the key's own models do not include `large`";
                assert!(allowed || text(&why["missing"]) == missing, "{why}");
            }
        }
        let path = format!("/api/keys/{}", text(id));
        assert_eq!(house.ask(&org.member.key, "DELETE", &path, Value::Null).await.0, 204);
        let about = json!({"permission": "models:invoke", "subject": id});
        let (_, why) = ask(&org.admin.key, about).await;
        assert_eq!(text(&why["missing"]), "the key is revoked");
        let nobody =
            json!({"permission": "patterns:read", "subject": "mem_01KDVD8PR0M4TBPEWS8N4QDTEK"});
        assert_eq!(ask(&org.admin.key, nobody).await.0, 404);
    }
}
