//! Users: what is kept of them, and that only one has a name.

use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use identity::MemberState;
use serde_json::{Value, json};

use crate::house::{House, id};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn a_user_is_brought_changed_read_and_removed() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let sent = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "externalId": "00u1", "userName": "Ada@Acme.example", "password": "never kept",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": "ada@acme.example", "type": "work", "primary": true}],
            ENTERPRISE: {"department": "Engines"},
        });
        let made = house.ask(&token, "POST", "/Users", &sent).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.headers[CONTENT_TYPE], "application/scim+json");
        let user = id(&made.body);
        let location = format!("http://portico.example/scim/v2/Users/{user}");
        assert_eq!(made.headers[LOCATION], location.as_str());
        assert_eq!(made.body["meta"]["location"], json!(location));
        assert_eq!(made.body["schemas"][1], json!(ENTERPRISE));
        assert_eq!(made.body["active"], json!(true));
        assert!(made.body.get("password").is_none());

        let member = house.known(&org, "ada@acme.example").await.expect("a member");
        assert_eq!((member.name.as_str(), member.role.as_str()), ("Ada Lovelace", "org:member"));
        assert_eq!(member.state, MemberState::Active);

        let path = format!("/Users/{user}");
        let read = house.get(&token, &path).await;
        assert_eq!((read.status, &read.body), (200, &made.body));
        let version = read.body["meta"]["version"].as_str().expect("a version");
        assert!(version.starts_with("W/\"1-") && read.headers[ETAG] == version, "{version}");
        let changed = json!({"userName": "ada@acme.example", "displayName": "Countess",
            "emails": [{"value": "countess@acme.example"}]});
        let changed = house.ask(&token, "PUT", &path, &changed).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(changed.body["active"], json!(true), "what is not said stays");
        assert!(changed.body.get("externalId").is_none() && changed.body.get("name").is_none());
        let again = house.by_id(&org, &member.id).await;
        assert_eq!(
            (again.name.as_str(), again.email.as_str()),
            ("Countess", "countess@acme.example")
        );

        assert_eq!(house.ask(&token, "DELETE", &path, &Value::Null).await.status, 204);
        assert_eq!(house.get(&token, &path).await.status, 404);
        assert!(house.known(&org, "countess@acme.example").await.is_none());
        assert_eq!(house.ask(&token, "DELETE", &path, &Value::Null).await.status, 404);
    }
}

#[tokio::test]
async fn a_user_name_is_given_once_without_regard_to_case() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ada = house.user(&token, "ada@acme.example").await;
        let bob = house.user(&token, "bob@acme.example").await;
        let again =
            house.ask(&token, "POST", "/Users", &json!({"userName": "ADA@acme.example"})).await;
        assert_eq!(again.status, 409);
        assert_eq!(again.body["scimType"], json!("uniqueness"));
        assert_eq!(again.body["schemas"][0], json!("urn:ietf:params:scim:api:messages:2.0:Error"));
        assert_eq!(again.body["status"], json!("409"));
        let path = format!("/Users/{}", id(&bob));
        for (method, body) in [
            ("PUT", json!({"userName": "Ada@Acme.example"})),
            (
                "PATCH",
                json!({"Operations": [{"op": "replace", "path": "userName", "value": "ADA@ACME.example"}]}),
            ),
        ] {
            let refused = house.ask(&token, method, &path, &body).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (409, &json!("uniqueness")));
        }
        // Another case of its own name is no other name.
        let own = format!("/Users/{}", id(&ada));
        let renamed =
            house.ask(&token, "PUT", &own, &json!({"userName": "ADA@acme.example"})).await;
        assert_eq!((renamed.status, &renamed.body["userName"]), (200, &json!("ADA@acme.example")));
        let found = house.get(&token, "/Users?filter=userName%20eq%20%22ada@ACME.example%22").await;
        assert_eq!(found.body["totalResults"], json!(1));
    }
}

#[tokio::test]
async fn a_member_who_is_here_already_is_taken_over_once() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let by_hand = house.member(&org.operator, "ada@acme.example", "org:admin").await;
        let (_, token) = house.directory(&org, "Okta").await;
        let (_, other) = house.directory(&org, "Entra").await;
        let sent = json!({"userName": "Ada@acme.example", "displayName": "Ada L"});
        let answer = house.ask(&token, "POST", "/Users", &sent).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let member = house.by_id(&org, &by_hand.id).await;
        assert_eq!((member.name.as_str(), member.role.as_str()), ("Ada L", "org:admin"));
        assert_eq!(house.events(&org, "scim.user.taken_over").await.len(), 1);
        for (token, sent) in [
            (&other, sent.clone()),
            (&token, json!({"userName": "x", "emails": [{"value": "ADA@acme.example"}]})),
        ] {
            let refused = house.ask(token, "POST", "/Users", &sent).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (409, &json!("uniqueness")));
            let detail = refused.body["detail"].as_str().expect("words");
            assert!(detail.contains("provisioned already"), "{detail}");
        }
        // Nobody gets the address of another member.
        let bob = house.user(&token, "bob@acme.example").await;
        let path = format!("/Users/{}", id(&bob));
        let operations =
            json!([{"op": "add", "path": "emails", "value": [{"value": "owner@acme.example"}]}]);
        let refused = house.patch(&token, &path, operations).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (409, &json!("uniqueness")));
    }
}

