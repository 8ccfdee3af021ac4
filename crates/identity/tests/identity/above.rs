//! What nobody does to those who may more: by a grant, a team or a key too.

use access::Caller;
use base::db::Statement;
use identity::{Error, Noting, Owner, Withdrawal};
use serde_json::{Value, json};

use crate::house::{House, Org};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// Makes something as the owner; gives its id.
async fn made(house: &House, org: &Org, path: &str, body: Value) -> String {
    let (status, made) = house.ask(&org.owner.key, "POST", path, body).await;
    assert_eq!(status, 201, "{made}");
    text(&made["id"]).to_owned()
}

async fn granted(house: &House, org: &Org, subject: &str, role: &str) -> String {
    made(house, org, "/api/grants", json!({"subject": subject, "role": role})).await
}

/// What the admin is told.
async fn told(house: &House, org: &Org, method: &str, path: &str, body: Value) -> String {
    let (status, problem) = house.ask(&org.admin.key, method, path, body).await;
    assert_eq!(status, 403, "{method} {path} {problem}");
    text(&problem["code"]).to_owned()
}

/// Whether something is not taken after a review, for who decided may not do it.
async fn is_kept(house: &House, admin: &Caller, what: Withdrawal) -> bool {
    let statement = Statement::new("nothing", "SELECT org_id FROM identity_org WHERE org_id = $1");
    let noting = Noting { reason: Value::Null, statement, args: Vec::new() };
    matches!(house.identity.withdraw(admin, &what, noting).await, Err(Error::Escalation(_)))
}

async fn admin(house: &House, org: &Org) -> Caller {
    house.caller(&house.identity, &org.admin.key, None).await.expect("known")
}

#[tokio::test]
async fn a_grant_is_taken_back_only_by_those_who_have_what_it_gives() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let owning = granted(&house, &org, &org.viewer.id, "org:owner").await;
        let teaching = granted(&house, &org, &org.viewer.id, "org:member").await;
        let path = format!("/api/grants/{owning}");
        assert_eq!(told(&house, &org, "DELETE", &path, Value::Null).await, "escalation");
        let id = owning.parse().expect("an id");
        assert!(is_kept(&house, &admin(&house, &org).await, Withdrawal::Grant(id)).await);
        // So the admin does not become the viewer either.
        let link = format!("/api/members/{}/password-link", org.viewer.id);
        assert_eq!(told(&house, &org, "POST", &link, Value::Null).await, "escalation");
        for (key, grant) in [(&org.admin.key, teaching), (&org.owner.key, owning)] {
            let path = format!("/api/grants/{grant}");
            assert_eq!(house.ask(key, "DELETE", &path, Value::Null).await.0, 204);
        }
    }
}

#[tokio::test]
async fn nobody_governs_who_may_more_by_a_grant_or_a_team() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let team = made(&house, &org, "/api/teams", json!({"name": "T"})).await;
        let join = format!("/api/teams/{team}/members/{}", org.member.id);
        assert_eq!(house.ask(&org.owner.key, "PUT", &join, Value::Null).await.0, 204);
        let service = json!({"name": "S", "role": "org:viewer"});
        let service = made(&house, &org, "/api/services", service).await;
        for subject in [&org.viewer.id, &team, &service] {
            granted(&house, &org, subject, "org:owner").await;
        }
        let admin = admin(&house, &org).await;
        for (id, role) in [(&org.viewer.id, "org:member"), (&org.member.id, "org:viewer")] {
            let path = format!("/api/members/{id}");
            for (method, body) in [
                ("PATCH", json!({ "role": role })),
                ("PATCH", json!({"state": "suspended"})),
                ("DELETE", Value::Null),
            ] {
                let code = told(&house, &org, method, &path, body.clone()).await;
                assert_eq!(code, "escalation", "{method} {path} {body}");
            }
            let id: access::MemberId = id.parse().expect("an id");
            assert!(is_kept(&house, &admin, Withdrawal::Member(id.clone())).await);
            let demoted = Withdrawal::Role(Owner::Member(id), role.to_owned());
            assert!(is_kept(&house, &admin, demoted).await);
            // Whom an owner suspended, only those who may as much let in again.
            let set = async |state: &str| {
                house.ask(&org.owner.key, "PATCH", &path, json!({"state": state})).await.0
            };
            assert_eq!(set("suspended").await, 200);
            let back = json!({"state": "active"});
            assert_eq!(told(&house, &org, "PATCH", &path, back).await, "escalation");
            assert_eq!(set("active").await, 200);
        }
        let path = format!("/api/services/{service}");
        let demote = json!({"role": "org:member"});
        assert_eq!(told(&house, &org, "PATCH", &path, demote).await, "escalation");
        assert_eq!(told(&house, &org, "DELETE", &path, Value::Null).await, "escalation");
        let id: access::ServiceId = service.parse().expect("an id");
        assert!(is_kept(&house, &admin, Withdrawal::Service(id.clone())).await);
        let demoted = Withdrawal::Role(Owner::Service(id), "org:member".to_owned());
        assert!(is_kept(&house, &admin, demoted).await);
    }
}

