//! Who is let in, and as whom.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{Answer, Connected, House, Org};
use crate::idp::{Idp, Says};
use crate::outside::connects;
use crate::signing_in::signs_in;

const IDP: &str = "https://idp.example/metadata";

async fn tries(house: &House, connected: &Connected, idp: &Idp, email: &str) -> (Answer, Browser) {
    let mut browser = Browser::default();
    let end = signs_in(house, &mut browser, (connected, idp), |says| says, email).await;
    (end, browser)
}

async fn set_state(house: &House, org: &Org, id: &str, state: &str) {
    let path = format!("/api/members/{id}");
    let body = json!({ "state": state });
    let answer = house.ask(&org.owner.key, "PATCH", &path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn whoever_was_suspended_or_removed_does_not_come_back() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let (end, mut browser) = tries(&house, &connected, &idp, "ada@acme.example").await;
        assert_eq!(end.status, 303, "{}", end.text);
        let id = house.member(&org, "ada@acme.example").await.expect("a member");
        let id = id["id"].as_str().expect("an id").to_owned();
        set_state(&house, &org, &id, "suspended").await;
        assert_eq!(browser.get(&house, "/api/session").await.status, 401, "the session has ended");
        let (end, browser) = tries(&house, &connected, &idp, "ada@acme.example").await;
        assert_eq!((end.status, browser.has_session()), (403, false));
        assert_eq!(house.last_refusal(&org).await, "member_not_active");
        set_state(&house, &org, &id, "active").await;
        assert_eq!(tries(&house, &connected, &idp, "ada@acme.example").await.0.status, 303);
        let path = format!("/api/members/{id}");
        let gone = house.ask(&org.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
        // Neither as they were, nor with another address or by another name of the provider.
        for (name, email) in [
            ("name-of-ada@acme.example", "ada@acme.example"),
            ("name-of-ada@acme.example", "countess@acme.example"),
            ("another", "ada@acme.example"),
        ] {
            let mut browser = Browser::default();
            let named = |says: Says| Says { name_id: name.to_owned(), ..says };
            let end = signs_in(&house, &mut browser, (&connected, &idp), named, email).await;
            assert_eq!((end.status, browser.has_session()), (403, false), "{name} {email}");
            assert_eq!(house.last_refusal(&org).await, "member_removed", "{name} {email}");
            assert!(house.member(&org, email).await.is_none(), "{name} {email}");
        }
    }
}

#[tokio::test]
async fn whoever_was_removed_and_invited_again_comes_in_through_the_provider_as_before() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let (connected, ada) = (house.connected(&org, &idp).await, "ada@acme.example");
        let mut ids = Vec::new();
        let mut removed = async || {
            let member = house.member(&org, ada).await.expect("a member");
            let id = member["id"].as_str().expect("an id").to_owned();
            let path = format!("/api/members/{id}");
            let gone = house.ask(&org.owner.key, "DELETE", &path, Value::Null).await;
            assert_eq!(gone.status, 204, "{}", gone.text);
            assert!(!ids.contains(&id), "somebody else");
            ids.push(id);
        };
        assert_eq!(tries(&house, &connected, &idp, ada).await.0.status, 303);
        removed().await;
        let invited = json!({ "email": ada, "role": "org:viewer" });
        let invited = house.post(&org.owner.key, "/api/members", invited).await;
        assert_eq!(invited.status, 201, "{}", invited.text);
        for _ in 0..2 {
            let (end, browser) = tries(&house, &connected, &idp, ada).await;
            assert_eq!((end.status, browser.has_session()), (303, true), "{}", end.text);
        }
        removed().await;
        // Where an address is not enough, they connect themselves.
        let again = house.somebody(&org.operator, ada, "org:member").await;
        let off = json!({ "policy": { "link_by_email": false } });
        assert_eq!(house.patch(&org.owner.key, &connected, off).await.status, 200);
        assert_eq!(tries(&house, &connected, &idp, ada).await.0.status, 403);
        assert_eq!(house.last_refusal(&org).await, "not_connected");
        let session = house.session(&org, &again.id).await;
        let end = connects(&house, &session, (&connected, &idp), ada).await;
        assert_eq!(end.location(), "/me/providers", "{}", house.last_refusal(&org).await);
        assert_eq!(tries(&house, &connected, &idp, ada).await.0.status, 303);
    }
}

#[tokio::test]
async fn an_owner_is_not_recognised_by_an_address_and_connects_while_signed_in() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let (end, browser) = tries(&house, &connected, &idp, &org.owner.email).await;
        assert_eq!((end.status, browser.has_session()), (403, false));
        assert_eq!(house.last_refusal(&org).await, "owner_must_connect");
        // An admin is, once; whoever has the address later is not they.
        assert_eq!(tries(&house, &connected, &idp, &org.admin.email).await.0.status, 303);
        let mut browser = Browser::default();
        let later = |says: Says| Says { name_id: "somebody-else".to_owned(), ..says };
        let on = (&connected, &idp);
        let end = signs_in(&house, &mut browser, on, later, &org.admin.email).await;
        assert_eq!(end.status, 403);
        assert_eq!(house.last_refusal(&org).await, "connected_otherwise");
        // And with the switch off nobody is.
        let off = json!({ "policy": { "link_by_email": false } });
        assert_eq!(house.patch(&org.owner.key, &connected, off).await.status, 200);
        let eve = house.somebody(&org.operator, "eve@acme.example", "org:member").await;
        assert_eq!(tries(&house, &connected, &idp, &eve.email).await.0.status, 403);
        assert_eq!(house.last_refusal(&org).await, "not_connected");
    }
}

#[tokio::test]
async fn nobody_new_is_let_in_where_the_connection_makes_no_members() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let off = json!({ "policy": { "jit": false } });
        assert_eq!(house.patch(&org.owner.key, &connected, off).await.status, 200);
        assert_eq!(tries(&house, &connected, &idp, "new@acme.example").await.0.status, 403);
        assert_eq!(house.last_refusal(&org).await, "no_such_member");
        let eve = house.somebody(&org.operator, "eve@acme.example", "org:viewer").await;
        assert_eq!(tries(&house, &connected, &idp, &eve.email).await.0.status, 303);
        let eve = house.member(&org, &eve.email).await.expect("a member");
        assert_eq!(eve["role"], "org:viewer", "nothing follows the provider");
    }
}

#[tokio::test]
async fn nobody_promises_a_role_that_they_could_not_give() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.made(&org, &idp).await;
        let auditor = json!({ "name": "auditor", "permissions": ["events:read"] });
        let made = house.ask(&org.owner.key, "POST", "/api/roles", auditor).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let team = house.team(&org, "Auditors").await;
        let grant = json!({ "subject": team, "role": "auditor" });
        let given = house.ask(&org.owner.key, "POST", "/api/grants", grant).await;
        assert_eq!(given.status, 201, "{}", given.text);
        let role = |role: &str| json!({ "mapping": { "role": role } });
        let teams = json!({ "mapping": { "role": "org:member",
            "rules": [{ "group": "g", "teams": [team] }] } });
        for (who, body, status) in [
            (&org.owner, role("org:owner"), 422),
            (&org.owner, role("nonsense"), 422),
            (&org.admin, role("auditor"), 403),
            (&org.admin, teams.clone(), 403),
            (&org.admin, role("org:admin"), 200),
            (&org.owner, role("auditor"), 200),
            (&org.owner, teams, 200),
        ] {
            let answer = house.patch(&who.key, &connected, body.clone()).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text);
        }
    }
}