#[tokio::test]
async fn a_change_made_meanwhile_is_not_overwritten() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ada = house.user(&token, "ada").await;
        let path = format!("/Users/{}", id(&ada));
        let title = |title: &str| {
            let value = json!({"Operations": [{"op": "replace", "path": "title", "value": title}]});
            Some(value.to_string())
        };
        let version = |body: &Value| body["meta"]["version"].as_str().expect("text").to_owned();
        let seen = version(&ada);
        let first = house.send(&token, "PATCH", &path, &[("if-match", &seen)], title("a")).await;
        let second = version(&first.body);
        assert!(first.status == 200 && second.starts_with("W/\"2-"), "{first:?}");
        for (method, body) in [
            ("PATCH", title("b")),
            ("PUT", Some(json!({"userName": "ada"}).to_string())),
            ("DELETE", None),
        ] {
            let late = house.send(&token, method, &path, &[("if-match", &seen)], body).await;
            assert_eq!(late.status, 412, "{late:?}");
        }
        let known = house.send(&token, "GET", &path, &[("if-none-match", &second)], None).await;
        assert_eq!((known.status, known.body), (304, Value::Null));
        let any = house.send(&token, "PATCH", &path, &[("if-match", "*")], title("c")).await;
        assert_eq!(any.status, 200);
        // What changes nothing is no new version and no event.
        house.noted(&org, "scim.request.refused", 3).await;
        let before = house.told(&org).await;
        let same = house.send(&token, "PATCH", &path, &[], title("c")).await;
        assert_eq!((same.status, version(&same.body)), (200, version(&any.body)));
        assert_eq!(house.told(&org).await, before);
    }
}

#[tokio::test]
async fn one_request_is_one_event_and_a_refused_one_changes_nothing() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (directory, token) = house.directory(&org, "Okta").await;
        let before = house.told(&org).await;
        let ada = house.user(&token, "ada@acme.example").await;
        house.group(&token, "Staff", &[&id(&ada)]).await;
        assert_eq!(house.told(&org).await, before + 2, "one event each");
        let event = house.events(&org, "scim.user.added").await.remove(0);
        assert_eq!(event["actorKind"], json!("directory"));
        assert_eq!(event["userId"], json!(directory.id.as_str()));
        assert_eq!(event["ipAddress"], json!("192.0.2.7"));
        // The second of two steps does not fit: the first did not happen either.
        let path = format!("/Users/{}", id(&ada));
        let operations = json!([
            {"op": "replace", "path": "title", "value": "Countess"},
            {"op": "replace", "path": "active", "value": "perhaps"},
        ]);
        let refused = house.patch(&token, &path, operations).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")));
        let read = house.get(&token, &path).await;
        assert!(read.body.get("title").is_none(), "{read:?}");
        let events = house.noted(&org, "scim.request.refused", 1).await;
        assert_eq!(events[0]["reason"]["code"], json!("invalidValue"));
        // Members that there are not: neither the group nor its team comes to be.
        let body = json!({"displayName": "Ghosts", "members": [{"value": "scu_nobody"}]});
        assert_eq!(house.ask(&token, "POST", "/Groups", &body).await.status, 400);
        let teams = house.identity.teams(&org.operator, None, None).await.expect("teams");
        assert_eq!(teams.items.len(), 1);
    }
}

#[tokio::test]
async fn what_a_directory_knows_of_people_cannot_be_read_from_the_disk() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let sent = json!({
            "userName": "ada@acme.example", "title": "Secret-Title-1815",
            "phoneNumbers": [{"value": "+44-SECRET-1815"}],
        });
        let made = house.ask(&token, "POST", "/Users", &sent).await;
        assert_eq!(made.status, 201);
        let read = base::db::Statement::new("read", "SELECT document, org_id FROM scim_user");
        let rows =
            house.bench.db.all(&base::db::Within::node(), read, vec![]).await.expect("reads");
        let sealed = rows[0].bytes("document").expect("bytes");
        let text = String::from_utf8_lossy(&sealed);
        assert!(!text.contains("1815") && !text.contains("ada"), "{text}");
        let path = format!("/Users/{}", id(&made.body));
        let operations = json!([{"op": "replace", "path": "title", "value": "Other-1852"}]);
        assert_eq!(house.patch(&token, &path, operations).await.status, 200);
        let events = house.events(&org, "").await;
        let all = serde_json::to_string(&events).expect("json");
        for known in ["1815", "1852", "ada@", "Countess"] {
            assert!(!all.contains(known), "{known} stands in the record");
        }
        assert!(all.contains("\"title\""), "which attributes changed does");
    }
}
