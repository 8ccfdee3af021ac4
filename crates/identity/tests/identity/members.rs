//! Members, invitations and teams.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{House, PASSWORD};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn the_last_owner_stays() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let path = format!("/api/members/{}", org.owner.id);
        // Even the operator cannot leave an org without an owner.
        let id = org.owner.id.parse().expect("an id");
        for (role, state) in
            [(Some("org:admin"), None), (None, Some(identity::MemberState::Suspended))]
        {
            let change = identity::MemberPatch { name: None, role: role.map(Into::into), state };
            let refused = house.identity.change_member(&org.operator, &id, &change).await;
            assert!(matches!(refused, Err(identity::Error::LastOwner)), "{refused:?}");
        }
        let (status, problem) = house.ask(&org.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!((status, text(&problem["code"])), (409, "last_owner"));

        let promote = json!({"role": "org:owner"});
        let admin = format!("/api/members/{}", org.admin.id);
        assert_eq!(house.ask(&org.owner.key, "PATCH", &admin, promote).await.0, 200);
        assert_eq!(house.ask(&org.admin.key, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(house.get(&org.owner.key, "/api/session").await.0, 401);
        assert_eq!(house.get(&org.admin.key, &path).await.0, 404);
    }
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = &org.admin.key;
        let member = format!("/api/members/{}", org.member.id);
        let owner = format!("/api/members/{}", org.owner.id);
        let service = async |name: &str, role: &str| {
            let body = json!({"name": name, "role": role});
            let (_, service) = house.ask(&org.owner.key, "POST", "/api/services", body).await;
            format!("/api/services/{}", text(&service["id"]))
        };
        let (boss, own) = (service("boss", "org:owner").await, service("s", "org:admin").await);
        for (method, path, body) in [
            ("PATCH", member.as_str(), json!({"role": "org:owner"})),
            ("PATCH", owner.as_str(), json!({"role": "org:viewer"})),
            ("PATCH", owner.as_str(), json!({"state": "suspended"})),
            ("DELETE", owner.as_str(), Value::Null),
            ("POST", "/api/members", json!({"email": "x@acme.example", "role": "org:owner"})),
            ("POST", "/api/services", json!({"name": "x", "role": "org:owner"})),
            ("PATCH", boss.as_str(), json!({"role": "org:viewer"})),
            ("PATCH", own.as_str(), json!({"role": "org:owner"})),
            ("POST", "/api/roles", json!({"name": "spy", "permissions": ["events:read"]})),
            ("POST", "/api/grants", json!({"subject": org.admin.id, "role": "org:owner"})),
        ] {
            let (status, problem) = house.ask(admin, method, path, body.clone()).await;
            let expected =
                if path == owner && method == "DELETE" { "last_owner" } else { "escalation" };
            assert_eq!(text(&problem["code"]), expected, "{method} {path} {body} {problem}");
            assert!(status == 403 || expected == "last_owner");
        }
        let own = format!("/api/members/{}", org.admin.id);
        let (status, problem) =
            house.ask(admin, "PATCH", &own, json!({"role": "org:member"})).await;
        assert_eq!((status, text(&problem["code"])), (403, "own_role"));
        let (status, _) = house.ask(admin, "PATCH", &member, json!({"role": "org:admin"})).await;
        assert_eq!(status, 200, "what the admin has, the admin may give");
        let (status, problem) = house.ask(admin, "PATCH", &member, json!({"role": "boss"})).await;
        assert_eq!((status, text(&problem["param"])), (422, "role"));
    }
}

#[tokio::test]
async fn a_suspended_member_is_out_until_let_in_again() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let path = format!("/api/members/{}", org.member.id);
        let set = async |state: &str| {
            house.ask(&org.admin.key, "PATCH", &path, json!({"state": state})).await.0
        };
        assert_eq!(set("suspended").await, 200);
        let (status, problem) = house.get(&org.member.key, "/api/session").await;
        assert_eq!((status, text(&problem["code"])), (401, "suspended"));
        assert_eq!(set("removed").await, 422);
        assert_eq!(set("active").await, 200);
        assert_eq!(house.get(&org.member.key, "/api/session").await.0, 200);
        let events = house.events(&org, "identity.member.changed").await;
        assert_eq!(events[0]["changes"]["state"], json!({"from": "suspended", "to": "active"}));
        assert_eq!(events[0]["userId"], org.admin.id.as_str());
    }
}