#[tokio::test]
async fn a_key_is_revoked_by_its_owner_and_by_those_who_may_as_much() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, keys) = house.get(&org.owner.key, "/api/keys").await;
        let id = text(&keys["items"][0]["id"]);
        let path = format!("/api/keys/{id}");
        assert_eq!(told(&house, &org, "DELETE", &path, Value::Null).await, "escalation");
        let what = Withdrawal::Key(id.parse().expect("an id"));
        assert!(is_kept(&house, &admin(&house, &org).await, what).await);
        // A narrowed key is not its owner: it ends itself alone, or what its roles let it.
        for (narrowing, code) in [
            (json!({"name": "models", "models": ["small"]}), "permission_denied"),
            (json!({"name": "roles", "roles": ["org:viewer"]}), "permission_denied"),
            (json!({"name": "admin", "roles": ["org:admin"]}), "escalation"),
        ] {
            let (_, narrow) = house.ask(&org.owner.key, "POST", "/api/keys", narrowing).await;
            let secret = text(&narrow["secret"]);
            let (status, problem) = house.ask(secret, "DELETE", &path, Value::Null).await;
            assert_eq!((status, text(&problem["code"])), (403, code), "{problem}");
            let all = format!("/api/members/{}/revoke", org.owner.id);
            let (status, problem) = house.ask(secret, "POST", &all, json!({"keys": true})).await;
            assert_eq!((status, text(&problem["code"])), (403, code), "{problem}");
            let own = format!("/api/keys/{}", text(&narrow["id"]));
            assert_eq!(house.ask(secret, "DELETE", &own, Value::Null).await.0, 204);
            assert_eq!(house.get(secret, "/api/keys").await.0, 401);
        }
        assert_eq!(house.get(&org.owner.key, "/api/keys").await.0, 200);
        assert_eq!(house.ask(&org.owner.key, "DELETE", &path, Value::Null).await.0, 204);
    }
}

#[tokio::test]
async fn whoever_gets_in_as_somebody_must_have_what_their_keys_were_given() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, keys) = house.get(&org.viewer.key, "/api/keys").await;
        let key = text(&keys["items"][0]["id"]).to_owned();
        let link = format!("/api/members/{}/password-link", org.viewer.id);
        assert_eq!(house.ask(&org.admin.key, "POST", &link, Value::Null).await.0, 201);
        granted(&house, &org, &key, "org:owner").await;
        assert_eq!(told(&house, &org, "POST", &link, Value::Null).await, "escalation");
        // A key that ended gives nobody anything.
        let path = format!("/api/keys/{key}");
        assert_eq!(house.ask(&org.owner.key, "DELETE", &path, Value::Null).await.0, 204);
        assert_eq!(house.ask(&org.admin.key, "POST", &link, Value::Null).await.0, 201);
    }
}
