//! Whoever a directory switches off is out.

use identity::{MemberPatch, MemberState};
use scim::{Mapped, NewDirectory};
use serde_json::{Value, json};

use crate::house::{House, id};

fn active(value: impl Into<Value>) -> Value {
    json!([{"op": "replace", "path": "active", "value": value.into()}])
}

#[tokio::test]
async fn whom_a_directory_suspends_or_removes_is_out_at_once() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        for how in ["suspend", "remove"] {
            let email = format!("{how}@acme.example");
            let user = house.user(&token, &email).await;
            let path = format!("/Users/{}", id(&user));
            let member = house.known(&org, &email).await.expect("a member");
            let key = house.key(&org.operator, member.id.as_str()).await;
            assert!(house.lets_in(&key).await);
            if how == "suspend" {
                let answer = house.patch(&token, &path, active(false)).await;
                assert_eq!((answer.status, &answer.body["active"]), (200, &json!(false)));
                let event = house.events(&org, "scim.user.suspended").await.remove(0);
                assert_eq!(event["resourceId"], json!(member.id.as_str()));
                assert_eq!(event["changes"]["state"], json!({"from": "active", "to": "suspended"}));
            } else {
                assert_eq!(house.ask(&token, "DELETE", &path, &Value::Null).await.status, 204);
                assert_eq!(house.events(&org, "scim.user.removed").await.len(), 1);
            }
            assert!(!house.lets_in(&key).await, "{how}: the key still lets in");
        }
    }
}

#[tokio::test]
async fn whom_a_directory_brings_back_may_act_again() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let user = house.user(&token, "ada@acme.example").await;
        let path = format!("/Users/{}", id(&user));
        let group = house.group(&token, "Staff", &[&id(&user)]).await;
        let member = house.known(&org, "ada@acme.example").await.expect("a member");
        let key = house.key(&org.operator, member.id.as_str()).await;
        assert_eq!(house.patch(&token, &path, active(false)).await.status, 200);
        let back = house.patch(&token, &path, active(true)).await;
        assert_eq!((back.status, &back.body["active"]), (200, &json!(true)));
        assert!(house.lets_in(&key).await);
        assert_eq!(house.events(&org, "scim.user.brought_back").await.len(), 1);
        // Whom the org removed by hand comes back as a new member, in the same groups.
        house.identity.remove_member(&org.operator, &member.id).await.expect("removed");
        let gone = house.get(&token, &path).await;
        assert_eq!((gone.status, &gone.body["active"]), (200, &json!(false)));
        assert!(gone.body.get("groups").is_none());
        assert_eq!(house.patch(&token, &path, active(true)).await.body["active"], json!(false));
        assert_eq!(house.patch(&token, &path, active(false)).await.status, 200);
        let anew = house.patch(&token, &path, active(true)).await;
        assert_eq!(anew.body["active"], json!(true), "{anew:?}");
        assert_eq!(anew.body["groups"][0]["value"], json!(group));
        let other = house.known(&org, "ada@acme.example").await.expect("a member");
        assert_ne!(other.id, member.id);
        assert!(!house.lets_in(&key).await, "what they had is gone");
    }
}

#[tokio::test]
async fn a_directory_does_not_bring_back_whom_the_org_suspended() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let user = house.user(&token, "ada@acme.example").await;
        let path = format!("/Users/{}", id(&user));
        let member = house.known(&org, "ada@acme.example").await.expect("a member");
        let off = MemberPatch { state: Some(MemberState::Suspended), ..MemberPatch::default() };
        house.identity.change_member(&org.operator, &member.id, &off).await.expect("suspended");
        assert_eq!(house.get(&token, &path).await.body["active"], json!(false));
        // Okta sends everything with every change.
        let whole = json!({"userName": "ada@acme.example", "active": true, "title": "x"});
        let answer = house.ask(&token, "PUT", &path, &whole).await;
        assert_eq!((answer.status, &answer.body["active"]), (200, &json!(false)));
        assert_eq!(house.patch(&token, &path, active(true)).await.body["active"], json!(false));
        assert_eq!(house.by_id(&org, &member.id).await.state, MemberState::Suspended);
        // And whom the org let back in meanwhile, the directory can suspend again.
        let on = MemberPatch { state: Some(MemberState::Active), ..MemberPatch::default() };
        house.patch(&token, &path, active(false)).await;
        house.identity.change_member(&org.operator, &member.id, &on).await.expect("let in");
        assert_eq!(house.get(&token, &path).await.body["active"], json!(true));
        assert_eq!(house.patch(&token, &path, active(false)).await.body["active"], json!(false));
        assert_eq!(house.by_id(&org, &member.id).await.state, MemberState::Suspended);
    }
}

#[tokio::test]
async fn a_directory_has_no_say_over_owners() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let mapping = vec![Mapped { group: "Staff".to_owned(), role: "org:viewer".to_owned() }];
        let new = NewDirectory { name: "Okta".to_owned(), role: None, mapping };
        let (_, token) = house.directory_with(&org, new).await;
        let sent = json!({"userName": "owner@acme.example", "active": false});
        let refused = house.ask(&token, "POST", "/Users", &sent).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (409, &json!("uniqueness")));
        let detail = refused.body["detail"].as_str().expect("words");
        assert!(detail.contains("is an owner") && detail.contains("console"), "{detail}");
        assert_eq!(house.by_id(&org, &org.owner.id).await.state, MemberState::Active);

        // A member of the directory whom the org made an owner, the only one then.
        let user = house.user(&token, "ada@acme.example").await;
        let path = format!("/Users/{}", id(&user));
        let member = house.known(&org, "ada@acme.example").await.expect("a member");
        let owner = MemberPatch { role: Some("org:owner".to_owned()), ..MemberPatch::default() };
        house.identity.change_member(&org.operator, &member.id, &owner).await.expect("promoted");
        house.group(&token, "Staff", &[&id(&user)]).await;
        let operations = json!([{"op": "add", "path": "emails", "value": [{"value": "evil@x.example"}]},
            {"op": "replace", "path": "displayName", "value": "Evil"}]);
        assert_eq!(house.patch(&token, &path, operations).await.status, 200);
        let still = house.by_id(&org, &member.id).await;
        assert_eq!((still.role.as_str(), still.email.as_str()), ("org:owner", "ada@acme.example"));
        assert_eq!(still.name, member.name);
        let demoted = MemberPatch { role: Some("org:member".to_owned()), ..MemberPatch::default() };
        let first = &org.owner.id;
        house.identity.change_member(&org.operator, first, &demoted).await.expect("demoted");
        for (method, body) in [
            ("PATCH", json!({"Operations": active(false)})),
            ("PUT", json!({"userName": "ada@acme.example", "active": false})),
            ("DELETE", Value::Null),
        ] {
            let refused = house.ask(&token, method, &path, &body).await;
            assert_eq!(refused.status, 409, "{method}: {refused:?}");
            assert!(refused.body["detail"].as_str().expect("words").contains("owner"));
        }
        assert_eq!(house.by_id(&org, &member.id).await.state, MemberState::Active);
        assert_eq!(house.get(&token, &path).await.body["active"], json!(true));
        house.noted(&org, "scim.request.refused", 4).await;
    }
}
