//! Groups become teams, and who is in them.

use serde_json::{Value, json};

use crate::house::{House, id, values};

#[tokio::test]
async fn a_group_is_a_team_with_the_members_that_the_directory_says() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let bob = id(&house.user(&token, "bob@acme.example").await);
        let eve = id(&house.user(&token, "eve@acme.example").await);
        let staff = house.group(&token, "Staff", &[&ada, &bob]).await;
        let path = format!("/Groups/{staff}");
        let read = house.get(&token, &path).await.body;
        assert_eq!(values(&read["members"]), [ada.clone(), bob.clone()]);
        assert_eq!(
            read["members"][0]["$ref"],
            json!(format!("http://portico.example/scim/v2/Users/{ada}"))
        );
        let of_ada = house.get(&token, &format!("/Users/{ada}")).await.body;
        assert_eq!(
            of_ada["groups"],
            json!([{"value": staff, "display": "Staff", "type": "direct",
            "$ref": format!("http://portico.example/scim/v2{path}")}])
        );
        for (operations, left) in [
            (
                json!([{"op": "add", "path": "members", "value": [{"value": eve}, {"value": ada}]}]),
                vec![&ada, &bob, &eve],
            ),
            (
                json!([{"op": "remove", "path": format!("members[value eq \"{bob}\"]")}]),
                vec![&ada, &eve],
            ),
            (json!([{"op": "remove", "path": "members", "value": [{"value": ada}]}]), vec![&eve]),
            (
                json!([{"op": "replace", "path": "members", "value": [{"value": ada}, {"value": bob}]}]),
                vec![&ada, &bob],
            ),
            (
                json!([{"op": "remove", "path": "members[not (value eq \"x\")]"}, {"op": "add", "value": {"members": [{"value": eve}]}}]),
                vec![&eve],
            ),
            (json!([{"op": "remove", "path": "members"}]), vec![]),
            (
                json!([{"op": "remove", "path": "members", "value": [{"value": "scu_gone"}]}]),
                vec![],
            ),
        ] {
            let answer = house.patch(&token, &path, operations.clone()).await;
            assert_eq!(answer.status, 200, "{operations}: {answer:?}");
            assert_eq!(
                values(&answer.body["members"]).iter().collect::<Vec<_>>(),
                left,
                "{operations}"
            );
        }
        let whole =
            json!({"displayName": "Everybody", "members": [{"value": ada}, {"value": eve}]});
        let answer = house.ask(&token, "PUT", &path, &whole).await;
        assert_eq!((answer.status, values(&answer.body["members"]).len()), (200, 2));
        // Whoever renames it so and says nothing of members does not empty it.
        let answer = house.ask(&token, "PUT", &path, &json!({"displayName": "Everybody"})).await;
        assert_eq!(values(&answer.body["members"]).len(), 2);
        let teams = house.identity.teams(&org.operator, None, None).await.expect("teams").items;
        assert_eq!(
            (teams.len(), teams[0].name.as_str(), teams[0].members.len()),
            (1, "Everybody", 2)
        );
        assert_eq!(house.ask(&token, "DELETE", &path, &Value::Null).await.status, 204);
        assert_eq!(house.get(&token, &path).await.status, 404);
        let teams = house.identity.teams(&org.operator, None, None).await.expect("teams").items;
        assert!(teams.is_empty());
        assert!(house.get(&token, &format!("/Users/{ada}")).await.body.get("groups").is_none());
    }
}

#[tokio::test]
async fn what_the_org_does_by_hand_to_a_team_stays() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let bob = id(&house.user(&token, "bob@acme.example").await);
        let staff = house.group(&token, "Staff", &[&ada, &bob]).await;
        let path = format!("/Groups/{staff}");
        let team =
            house.identity.teams(&org.operator, None, None).await.expect("teams").items.remove(0);
        let by_hand = house.member(&org.operator, "hand@acme.example", "org:member").await;
        house.identity.add_to_team(&org.operator, &team.id, &by_hand.id).await.expect("joined");
        let member = house.known(&org, "ada@acme.example").await.expect("a member").id;
        house.identity.take_from_team(&org.operator, &team.id, &member).await.expect("left");
        // Whom the org took out is shown as out, and whom it put in is not the directory's.
        assert_eq!(values(&house.get(&token, &path).await.body["members"]), [bob.as_str()]);
        let whole = json!({"displayName": "Staff", "members": [{"value": bob}]});
        assert_eq!(house.ask(&token, "PUT", &path, &whole).await.status, 200);
        let members = house.identity.teams(&org.operator, None, None).await.expect("teams");
        assert!(members.items[0].members.contains(&by_hand.id));
        // A team that was deleted by hand is formed anew with the next change.
        house.identity.remove_team(&org.operator, &team.id).await.expect("removed");
        assert!(house.get(&token, &path).await.body.get("members").is_none());
        let add = json!([{"op": "add", "path": "members", "value": [{"value": ada}]}]);
        let answer = house.patch(&token, &path, add).await;
        assert_eq!((answer.status, values(&answer.body["members"]).len()), (200, 2), "{answer:?}");
    }
}

