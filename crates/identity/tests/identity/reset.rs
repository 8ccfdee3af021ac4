//! Password links, and sessions of others.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{House, Org, PASSWORD, Somebody};

const NEW: &str = "staple battery horse";

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn link(house: &House, key: &str, of: &Somebody) -> (u16, Value) {
    let path = format!("/api/members/{}/password-link", of.id);
    house.ask(key, "POST", &path, Value::Null).await
}

async fn reset(house: &House, token: &str, password: &str) -> (u16, Value) {
    let body = json!({"token": token, "password": password});
    let (status, _, answer) = house.send("POST", "/api/password/reset", &[], body).await;
    (status, answer)
}

async fn sign_in(house: &House, org: &Org, password: &str) -> (u16, String) {
    let body = json!({"org": "acme", "email": org.member.email, "password": password});
    let (status, headers, _) = house.send("POST", "/api/session", &[], body).await;
    let cookie = headers.get("set-cookie").map(|cookie| cookie.to_str().expect("text"));
    (status, cookie.unwrap_or_default().split(';').next().expect("a pair").to_owned())
}

#[tokio::test]
async fn a_password_link_sets_a_new_password_once_and_ends_all_sessions() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, session) = sign_in(&house, &org, PASSWORD).await;
        let (status, first) = link(&house, &org.admin.key, &org.member).await;
        assert_eq!((status, text(&first["expires_at"])), (201, "2026-01-02T00:00:00Z"));
        let (_, second) = link(&house, &org.admin.key, &org.member).await;
        let (status, problem) = reset(&house, text(&first["token"]), NEW).await;
        assert_eq!((status, text(&problem["code"])), (410, "invalid_password_link"), "voided");
        let token = text(&second["token"]);
        assert_eq!(reset(&house, token, "too short").await.0, 422);
        assert_eq!(reset(&house, &token.replace("pw_eu", "pw_us"), NEW).await.0, 421);
        let other = if token.ends_with('x') { 'y' } else { 'x' };
        let mistyped = format!("{}{other}", &token[..token.len() - 1]);
        for wrong in [mistyped.as_str(), "pw_eu_x", ""] {
            assert_eq!(reset(&house, wrong, NEW).await.0, 410, "{wrong}");
        }
        assert_eq!(sign_in(&house, &org, PASSWORD).await.0, 201, "nothing happened yet");
        let (status, member) = reset(&house, token, NEW).await;
        assert_eq!((status, text(&member["id"])), (200, org.member.id.as_str()), "{member}");
        assert_eq!(reset(&house, token, NEW).await.0, 410, "once");

        let with = [("cookie", session.as_str())];
        assert_eq!(house.send("GET", "/api/session", &with, Value::Null).await.0, 401);
        assert_eq!(sign_in(&house, &org, PASSWORD).await.0, 401);
        assert_eq!(sign_in(&house, &org, NEW).await.0, 201);
        let events = house.events(&org, "identity.password.reset").await;
        assert_eq!((events.len(), text(&events[0]["userId"])), (1, org.member.id.as_str()));
        let made = house.events(&org, "identity.password.link_made").await;
        assert_eq!((made.len(), text(&made[0]["userId"])), (2, org.admin.id.as_str()));
        assert!(!json!(made).to_string().contains("pw_"), "the link is in no record");

        let (_, late) = link(&house, &org.admin.key, &org.member).await;
        house.clock.advance(SignedDuration::from_hours(24));
        assert_eq!(reset(&house, text(&late["token"]), NEW).await.0, 410, "too late");
    }
}