#[tokio::test]
async fn an_invitation_lets_one_person_in_once() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let invite = json!({"email": "Grace@ACME.example", "role": "org:member"});
        let (status, invited) =
            house.ask(&org.admin.key, "POST", "/api/members", invite.clone()).await;
        assert_eq!((status, text(&invited["member"]["state"])), (201, "invited"), "{invited}");
        assert_eq!(house.ask(&org.admin.key, "POST", "/api/members", invite).await.0, 409);
        let accept = async |token: &str, password: &str| {
            let body = json!({"token": token, "name": "Grace", "password": password});
            house.send("POST", "/api/invitations/accept", &[], body).await
        };
        let token = text(&invited["token"]);
        let (status, _, problem) = accept(token, "short").await;
        assert_eq!((status, text(&problem["param"])), (422, "password"));
        let (status, _, member) = accept(token, PASSWORD).await;
        assert_eq!((status, text(&member["state"])), (201, "active"), "{member}");
        assert_eq!(text(&member["email"]), "grace@acme.example");
        assert_eq!(accept(token, PASSWORD).await.0, 410, "once");
        assert_eq!(accept(&token.replace("pi_eu", "pi_us"), PASSWORD).await.0, 421);
        assert_eq!(accept("pi_eu_x", PASSWORD).await.0, 410);
        let body = json!({"org": "acme", "email": "grace@acme.example", "password": PASSWORD});
        assert_eq!(house.send("POST", "/api/session", &[], body).await.0, 201);

        let late = json!({"email": "late@acme.example", "role": "org:member"});
        let (_, invited) = house.ask(&org.admin.key, "POST", "/api/members", late).await;
        house.clock.advance(SignedDuration::from_hours(7 * 24));
        assert_eq!(accept(text(&invited["token"]), PASSWORD).await.0, 410, "too late");
    }
}

#[tokio::test]
async fn what_a_team_was_given_its_members_have() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = &org.admin.key;
        let (status, team) =
            house.ask(admin, "POST", "/api/teams", json!({"name": "Support"})).await;
        assert_eq!(status, 201);
        assert_eq!(house.ask(admin, "POST", "/api/teams", json!({"name": "Support"})).await.0, 409);
        let grant = json!({"subject": team["id"], "role": "org:admin"});
        assert_eq!(house.ask(admin, "POST", "/api/grants", grant).await.0, 201);
        let seat = format!("/api/teams/{}/members/{}", text(&team["id"]), org.viewer.id);
        assert_eq!(house.get(&org.viewer.key, "/api/members").await.0, 403);
        assert_eq!(house.ask(admin, "PUT", &seat, Value::Null).await.0, 204);
        assert_eq!(house.get(&org.viewer.key, "/api/members").await.0, 200);
        let (_, who) = house.get(&org.viewer.key, "/api/session").await;
        assert_eq!(who["teams"], json!([team["id"]]));
        let (_, teams) = house.get(admin, "/api/teams").await;
        assert_eq!(teams["items"][0]["members"], json!([org.viewer.id]));
        assert_eq!(house.ask(admin, "DELETE", &seat, Value::Null).await.0, 204);
        assert_eq!(house.get(&org.viewer.key, "/api/members").await.0, 403);
        let path = format!("/api/teams/{}", text(&team["id"]));
        let rename = json!({"name": "Helpdesk"});
        assert_eq!(house.ask(admin, "PATCH", &path, rename).await.1["name"], "Helpdesk");
        assert_eq!(house.ask(admin, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(house.ask(admin, "DELETE", &path, Value::Null).await.0, 404);
    }
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = &org.admin.key;
        for (path, body, status, param) in [
            ("/api/members", json!({"email": "nope", "role": "org:member"}), 422, "email"),
            ("/api/members", json!({"email": "a@b.c", "rol": "org:member"}), 422, "rol"),
            (
                "/api/roles",
                json!({"name": "org:boss", "permissions": ["patterns:read"]}),
                422,
                "name",
            ),
            (
                "/api/roles",
                json!({"name": "boss", "permissions": ["patterns:fly"]}),
                422,
                "permissions.0",
            ),
            ("/api/grants", json!({"subject": "x", "role": "org:viewer"}), 422, "subject"),
            ("/api/teams", json!({"name": " "}), 422, "name"),
            ("/api/access/check", json!({"permission": "users:fly"}), 422, "permission"),
        ] {
            let (got, problem) = house.ask(admin, "POST", path, body).await;
            assert_eq!((got, text(&problem["param"])), (status, param), "{path} {problem}");
        }
        // A character that no database keeps in a text is a wrong field like any other.
        let body = json!({"org": "acme", "email": "a\u{0}@b.c", "password": PASSWORD});
        let (status, _, problem) = house.send("POST", "/api/session", &[], body).await;
        assert_eq!((status, text(&problem["param"])), (422, "email"));
        let (status, problem) = house.get(admin, "/api/members?after=%00").await;
        assert_eq!((status, text(&problem["param"])), (400, "after"));
        assert_eq!(house.get(admin, "/api/members/%00").await.0, 404);
        let (status, problem) = house.get(admin, "/api/members?limit=0").await;
        assert_eq!((status, text(&problem["param"])), (400, "limit"));
    }
}

