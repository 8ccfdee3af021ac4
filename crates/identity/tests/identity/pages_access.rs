//! Pages of roles, and of why somebody may or may not.

use access::{Permission, Role};
use serde_json::{Value, json};

use crate::browser::{Browser, Seen};
use crate::house::House;

/// What the matrix says of a permission, column by column.
fn row(seen: &Seen, permission: Permission) -> Vec<bool> {
    let row = seen.between(&format!(r#"<code class="id">{permission}</code></th>"#), "</tr>");
    let cells = row.split("<td>").skip(1);
    cells.map(|cell| !cell.contains(">may not<")).collect()
}

#[tokio::test]
async fn the_matrix_says_what_the_policy_says() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "auditor", "permissions": ["users:*", "patterns:read"]});
        assert_eq!(house.ask(&org.owner.key, "POST", "/api/roles", body).await.0, 201);
        let seen = Browser::of(&house, &org.admin).get("/roles").await;
        for permission in Permission::ALL {
            let policy =
                Role::ALL.map(|role| role.permissions().is_ok_and(|set| set.has(*permission)));
            let cells = row(&seen, *permission);
            assert_eq!(cells[..4], policy, "{permission}");
            let name = permission.as_str();
            let custom =
                name.starts_with("users:") || name == "patterns:read" || name == "patterns:run";
            assert_eq!(cells[4..], [custom], "{permission}");
        }
    }
}

