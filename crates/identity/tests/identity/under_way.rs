//! What was identified before a change and is done after it: a request that waits for its
//! body, or for the change before it.

use access::{Caller, Method, PermissionSet};
use identity::{Birth, Error, NewGrant};
use serde_json::{Value, json};

use crate::house::{House, Org};

fn admin_again(org: &Org) -> NewGrant {
    NewGrant { subject: org.admin.id.clone(), role: "org:admin".to_owned(), resource: None }
}

/// Somebody as they were identified; what they ask for comes later.
async fn now(house: &House, who: &str) -> Caller {
    house.caller(&house.identity, who, None).await.expect("is known")
}

async fn owner_does(house: &House, org: &Org, (method, path, body): (&str, &str, Value)) -> Value {
    let (status, answer) = house.ask(&org.owner.key, method, path, body).await;
    assert!((200..300).contains(&status), "{method} {path}: {answer}");
    answer
}

fn lost(done: &Result<identity::Grant, Error>) -> bool {
    matches!(done, Err(Error::NoLonger))
}

#[tokio::test]
async fn nobody_does_with_what_they_had_what_was_begun_before_it_was_taken() {
    for house in House::on_each_engine().await {
        let body = json!({"state": "suspended"});
        for (slug, method, body) in [
            ("demoted", "PATCH", json!({"role": "org:viewer"})),
            ("suspended", "PATCH", body),
            ("removed", "DELETE", Value::Null),
        ] {
            let org = house.org(slug).await;
            let birth = Birth::of(org.admin.id.parse().expect("an id"), Method::Passkey, None);
            let cookie = house.let_in(&org.id, birth, None).await;
            let (by_key, in_session) =
                (now(&house, &org.admin.key).await, now(&house, &cookie).await);
            let path = format!("/api/members/{}", org.admin.id);
            owner_does(&house, &org, (method, &path, body)).await;
            for stale in [&by_key, &in_session] {
                assert!(lost(&house.identity.add_grant(stale, &admin_again(&org)).await), "{slug}");
                let renamed = house.identity.add_team(stale, "Later").await;
                assert!(matches!(renamed, Err(Error::NoLonger)), "{slug}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_or_session_that_ended_does_not_finish_what_it_began() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let birth = Birth::of(org.admin.id.parse().expect("an id"), Method::Passkey, None);
        let cookie = house.let_in(&org.id, birth, None).await;
        let (by_key, in_session) = (now(&house, &org.admin.key).await, now(&house, &cookie).await);
        let revoke = json!({"sessions": true, "keys": true});
        owner_does(&house, &org, ("POST", "/api/org/revoke", revoke)).await;
        for stale in [&by_key, &in_session] {
            assert!(lost(&house.identity.add_grant(stale, &admin_again(&org)).await));
        }
    }
}

#[tokio::test]
async fn a_session_of_a_provider_ends_when_its_member_may_more_than_who_answers_for_it() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let begun = async |vouched: PermissionSet, connection: Option<&str>| {
            let birth = Birth::of(org.viewer.id.parse().expect("an id"), Method::Saml, None);
            let connection = connection.map(ToOwned::to_owned);
            house.let_in(&org.id, Birth { connection, vouched, ..birth }, None).await
        };
        let admins = PermissionSet::parse(["users:*", "patterns:*", "settings:*", "models:*"]);
        let admins = admins.expect("permissions");
        let by_admin = begun(admins, Some("con_1")).await;
        let by_owner = begun(PermissionSet::ALL, Some("con_2")).await;
        let by_nobody = begun(PermissionSet::EMPTY, Some("con_3")).await;
        let by_password = begun(PermissionSet::ALL, None).await;
        let is_open =
            async |cookie: &str| house.caller(&house.identity, cookie, None).await.is_ok();
        assert!(!is_open(&by_nobody).await, "nobody answers for what they may already");
        let path = format!("/api/members/{}", org.viewer.id);
        for (role, stays) in [("org:admin", true), ("org:owner", false)] {
            owner_does(&house, &org, ("PATCH", &path, json!({"role": role}))).await;
            assert_eq!(is_open(&by_admin).await, stays, "{role}");
            assert!(is_open(&by_owner).await && is_open(&by_password).await);
        }
    }
}

#[tokio::test]
async fn what_came_by_a_team_a_role_or_a_key_is_gone_with_it() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let given = |subject: &Value| json!({"subject": subject, "role": "helpdesk"});
        let role = json!({"name": "helpdesk", "permissions": ["users:*"]});
        owner_does(&house, &org, ("POST", "/api/roles", role.clone())).await;
        let team = owner_does(&house, &org, ("POST", "/api/teams", json!({"name": "Help"}))).await;
        let team = &team["id"];
        owner_does(&house, &org, ("POST", "/api/grants", given(team))).await;
        let seat =
            format!("/api/teams/{}/members/{}", team.as_str().expect("an id"), org.viewer.id);
        let body = json!({"owner": org.viewer.id, "name": "help", "roles": ["helpdesk"]});
        owner_does(&house, &org, ("PUT", &seat, Value::Null)).await;
        let key = owner_does(&house, &org, ("POST", "/api/keys", body)).await;
        let secret = key["secret"].as_str().expect("a secret");
        let narrower = json!({"permissions": ["users:read", "users:create"]});
        let grants = owner_does(&house, &org, ("GET", "/api/grants", Value::Null)).await;
        let grant = format!("/api/grants/{}", grants["items"][0]["id"].as_str().expect("an id"));
        let team = format!("/api/teams/{}", team.as_str().expect("an id"));

        let before = [now(&house, &org.viewer.key).await, now(&house, secret).await];
        // What others do does not matter.
        owner_does(&house, &org, ("PATCH", &team, json!({"name": "Desk"}))).await;
        for (number, caller) in before.iter().enumerate() {
            house.identity.add_team(caller, &format!("Team {number}")).await.expect("goes on");
        }
        owner_does(&house, &org, ("PUT", "/api/roles/helpdesk", narrower)).await;
        for caller in &before {
            assert!(matches!(house.identity.add_team(caller, "A").await, Err(Error::NoLonger)));
        }
        let wider = json!({"permissions": ["users:*"]});
        let put = json!(null);
        for (take, back) in [
            (("DELETE", &*seat, Value::Null), ("PUT", &*seat, Value::Null)),
            (("DELETE", &*grant, Value::Null), ("GET", "/api/org", put)),
        ] {
            owner_does(&house, &org, ("PUT", "/api/roles/helpdesk", wider.clone())).await;
            let before = [now(&house, &org.viewer.key).await, now(&house, secret).await];
            owner_does(&house, &org, take).await;
            for caller in &before {
                assert!(matches!(house.identity.add_team(caller, "B").await, Err(Error::NoLonger)));
            }
            owner_does(&house, &org, back).await;
        }
    }
}
