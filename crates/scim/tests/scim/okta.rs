//! Okta, as its provisioning speaks: whole conversations, request by request.

use identity::MemberState;
use serde_json::{Value, json};

use crate::house::{Answer, House, id, values};

async fn okta(house: &House, token: &str, method: &str, path: &str, body: Value) -> Answer {
    let headers = [
        ("user-agent", "Okta SCIM Client 1.0.0"),
        ("accept", "application/scim+json"),
        ("accept-charset", "utf-8"),
    ];
    let body = Some(body).filter(|body| !body.is_null()).map(|body| body.to_string());
    house.send(token, method, path, &headers, body).await
}

fn profile(email: &str, given: &str, active: bool) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "name": {"givenName": given, "familyName": "Hopper"},
        "emails": [{"primary": true, "value": email, "type": "work"}],
        "displayName": format!("{given} Hopper"),
        "locale": "en-US", "externalId": format!("00u-{given}"), "groups": [],
        "password": "1mz050nq", "active": active,
    })
}

#[tokio::test]
async fn okta_provisions_as_it_does_in_the_field() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;

        // Test of the credentials.
        let test = okta(&house, &token, "GET", "/Users?startIndex=1&count=2", Value::Null).await;
        assert_eq!((test.status, &test.body["totalResults"]), (200, &json!(0)));
        assert_eq!(
            okta(&house, &token, "GET", "/ServiceProviderConfig", Value::Null).await.status,
            200
        );

        // Match, create, read.
        let path =
            "/Users?filter=userName%20eq%20%22Grace%40acme.example%22&startIndex=1&count=100";
        let matched = okta(&house, &token, "GET", path, Value::Null).await;
        assert_eq!(matched.body["Resources"], json!([]));
        let made =
            okta(&house, &token, "POST", "/Users", profile("grace@acme.example", "Grace", true))
                .await;
        assert_eq!(made.status, 201, "{made:?}");
        let grace = id(&made.body);
        let user = format!("/Users/{grace}");
        assert_eq!(okta(&house, &token, "GET", path, Value::Null).await.body["totalResults"], 1);
        assert_eq!(okta(&house, &token, "GET", &user, Value::Null).await.body, made.body);

        // A profile is pushed as a whole, with the id and whatever Okta read.
        let mut pushed = made.body.clone();
        pushed["name"]["givenName"] = json!("Amazing");
        pushed["displayName"] = json!("Amazing Hopper");
        let answer = okta(&house, &token, "PUT", &user, pushed).await;
        assert_eq!((answer.status, &answer.body["name"]["givenName"]), (200, &json!("Amazing")));
        let member = house.known(&org, "grace@acme.example").await.expect("a member");
        assert_eq!(member.name, "Amazing Hopper");
        let key = house.key(&org.operator, member.id.as_str()).await;

        // Deactivation: no path, and never a DELETE.
        let active = |active: bool| {
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "value": {"active": active}}]})
        };
        let off = okta(&house, &token, "PATCH", &user, active(false)).await;
        assert_eq!((off.status, &off.body["active"]), (200, &json!(false)));
        assert!(!house.lets_in(&key).await);
        // Reactivation: matched by name, then a whole profile with `active`, then the patch.
        let answer =
            okta(&house, &token, "PUT", &user, profile("grace@acme.example", "Grace", true)).await;
        assert_eq!((answer.status, &answer.body["active"]), (200, &json!(true)));
        assert_eq!(okta(&house, &token, "PATCH", &user, active(true)).await.status, 200);
        assert!(house.lets_in(&key).await);
        assert_eq!(house.by_id(&org, &member.id).await.state, MemberState::Active);

        push_groups(&house, &token, &grace).await;
        let kept =
            serde_json::to_string(&okta(&house, &token, "GET", "/Users", Value::Null).await.body);
        assert!(!kept.expect("json").contains("1mz050nq"), "no password is kept");
    }
}

async fn push_groups(house: &House, token: &str, grace: &str) {
    let mut team = vec![grace.to_owned()];
    for name in ["Jean", "Kay", "Betty", "Marlyn", "Ruth", "Frances"] {
        let email = format!("{name}@acme.example");
        let made = okta(house, token, "POST", "/Users", profile(&email, name, true)).await;
        team.push(id(&made.body));
    }
    let member = |id: &String| json!({"value": id, "display": "x@acme.example"});
    // A group is linked by name, made with its first members, and filled in batches.
    let path = "/Groups?filter=displayName%20eq%20%22Coders%22&startIndex=1&count=100";
    assert_eq!(okta(house, token, "GET", path, Value::Null).await.body["totalResults"], 0);
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Coders", "members": [member(&team[0])]});
    let made = okta(house, token, "POST", "/Groups", group).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/Groups/{}", id(&made.body));
    for batch in team.chunks(3) {
        let add = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": batch.iter().map(member).collect::<Vec<_>>()}]});
        let answer = okta(house, token, "PATCH", &path, add).await;
        assert!([200, 204].contains(&answer.status), "{answer:?}");
    }
    let read = okta(house, token, "GET", &path, Value::Null).await;
    assert_eq!(values(&read.body["members"]), team);
    // Two leave one by one, the name changes by an object with an id in it.
    let operations = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "remove", "path": format!("members[value eq \"{}\"]", team[1])},
        {"op": "remove", "path": format!("members[value eq \"{}\"]", team[2])},
        {"op": "replace", "value": {"id": id(&made.body), "displayName": "First coders"}},
    ]});
    let answer = okta(house, token, "PATCH", &path, operations).await;
    assert_eq!(
        (answer.status, &answer.body["displayName"]),
        (200, &json!("First coders")),
        "{answer:?}"
    );
    assert_eq!(values(&answer.body["members"]).len(), 5);
    // A push that starts over replaces everybody.
    let all = json!({"Operations": [{"op": "replace", "path": "members", "value": team.iter().map(member).collect::<Vec<_>>()}]});
    let answer = okta(house, token, "PATCH", &path, all).await;
    assert_eq!(values(&answer.body["members"]), team);
    assert_eq!(okta(house, token, "DELETE", &path, Value::Null).await.status, 204);
}