#[tokio::test]
async fn a_password_link_is_made_only_by_those_who_may_as_much() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (status, problem) = link(&house, &org.admin.key, &org.owner).await;
        assert_eq!((status, text(&problem["code"])), (403, "escalation"));
        assert_eq!(link(&house, &org.member.key, &org.viewer).await.0, 403);
        assert_eq!(link(&house, &org.admin.key, &org.admin).await.0, 409, "not for oneself");
        // What came by a grant counts like what came by the role.
        let grant = json!({"subject": org.viewer.id, "role": "org:owner"});
        let (_, grant) = house.ask(&org.owner.key, "POST", "/api/grants", grant).await;
        assert_eq!(link(&house, &org.admin.key, &org.viewer).await.0, 403);
        let path = format!("/api/grants/{}", text(&grant["id"]));
        assert_eq!(house.ask(&org.owner.key, "DELETE", &path, Value::Null).await.0, 204);

        // Whoever got more since is not in the hands of who made the link before.
        let (_, made) = link(&house, &org.admin.key, &org.viewer).await;
        let path = format!("/api/members/{}", org.viewer.id);
        let change = async |body: Value| house.ask(&org.owner.key, "PATCH", &path, body).await.0;
        assert_eq!(change(json!({"role": "org:owner"})).await, 200);
        assert_eq!(reset(&house, text(&made["token"]), NEW).await.0, 410);
        assert_eq!(change(json!({"role": "org:viewer"})).await, 200);
        assert_eq!(reset(&house, text(&made["token"]), NEW).await.0, 200);

        let (_, made) = link(&house, &org.admin.key, &org.viewer).await;
        assert_eq!(change(json!({"state": "suspended"})).await, 200);
        assert_eq!(reset(&house, text(&made["token"]), NEW).await.0, 410);
        assert_eq!(link(&house, &org.admin.key, &org.viewer).await.0, 409);
        assert_eq!(change(json!({"state": "active"})).await, 200);
        assert_eq!(reset(&house, text(&made["token"]), NEW).await.0, 410, "for good");
        let body = json!({"email": "new@acme.example", "role": "org:viewer"});
        let (_, invited) = house.ask(&org.admin.key, "POST", "/api/members", body).await;
        let path = format!("/api/members/{}/password-link", text(&invited["member"]["id"]));
        assert_eq!(house.ask(&org.admin.key, "POST", &path, Value::Null).await.0, 409);
        assert_eq!(
            house
                .ask(
                    &org.owner.key,
                    "DELETE",
                    &format!("/api/members/{}", org.viewer.id),
                    Value::Null
                )
                .await
                .0,
            204
        );
        assert_eq!(link(&house, &org.owner.key, &org.viewer).await.0, 404);
        let body = json!({"name": "bound", "models": ["m"], "roles": ["org:admin"]});
        let (_, bound) = house.ask(&org.admin.key, "POST", "/api/keys", body).await;
        let (status, problem) = link(&house, text(&bound["secret"]), &org.member).await;
        assert_eq!((status, text(&problem["code"])), (403, "narrow_key"), "{problem}");
    }
}

#[tokio::test]
async fn a_link_is_used_from_where_the_org_is_used_and_not_tried_without_end() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, made) = link(&house, &org.admin.key, &org.member).await;
        let patch = identity::SettingsPatch {
            console_addresses: identity::Given::Set(vec!["192.0.2.0/24".to_owned()]),
            ..Default::default()
        };
        house.identity.change_settings(&org.operator, &patch).await.expect("set");
        let body = json!({"token": made["token"], "password": NEW});
        let from = async |ip: &str, body: &Value| {
            house.send("POST", "/api/password/reset", &[("x-test-ip", ip)], body.clone()).await
        };
        let (status, _, problem) = from("198.51.100.9", &body).await;
        assert_eq!((status, text(&problem["code"])), (403, "address_not_allowed"));
        assert_eq!(house.events(&org, "identity.link.refused").await.len(), 1);
        let wrong = json!({"token": "pw_eu_x", "password": NEW});
        for _ in 0..9 {
            assert_eq!(from("198.51.100.9", &wrong).await.0, 410);
        }
        assert_eq!(from("198.51.100.9", &wrong).await.0, 429, "ten a minute from one place");
        assert_eq!(from("192.0.2.7", &body).await.0, 200);
    }
}

#[tokio::test]
async fn an_administrator_sees_and_ends_the_sessions_of_a_member() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, session) = sign_in(&house, &org, PASSWORD).await;
        let path = format!("/api/members/{}/sessions", org.member.id);
        let (status, list) = house.get(&org.admin.key, &path).await;
        assert_eq!((status, list["items"].as_array().expect("a list").len()), (200, 1));
        assert_eq!(list["items"][0]["current"], false);
        for method in ["GET", "DELETE"] {
            let (status, _) = house.ask(&org.member.key, method, &path, Value::Null).await;
            assert_eq!(status, 403, "one's own are at /api/sessions");
        }
        assert_eq!(house.ask(&org.admin.key, "DELETE", &path, Value::Null).await.0, 204);
        let with = [("cookie", session.as_str())];
        assert_eq!(house.send("GET", "/api/session", &with, Value::Null).await.0, 401);
        let events = house.events(&org, "identity.member.signed_out").await;
        assert_eq!(events[0]["changes"]["sessions"]["ended"], 1);
        let owner = format!("/api/members/{}/sessions", org.owner.id);
        let (status, problem) = house.ask(&org.admin.key, "DELETE", &owner, Value::Null).await;
        assert_eq!((status, text(&problem["code"])), (403, "escalation"));
        let nobody = format!("/api/members/mem_{}/sessions", org.id.ulid());
        assert_eq!(house.get(&org.admin.key, &nobody).await.0, 404);
    }
}

#[tokio::test]
async fn a_member_ends_all_sessions_but_this_one() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, here) = sign_in(&house, &org, PASSWORD).await;
        let (_, elsewhere) = sign_in(&house, &org, PASSWORD).await;
        let ask = async |method: &str, path: &str, cookie: &str| {
            let with = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
            house.send(method, path, &with, Value::Null).await.0
        };
        assert_eq!(ask("DELETE", "/api/sessions", &here).await, 204);
        assert_eq!(ask("GET", "/api/session", &here).await, 200);
        assert_eq!(ask("GET", "/api/session", &elsewhere).await, 401);
        let events = house.events(&org, "identity.session.others_ended").await;
        assert_eq!(events[0]["changes"]["sessions"]["ended"], 1);
    }
}