#[tokio::test]
async fn a_service_account_gets_another_name_and_role_and_its_keys_follow() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = &org.admin.key;
        let made = async |name: &str| {
            let body = json!({"name": name, "role": "org:member"});
            house.ask(admin, "POST", "/api/services", body).await.1
        };
        let (service, other) = (made("nightly").await, made("weekly").await);
        let path = format!("/api/services/{}", text(&service["id"]));
        let body = json!({"name": "ci", "owner": service["id"]});
        let (_, key) = house.ask(admin, "POST", "/api/keys", body).await;
        let key = text(&key["secret"]);
        let change = json!({"name": "Nightly report", "role": "org:admin"});
        let (status, changed) = house.ask(admin, "PATCH", &path, change).await;
        assert_eq!((status, text(&changed["name"])), (200, "Nightly report"));
        assert_eq!(house.get(key, "/api/members").await.0, 200, "at once");

        let events = house.events(&org, "identity.service.changed").await;
        let role = json!({"from": "org:member", "to": "org:admin"});
        assert_eq!(events[0]["changes"]["role"], role);
        let own = json!({"role": "org:viewer"});
        let (status, problem) = house.ask(key, "PATCH", &path, own).await;
        assert_eq!((status, text(&problem["code"])), (403, "own_role"));
        let taken = json!({"name": other["name"]});
        assert_eq!(house.ask(admin, "PATCH", &path, taken).await.0, 409);
        let nothing = json!({"role": "boss"});
        let (status, problem) = house.ask(admin, "PATCH", &path, nothing).await;
        assert_eq!((status, text(&problem["param"])), (422, "role"));
        let (_, list) = house.get(admin, "/api/services").await;
        assert!(list.to_string().contains("Nightly report"), "{list}");
    }
}

#[tokio::test]
async fn members_change_their_own_name_and_nothing_else_of_themselves() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let ask = async |body: Value| house.ask(&org.viewer.key, "PATCH", "/api/me", body).await;
        let (status, me) = ask(json!({"name": " Vera Vogel "})).await;
        assert_eq!(
            (status, text(&me["name"]), text(&me["id"])),
            (200, "Vera Vogel", &*org.viewer.id)
        );
        assert_eq!(ask(json!({"name": "V", "role": "org:owner"})).await.0, 422);
        assert_eq!(ask(json!({"name": " "})).await.0, 422);
        let (_, who) = house.get(&org.viewer.key, "/api/session").await;
        assert_eq!(who["member"]["name"], "Vera Vogel");
        assert_eq!(who["member"]["role"], "org:viewer");
        let events = house.events(&org, "identity.member.renamed").await;
        assert_eq!(events.len(), 1);
        assert!(!json!(events).to_string().contains("Vera"), "names are not kept in the record");

        let body = json!({"name": "pipeline", "role": "org:member"});
        let (_, service) = house.ask(&org.admin.key, "POST", "/api/services", body).await;
        let body = json!({"name": "ci", "owner": service["id"]});
        let (_, key) = house.ask(&org.admin.key, "POST", "/api/keys", body).await;
        let rename = json!({"name": "x"});
        let (status, problem) = house.ask(text(&key["secret"]), "PATCH", "/api/me", rename).await;
        assert_eq!((status, text(&problem["code"])), (403, "not_a_member"));
    }
}
