//! Directories are made and changed by who may connect them, and give no more than that.

use access::{Access, Actor, Caller, Grant, Identified, MemberId, PermissionSet, Region};
use access::{Method, ShownSession, Standing};
use base::time::Clock as _;
use scim::{DirectoryPatch, Error, Mapped, NewDirectory};
use serde_json::json;

use crate::house::{House, Org, id, origin};

fn mapped(group: &str, role: &str) -> Mapped {
    Mapped { group: group.to_owned(), role: role.to_owned() }
}

/// A member in a session, with these permissions; their factor is so many seconds old.
/// A caller who may this; where a second factor was shown so long ago, in a session.
fn somebody(
    house: &House,
    org: &Org,
    permissions: &[&str],
    factor_secs: impl Into<Option<i64>>,
) -> Caller {
    let grant = Grant {
        role: "test".into(),
        permissions: PermissionSet::parse(permissions.iter().copied()).expect("permissions"),
        on: None,
        through: "member".into(),
    };
    let now = house.clock.now();
    let session = factor_secs.into().map(|ago| ShownSession {
        id: "ses".to_owned(),
        confined: false,
        factor_due: true,
        method: Method::Password,
        factor_at: Some(now - jiff::SignedDuration::from_secs(ago)),
    });
    let standing = Standing { at: Some(now), session, ..Standing::default() };
    Caller::identified(Identified {
        org: org.id.clone(),
        region: Region::Eu,
        actor: Actor::Member(MemberId::new(now)),
        key: None,
        teams: std::sync::Arc::default(),
        access: std::sync::Arc::new(Access::compile(vec![grant], None, 1)),
        models: None,
        origin: origin(),
        standing,
    })
}

#[tokio::test]
async fn nobody_gives_by_a_directory_what_they_do_not_have() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let new = |role: &str, mapping: Vec<Mapped>| NewDirectory {
            name: "Okta".to_owned(),
            role: Some(role.to_owned()),
            mapping,
        };
        let admin = somebody(&house, &org, &["users:*", "patterns:*"], None);
        let viewer = somebody(&house, &org, &["patterns:*", "users:read"], None);
        let without = somebody(&house, &org, &["users:connections", "patterns:*"], None);
        let stale = somebody(&house, &org, &["*"], 100_000);
        let refused = house.scim.add_directory(&viewer, &new("org:member", vec![])).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let refused = house.scim.add_directory(&without, &new("org:member", vec![])).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "bringing people is creating users");
        let refused = house.scim.add_directory(&stale, &new("org:member", vec![])).await;
        assert!(matches!(refused, Err(Error::NeedsFactor(_))), "{refused:?}");
        for (role, mapping) in
            [("org:admin", vec![]), ("org:member", vec![mapped("Admins", "org:admin")])]
        {
            let refused = house.scim.add_directory(&admin, &new(role, mapping)).await;
            assert!(
                matches!(refused, Err(Error::Identity(identity::Error::Escalation(_)))),
                "{refused:?}"
            );
        }
        for (role, mapping) in
            [("org:owner", vec![]), ("org:member", vec![mapped("Owners", "org:owner")])]
        {
            let refused = house.scim.add_directory(&org.operator, &new(role, mapping)).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
        let refused = house.scim.add_directory(&org.operator, &new("no-such-role", vec![])).await;
        assert!(matches!(refused, Err(Error::Identity(identity::Error::Invalid(_)))));
        let made = house.scim.add_directory(&admin, &new("org:member", vec![])).await;
        let (directory, _) = made.expect("within what they have");
        // Its token lets in whom it lets in: nobody who has less makes or ends one.
        let refused = house.scim.rotate(&without, &directory.id).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let little = somebody(&house, &org, &["users:*"], None);
        let refused = house.scim.rotate(&little, &directory.id).await;
        assert!(
            matches!(refused, Err(Error::Identity(identity::Error::Escalation(_)))),
            "{refused:?}"
        );
        let refused = house.scim.remove_directory(&without, &directory.id).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        let wider = DirectoryPatch {
            mapping: Some(vec![mapped("Admins", "org:admin")]),
            ..DirectoryPatch::default()
        };
        let refused = house.scim.change_directory(&admin, &directory.id, &wider).await;
        assert!(matches!(refused, Err(Error::Identity(identity::Error::Escalation(_)))));
        house.scim.change_directory(&org.operator, &directory.id, &wider).await.expect("may");
        // Whoever does not have it may rename the directory, and not touch what it gives.
        let renamed =
            DirectoryPatch { name: Some("Okta 2".to_owned()), ..DirectoryPatch::default() };
        let after = house.scim.change_directory(&admin, &directory.id, &renamed).await;
        assert_eq!(after.expect("renamed").name, "Okta 2");
    }
}

