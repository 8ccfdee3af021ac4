//! What a link is worth: no more than when it was made, and no more than whoever made it may
//! at the moment when it is used.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{House, Org, PASSWORD};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn owner_does(house: &House, org: &Org, method: &str, path: &str, body: Value) {
    let (status, answer) = house.ask(&org.owner.key, method, path, body).await;
    assert!((200..300).contains(&status), "{method} {path}: {answer}");
}

/// An invitation that the administrator makes, and whom it is for.
async fn invitation(house: &House, org: &Org, name: &str, role: &str) -> (String, String) {
    let body = json!({"email": format!("{name}@acme.example"), "role": role});
    let (status, made) = house.ask(&org.admin.key, "POST", "/api/members", body).await;
    assert_eq!(status, 201, "{made}");
    (text(&made["token"]).to_owned(), text(&made["member"]["id"]).to_owned())
}

async fn accept(house: &House, token: &str) -> u16 {
    let body = json!({"token": token, "name": "Somebody", "password": PASSWORD});
    house.send("POST", "/api/invitations/accept", &[], body).await.0
}

async fn password_link(house: &House, key: &str, of: &str) -> String {
    let path = format!("/api/members/{of}/password-link");
    let (status, made) = house.ask(key, "POST", &path, Value::Null).await;
    assert_eq!(status, 201, "{made}");
    text(&made["token"]).to_owned()
}

async fn reset(house: &House, token: &str) -> u16 {
    let body = json!({"token": token, "password": PASSWORD});
    house.send("POST", "/api/password/reset", &[], body).await.0
}

#[tokio::test]
async fn an_invitation_lets_in_nobody_who_was_given_more_since() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (same, _) = invitation(&house, &org, "same", "org:member").await;
        assert_eq!(accept(&house, &same).await, 201, "nothing was given");

        let (token, cfo) = invitation(&house, &org, "cfo", "org:member").await;
        let path = format!("/api/members/{cfo}");
        owner_does(&house, &org, "PATCH", &path, json!({"role": "org:owner"})).await;
        assert_eq!(accept(&house, &token).await, 410);

        let (token, cto) = invitation(&house, &org, "cto", "org:viewer").await;
        let grant = json!({"subject": cto, "role": "org:owner"});
        owner_does(&house, &org, "POST", "/api/grants", grant).await;
        assert_eq!(accept(&house, &token).await, 410);

        let (token, ceo) = invitation(&house, &org, "ceo", "org:admin").await;
        let path = format!("/api/members/{ceo}");
        owner_does(&house, &org, "PATCH", &path, json!({"role": "org:viewer"})).await;
        assert_eq!(accept(&house, &token).await, 201, "less is no matter");
    }
}

#[tokio::test]
async fn a_link_ends_with_what_whoever_made_it_may() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = format!("/api/members/{}", org.admin.id);
        for (number, (lost, back)) in [
            (json!({"role": "org:viewer"}), json!({"role": "org:admin"})),
            (json!({"state": "suspended"}), json!({"state": "active"})),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("eve{number}");
            let (invited, _) = invitation(&house, &org, &name, "org:admin").await;
            let link = password_link(&house, &org.admin.key, &org.member.id).await;
            owner_does(&house, &org, "PATCH", &admin, lost).await;
            assert_eq!(accept(&house, &invited).await, 410);
            assert_eq!(reset(&house, &link).await, 410);
            owner_does(&house, &org, "PATCH", &admin, back).await;
        }
        let (invited, _) = invitation(&house, &org, "mallory", "org:admin").await;
        let link = password_link(&house, &org.admin.key, &org.member.id).await;
        let by_owner = password_link(&house, &org.owner.key, &org.viewer.id).await;
        owner_does(&house, &org, "DELETE", &admin, Value::Null).await;
        assert_eq!(accept(&house, &invited).await, 410);
        assert_eq!(reset(&house, &link).await, 410);
        assert_eq!(reset(&house, &by_owner).await, 200, "nobody lost what this one is worth");
    }
}

#[tokio::test]
async fn a_link_of_a_key_is_worth_what_was_given_to_the_key() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, key) =
            house.ask(&org.viewer.key, "POST", "/api/keys", json!({"name": "desk"})).await;
        let grant = json!({"subject": key["id"], "role": "org:admin"});
        owner_does(&house, &org, "POST", "/api/grants", grant).await;
        let secret = text(&key["secret"]);
        let (one, two) = (
            password_link(&house, secret, &org.member.id).await,
            password_link(&house, secret, &org.admin.id).await,
        );
        assert_eq!(reset(&house, &one).await, 200);
        let path = format!("/api/keys/{}", text(&key["id"]));
        owner_does(&house, &org, "DELETE", &path, Value::Null).await;
        assert_eq!(reset(&house, &two).await, 410);
    }
}

#[tokio::test]
async fn everything_that_is_ended_ends_the_links_that_lead_back_in() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let everything = json!({"sessions": true, "keys": true});
        let (invited, _) = invitation(&house, &org, "eve", "org:admin").await;
        let link = password_link(&house, &org.admin.key, &org.member.id).await;
        let admin = format!("/api/members/{}/revoke", org.admin.id);
        owner_does(&house, &org, "POST", &admin, everything).await;
        assert_eq!(accept(&house, &invited).await, 410, "of whoever was stopped");
        assert_eq!(reset(&house, &link).await, 410);
    }
    for (what, house) in [json!({"sessions": true}), json!({"keys": true})]
        .into_iter()
        .cycle()
        .zip(House::on_each_engine().await)
    {
        let org = house.org("acme").await;
        let (invited, _) = invitation(&house, &org, "eve", "org:admin").await;
        let link = password_link(&house, &org.admin.key, &org.member.id).await;
        let (mut admin, mut guest) = (Browser::of(&house, &org.admin), Browser::new(&house));
        let made = admin.post("/setup-links", &[("days", "7")]).await;
        let token = made.between("/setup?token=", "<").to_owned();
        assert_eq!(guest.post("/setup", &[("token", &token)]).await.status, 303);
        assert_eq!(guest.get("/setup-links").await.status, 200);
        let made = admin.post("/setup-links", &[("days", "7")]).await;
        let unopened = made.between("/setup?token=", "<").to_owned();
        owner_does(&house, &org, "POST", "/api/org/revoke", what).await;
        assert_eq!(accept(&house, &invited).await, 410);
        assert_eq!(reset(&house, &link).await, 410);
        assert_eq!(guest.get("/setup-links").await.status, 401);
        let late = Browser::new(&house).post("/setup", &[("token", &unopened)]).await;
        assert_eq!(late.status, 410);
    }
}
