//! A directory does not govern those who may more than whoever made its token.

use access::Caller;
use base::db::{Statement, Within};
use identity::{MemberPatch, NewGrant, NewRole};
use scim::{Directory, DirectoryPatch, Error, Mapped, NewDirectory};
use serde_json::{Value, json};

use crate::house::{House, Org, id};

/// An org's administrator, who may not read its record.
async fn admin(house: &House, org: &Org) -> Caller {
    let key = house.somebody(&org.operator, "admin@acme.example", "org:admin").await.key;
    house.caller(&house.identity, &key, None).await.expect("known")
}

/// The role of those who may.
async fn auditing(house: &House, org: &Org) {
    let permissions = vec!["patterns:read".to_owned(), "events:read".to_owned()];
    let new = NewRole { name: "auditor".to_owned(), permissions };
    house.identity.add_role(&org.operator, &new).await.expect("a role");
}

async fn grant(house: &House, org: &Org, member: &access::MemberId) {
    let (subject, role) = (member.to_string(), "auditor".to_owned());
    let new = NewGrant { subject, role, resource: None };
    house.identity.add_grant(&org.operator, &new).await.expect("granted");
}

fn mapped(group: &str) -> Mapped {
    Mapped { group: group.to_owned(), role: "org:viewer".to_owned() }
}

/// A directory that somebody makes, and its token.
async fn directory(house: &House, by: &Caller) -> (Directory, String) {
    let mapping = vec![mapped("g")];
    let new = NewDirectory { name: "Mine".to_owned(), role: None, mapping };
    let (directory, issued) = house.scim.add_directory(by, &new).await.expect("a directory");
    (directory, issued.secret.reveal().to_owned())
}

/// Everything by which a directory changes a member.
async fn changes(house: &House, token: &str, user: &str) -> Vec<u16> {
    let path = format!("/Users/{user}");
    let away = json!([{"op": "replace", "path": "active", "value": false}]);
    let elsewhere = json!([{"op": "replace", "path": "userName", "value": "eve@evil.example"}]);
    let mut told = Vec::new();
    for operations in [away, elsewhere] {
        told.push(house.patch(token, &path, operations).await.status);
    }
    told.push(house.ask(token, "DELETE", &path, &Value::Null).await.status);
    told
}

#[tokio::test]
async fn a_directory_of_ones_own_governs_nobody_who_may_more() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        auditing(&house, &org).await;
        let (mine, token) = directory(&house, &admin(&house, &org).await).await;
        let by_role = house.member(&org.operator, "role@acme.example", "auditor").await;
        let by_grant = house.member(&org.operator, "grant@acme.example", "org:viewer").await;
        grant(&house, &org, &by_grant.id).await;
        for member in [&by_role, &by_grant, &org.owner] {
            for active in [true, false] {
                let sent = json!({"userName": member.email, "active": active});
                let refused = house.ask(&token, "POST", "/Users", &sent).await;
                assert!(matches!(refused.status, 403 | 409), "{refused:?}");
                assert_eq!(&house.by_id(&org, &member.id).await, member);
            }
        }
        let event = house.noted(&org, "scim.request.refused", 6).await.pop().expect("the first");
        assert_eq!(
            (&event["outcome"], &event["reason"]["status"]),
            (&json!("denied"), &json!(403))
        );
        let detail = event["reason"]["detail"].as_str().expect("words");
        assert!(detail.contains("makes a new token in the console"), "{detail}");

        // Whom it had before they were given more.
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let member = house.known(&org, "ada@acme.example").await.expect("a member");
        grant(&house, &org, &member.id).await;
        assert_eq!(changes(&house, &token, &ada).await, [403, 403, 403]);
        let by_hand = MemberPatch { role: Some("auditor".to_owned()), ..MemberPatch::default() };
        house.identity.change_member(&org.operator, &member.id, &by_hand).await.expect("given");
        let group = json!({"displayName": "g", "members": [{"value": ada}]});
        assert_eq!(house.ask(&token, "POST", "/Groups", &group).await.status, 403);
        let after = house.by_id(&org, &member.id).await;
        assert_eq!((after.role.as_str(), after.state), ("auditor", member.state));
        let title = json!([{"op": "add", "path": "title", "value": "Countess"}]);
        let known = house.patch(&token, &format!("/Users/{ada}"), title).await;
        assert_eq!(known.status, 200, "what changes no member is the directory's own");

        // Who may as much makes a token, and answers for that one alone.
        let issued = house.scim.rotate(&org.operator, &mine.id).await.expect("a token");
        assert_eq!(changes(&house, &token, &ada).await, [403, 403, 403]);
        assert_eq!(changes(&house, issued.secret.reveal(), &ada).await, [200, 200, 204]);
    }
}

#[tokio::test]
async fn whoever_changes_what_a_directory_gives_answers_for_it() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        auditing(&house, &org).await;
        let admin = admin(&house, &org).await;
        let (theirs, token) = directory(&house, &org.operator).await;
        let auditor = house.member(&org.operator, "role@acme.example", "auditor").await;
        let user = id(&house.user(&token, "role@acme.example").await);
        house.group(&token, "Auditors", &[&user]).await;
        let change = async |by: &Caller, group: &str| {
            let mapping = Some(vec![mapped(group)]);
            let patch = DirectoryPatch { mapping, ..DirectoryPatch::default() };
            house.scim.change_directory(by, &theirs.id, &patch).await
        };
        let refused = change(&admin, "Auditors").await;
        assert!(matches!(refused, Err(Error::NotVouched)), "{refused:?}");
        change(&admin, "Later").await.expect("nobody is in it");
        let group = json!({"displayName": "Later", "members": [{"value": user}]});
        assert_eq!(house.ask(&token, "POST", "/Groups", &group).await.status, 403);
        assert_eq!(house.by_id(&org, &auditor.id).await.role, "auditor");
        let issued = house.scim.rotate(&org.operator, &theirs.id).await.expect("a token");
        house.group(issued.secret.reveal(), "Later", &[&user]).await;
        assert_eq!(house.by_id(&org, &auditor.id).await.role, "org:viewer");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test that changes a row by hand")]
async fn a_token_from_before_this_was_known_governs_whom_its_directory_made_what_they_are() {
    const FORGET: Statement = Statement::new(
        "forget who answers",
        "UPDATE scim_token SET vouched = '[]' WHERE org_id = $1",
    );
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = directory(&house, &org.operator).await;
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let bob = id(&house.user(&token, "bob@acme.example").await);
        let member = house.known(&org, "bob@acme.example").await.expect("a member");
        let promoted = MemberPatch { role: Some("org:admin".to_owned()), ..MemberPatch::default() };
        house.identity.change_member(&org.operator, &member.id, &promoted).await.expect("given");
        let mut tx = house.bench.db.begin(&Within::org(org.id.as_str())).await.expect("begins");
        assert_eq!(tx.run(FORGET, vec![org.id.as_str().into()]).await.expect("runs"), 1);
        tx.commit().await.expect("commits");
        assert_eq!(changes(&house, &token, &ada).await, [200, 200, 204]);
        assert_eq!(changes(&house, &token, &bob).await, [403, 403, 403]);
    }
}