#[tokio::test]
async fn a_group_gives_the_role_that_it_is_mapped_to_as_long_as_one_is_in_it() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let mapping = vec![mapped("admins", "org:admin"), mapped("Staff", "org:viewer")];
        let new = NewDirectory { name: "Okta".to_owned(), role: None, mapping };
        let (directory, token) = house.directory_with(&org, new).await;
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let role = async || house.known(&org, "ada@acme.example").await.expect("a member").role;
        assert_eq!(role().await, "org:member");
        let staff = house.group(&token, "Staff", &[&ada]).await;
        assert_eq!(role().await, "org:viewer");
        let admins = house.group(&token, "ADMINS", &[]).await;
        let member = json!([{"op": "add", "path": "members", "value": [{"value": ada}]}]);
        assert_eq!(house.patch(&token, &format!("/Groups/{admins}"), member).await.status, 200);
        assert_eq!(role().await, "org:admin", "the first group of the mapping decides");
        let event = house.events(&org, "scim.group.changed").await.remove(0);
        assert_eq!(event["changes"]["roles"]["members"][0]["role"], json!("org:admin"));
        // Another name gives nothing.
        let rename = json!([{"op": "replace", "path": "displayName", "value": "Former admins"}]);
        house.patch(&token, &format!("/Groups/{admins}"), rename).await;
        assert_eq!(role().await, "org:viewer");
        // A changed mapping holds at once.
        let patch = DirectoryPatch {
            mapping: Some(vec![mapped("FORMER admins", "org:admin")]),
            ..DirectoryPatch::default()
        };
        house.scim.change_directory(&org.operator, &directory.id, &patch).await.expect("changed");
        assert_eq!(role().await, "org:admin");
        house.ask(&token, "DELETE", &format!("/Groups/{admins}"), &json!(null)).await;
        assert_eq!(role().await, "org:member");
        // A role that somebody gave by hand is not taken with a group that gave none.
        let by_hand = identity::MemberPatch {
            role: Some("org:admin".to_owned()),
            ..identity::MemberPatch::default()
        };
        let member = house.known(&org, "ada@acme.example").await.expect("a member").id;
        house.identity.change_member(&org.operator, &member, &by_hand).await.expect("given");
        house.ask(&token, "DELETE", &format!("/Groups/{staff}"), &json!(null)).await;
        assert_eq!(role().await, "org:admin");
    }
}

#[tokio::test]
async fn members_and_teams_of_a_directory_that_is_removed_stay_with_the_org() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (directory, token) = house.directory(&org, "Okta").await;
        let ada = id(&house.user(&token, "ada@acme.example").await);
        house.group(&token, "Staff", &[&ada]).await;
        house.scim.remove_directory(&org.operator, &directory.id).await.expect("removed");
        assert!(house.known(&org, "ada@acme.example").await.is_some());
        let teams = house.identity.teams(&org.operator, None, None).await.expect("teams");
        assert_eq!(teams.items[0].members.len(), 1);
        // Another directory can take them over.
        let (_, other) = house.directory(&org, "Okta").await;
        house.user(&other, "ada@acme.example").await;
        assert_eq!(house.events(&org, "scim.user.taken_over").await.len(), 1);
        let same = NewDirectory { name: "Okta".to_owned(), ..NewDirectory::default() };
        let twice = house.scim.add_directory(&org.operator, &same).await;
        assert!(matches!(twice, Err(Error::Conflict(_))), "a name is given once");
    }
}

#[tokio::test]
async fn directories_are_kept_over_the_api() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let key = house.key(&org.operator, org.owner.id.as_str()).await;
        let ask = async |method: &str, path: &str, body: serde_json::Value| {
            let (status, text) = house.ours(&key, method, path, body).await;
            (status, serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default())
        };
        let body = json!({"name": "Okta", "mapping": [{"group": "A", "role": "org:viewer"}]});
        let (status, made) = ask("POST", "/api/directories", body).await;
        assert_eq!(status, 201, "{made}");
        let token = made["token"].as_str().expect("a token");
        let path = format!("/api/directories/{}", id(&made["directory"]));
        assert_eq!(house.get(token, "/Users").await.status, 200);
        let (status, changed) = ask("PATCH", &path, json!({"role": "org:viewer"})).await;
        assert_eq!((status, &changed["role"]), (200, &json!("org:viewer")));
        let (_, listed) = ask("GET", "/api/directories", json!(null)).await;
        assert_eq!(listed["items"][0]["name"], json!("Okta"));
        let (status, second) = ask("POST", &format!("{path}/tokens"), json!(null)).await;
        assert_eq!(status, 201);
        let token_id = second["token_id"].as_str().expect("an id");
        let (_, tokens) = ask("GET", &format!("{path}/tokens"), json!(null)).await;
        assert_eq!(tokens.as_array().map(Vec::len), Some(2));
        let (status, _) = ask("DELETE", &format!("{path}/tokens/{token_id}"), json!(null)).await;
        assert_eq!(status, 204);
        let (status, _) = ask("GET", &format!("{path}/requests"), json!(null)).await;
        assert_eq!(status, 200);
        for (method, path, body, wrong) in [
            ("POST", "/api/directories", json!({"name": ""}), "name"),
            ("POST", "/api/directories", json!({"name": "x", "colour": 1}), "colour"),
            (
                "PATCH",
                path.as_str(),
                json!({"mapping": [{"group": "", "role": "x"}]}),
                "mapping.0.group",
            ),
        ] {
            let (status, refused) = ask(method, path, body).await;
            assert_eq!((status, &refused["param"]), (422, &json!(wrong)), "{refused}");
        }
        assert_eq!(ask("DELETE", &path, json!(null)).await.0, 204);
        assert_eq!(ask("GET", &path, json!(null)).await.0, 404);
    }
}