#[tokio::test]
async fn a_role_is_defined_changed_and_deleted_on_pages() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        let form = [("name", "Not a name"), ("permissions", "patterns:publish")];
        let seen = browser.post("/roles", &form).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains(r#"value="Not a name""#));
        assert!(seen.text.contains(r#"value="patterns:publish" checked"#), "kept");
        let seen = browser.post("/roles", &[("name", "editor")]).await;
        assert_eq!(seen.status, 422, "nothing ticked");
        assert!(seen.text.contains("Permissions must have at least one entry"));
        let form = [
            ("name", "editor"),
            ("permissions", "patterns:*"),
            ("permissions", "patterns:read"),
            ("permissions", "users:read"),
        ];
        let seen = browser.post("/roles", &form).await;
        assert_eq!((seen.status, seen.location()), (303, "/roles/editor"), "{}", seen.text);
        let seen = browser.get("/roles/editor").await;
        assert!(seen.text.contains(r#"value="patterns:*" checked"#));
        assert!(!seen.text.contains(r#"value="patterns:read" checked"#), "said already");
        assert!(seen.text.contains(r#"value="events:read" disabled"#), "not theirs to give");
        let seen = browser.post("/roles/editor", &[("permissions", "patterns:read")]).await;
        assert_eq!(seen.status, 303, "{}", seen.text);
        assert_eq!(browser.post("/roles/editor", &[]).await.status, 422);
        let path = format!("/members/{}", org.viewer.id);
        let form = [("name", "viewer"), ("role", "editor")];
        assert_eq!(browser.post(&path, &form).await.status, 303);
        let seen = browser.post("/roles/editor/remove", &[]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("This role is still in use"));
        let form = [("name", "viewer"), ("role", "org:viewer")];
        assert_eq!(browser.post(&path, &form).await.status, 303);
        let seen = browser.post("/roles/editor/remove", &[]).await;
        assert_eq!((seen.status, seen.location()), (303, "/roles"));
        assert_eq!(browser.get("/roles/editor").await.status, 404);
    }
}

#[tokio::test]
async fn a_role_that_permits_more_than_ones_own_is_not_offered_for_change() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "auditor", "permissions": ["events:read"]});
        assert_eq!(house.ask(&org.owner.key, "POST", "/api/roles", body).await.0, 201);
        let mut admin = Browser::of(&house, &org.admin);
        let seen = admin.get("/roles/auditor").await;
        assert!(seen.text.contains("permits what you do not have yourself"));
        assert!(!seen.text.contains(r#"action="/roles/auditor?"#));
        let form = [("permissions", "patterns:read")];
        assert_eq!(admin.post("/roles/auditor", &form).await.status, 403);
    }
}

#[tokio::test]
async fn the_explainer_says_what_the_api_says() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let owner = &org.owner.key;
        let (_, team) = house.ask(owner, "POST", "/api/teams", json!({"name": "Support"})).await;
        let team = team["id"].as_str().expect("an id").to_owned();
        let join = format!("/api/teams/{team}/members/{}", org.viewer.id);
        assert_eq!(house.ask(owner, "PUT", &join, Value::Null).await.0, 204);
        let on = json!({"kind": "pattern", "id": "pat_1"});
        for body in [
            json!({"subject": team, "role": "org:member"}),
            json!({"subject": org.viewer.id, "role": "org:admin", "resource": on}),
        ] {
            assert_eq!(house.ask(owner, "POST", "/api/grants", body).await.0, 201);
        }
        let body = json!({"name": "narrow", "roles": ["org:viewer"]});
        let (_, key) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
        let key = key["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/members/{}", org.admin.id);
        let body = json!({"state": "suspended"});
        assert_eq!(house.ask(owner, "PATCH", &path, body).await.0, 200);
        let mut browser = Browser::of(&house, &org.owner);
        let why = format!("/access?subject={}&permission=users:read", org.admin.id);
        assert!(browser.get(&why).await.text.contains("Making the member active again"));
        let why = format!("/access?subject={key}&permission=patterns:create");
        assert!(browser.get(&why).await.text.contains("A key is never widened"));
        for subject in [&org.owner.id, &org.admin.id, &org.member.id, &org.viewer.id, &key] {
            for permission in Permission::ALL {
                for resource in [Value::Null, on.clone()] {
                    let mut body = json!({"subject": subject, "permission": permission.as_str()});
                    let mut path = format!("/access?subject={subject}&permission={permission}");
                    if resource.is_object() {
                        body["resource"] = resource;
                        path += "&resource.kind=pattern&resource.id=pat_1";
                    }
                    let (_, said) = house.ask(owner, "POST", "/api/access/check", body).await;
                    let seen = browser.get(&path).await;
                    let badge = seen.between(r#"<section class="card" id="verdict""#, "</section>");
                    let allowed = badge.contains(">allowed<");
                    assert_eq!(Value::from(allowed), said["allowed"], "{path}");
                    assert_ne!(allowed, badge.contains(">not allowed<"), "{path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_explanation_names_the_role_the_team_and_who_could_help() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let owner = &org.owner.key;
        let (_, team) = house.ask(owner, "POST", "/api/teams", json!({"name": "Support"})).await;
        let team = team["id"].as_str().expect("an id").to_owned();
        let join = format!("/api/teams/{team}/members/{}", org.viewer.id);
        assert_eq!(house.ask(owner, "PUT", &join, Value::Null).await.0, 204);
        let body = json!({"subject": team, "role": "org:member"});
        assert_eq!(house.ask(owner, "POST", "/api/grants", body).await.0, 201);
        let mut admin = Browser::of(&house, &org.admin);
        let why = |who: &str, what: &str| format!("/access?subject={who}&permission={what}");
        let seen = admin.get(&why(&org.viewer.id, "patterns:create")).await;
        assert!(seen.text.contains("viewer may teach patterns"), "{}", seen.text);
        let through = format!(r#"Member through team <a href="/teams/{team}">Support</a>"#);
        assert!(seen.text.contains(&through), "{}", seen.text);
        let of_team = admin.get(&why(&team, "patterns:create")).await;
        assert!(of_team.text.contains("Support may teach patterns"), "{}", of_team.text);
        let seen = admin.get(&why(&org.viewer.id, "patterns:publish")).await;
        assert!(seen.text.contains("viewer may not publish and retire patterns"));
        assert!(seen.text.contains("Roles that include it: Owner, Admin."), "{}", seen.text);
        assert!(seen.text.contains(&format!(r#"href="/grants?subject={}""#, org.viewer.id)));
        let seen = admin.get(&why(&org.viewer.id, "events:read")).await;
        assert!(seen.text.contains("Who can give it: owner."), "{}", seen.text);
        assert!(!seen.text.contains("Give viewer a role"), "it is not theirs to give");
        let seen = admin.get("/access?subject=nonsense&permission=users:read").await;
        assert_eq!(seen.status, 422);
        let seen = admin.get("/access?permission=nonsense").await;
        assert_eq!(seen.status, 422);
        let seen = admin.get("/access?permission=users:read&resource.kind=pattern").await;
        assert_eq!(seen.status, 422);
    }
}

#[tokio::test]
async fn who_sees_nobody_else_can_ask_about_themself() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut viewer = Browser::of(&house, &org.viewer);
        let seen = viewer.get("/access?permission=patterns:create").await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        assert!(seen.text.contains("You may not teach patterns"), "{}", seen.text);
        assert!(seen.text.contains("Who can give it: admin, owner."));
        assert!(!seen.text.contains(&org.member.id));
        let other = format!("/access?subject={}&permission=patterns:create", org.member.id);
        assert_eq!(viewer.get(&other).await.status, 403);
        let team = "/access?subject=team_01KAWRCQ0000000000000000AA&permission=patterns:create";
        assert_eq!(viewer.get(team).await.status, 403);
    }
}