#[tokio::test]
async fn a_group_that_cannot_be_is_refused_with_what_to_do() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        house.identity.add_team(&org.operator, "Staff").await.expect("a team");
        let (_, token) = house.directory(&org, "Okta").await;
        let other = house.group(&token, "Other", &[]).await;
        for (method, path, body, status, kind) in [
            ("POST", "/Groups".to_owned(), json!({"displayName": "Staff"}), 409, "uniqueness"),
            ("POST", "/Groups".to_owned(), json!({"displayName": "OTHER"}), 409, "uniqueness"),
            ("PUT", format!("/Groups/{other}"), json!({"displayName": "Staff"}), 409, "uniqueness"),
            ("POST", "/Groups".to_owned(), json!({"members": []}), 400, "invalidValue"),
            (
                "POST",
                "/Groups".to_owned(),
                json!({"displayName": "G", "members": [{"type": "Group", "value": other}]}),
                400,
                "invalidValue",
            ),
            (
                "PATCH",
                format!("/Groups/{other}"),
                json!({"Operations": [{"op": "remove", "path": "displayName"}]}),
                400,
                "mutability",
            ),
            (
                "PATCH",
                format!("/Groups/{other}"),
                json!({"Operations": [{"op": "replace", "path": "members.display", "value": "x"}]}),
                400,
                "invalidPath",
            ),
        ] {
            let answer = house.ask(&token, method, &path, &body).await;
            assert_eq!((answer.status, &answer.body["scimType"]), (status, &json!(kind)), "{body}");
        }
        let refused = house.ask(&token, "POST", "/Groups", &json!({"displayName": "Staff"})).await;
        assert!(
            refused.body["detail"].as_str().expect("words").contains("rename or remove the team")
        );
    }
}

#[tokio::test]
async fn what_the_org_does_by_hand_makes_another_version() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ada = id(&house.user(&token, "ada@acme.example").await);
        let bob = id(&house.user(&token, "bob@acme.example").await);
        let staff = house.group(&token, "Staff", &[&ada, &bob]).await;
        let (group, user) = (format!("/Groups/{staff}"), format!("/Users/{ada}"));
        let version = async |path: &str| {
            let read = house.get(&token, path).await;
            let tag = read.headers["etag"].to_str().expect("text").to_owned();
            assert_eq!(read.body["meta"]["version"], json!(tag));
            tag
        };
        let (of_group, of_user) = (version(&group).await, version(&user).await);
        assert_eq!(of_group, version(&format!("{group}?excludedAttributes=members")).await);
        let listed = house.get(&token, "/Groups").await.body;
        assert_eq!(listed["Resources"][0]["meta"]["version"], json!(of_group));
        // Somebody in the console takes Ada out of the team.
        let team = house.identity.teams(&org.operator, None, None).await.expect("teams").items;
        let member = house.known(&org, "ada@acme.example").await.expect("a member").id;
        house.identity.take_from_team(&org.operator, &team[0].id, &member).await.expect("left");
        let (now, of_ada) = (version(&group).await, version(&user).await);
        assert!(now != of_group && of_ada != of_user, "{now} {of_ada}");
        let known = [("if-none-match", of_group.as_str())];
        assert_eq!(house.send(&token, "GET", &group, &known, None).await.status, 200);
        let rename =
            json!({"Operations": [{"op": "replace", "path": "displayName", "value": "S"}]});
        for (method, body) in [("PATCH", Some(rename.to_string())), ("DELETE", None)] {
            let seen = [("if-match", of_group.as_str())];
            let late = house.send(&token, method, &group, &seen, body.clone()).await;
            assert_eq!(late.status, 412, "{late:?}");
        }
        let seen = [("if-match", now.as_str())];
        let done = house.send(&token, "PATCH", &group, &seen, Some(rename.to_string())).await;
        assert_eq!(done.status, 200, "{done:?}");
        // Suspending is seen too; what concerns another user is not.
        let (before, of_bob) = (version(&user).await, version(&format!("/Users/{bob}")).await);
        let away = identity::MemberPatch {
            state: Some(identity::MemberState::Suspended),
            ..identity::MemberPatch::default()
        };
        house.identity.change_member(&org.operator, &member, &away).await.expect("suspended");
        assert_ne!(version(&user).await, before);
        assert_eq!(version(&format!("/Users/{bob}")).await, of_bob);
    }
}
