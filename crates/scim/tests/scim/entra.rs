//! Entra ID, as its provisioning service speaks: whole conversations, request by request.

use identity::MemberState;
use serde_json::{Value, json};

use crate::house::{Answer, House, id, values};

/// Entra says which of two kinds of bodies it sends.
async fn entra(house: &House, token: &str, method: &str, path: &str, body: Value) -> Answer {
    let headers = [
        ("user-agent", "Azure AD Provisioning"),
        ("accept", "application/scim+json"),
        ("content-type", "application/scim+json; charset=utf-8"),
    ];
    let body = Some(body).filter(|body| !body.is_null()).map(|body| body.to_string());
    house.send(token, method, path, &headers, body).await
}

const ADA: &str = "58342554-38d6-4ec8-948c-50044d0a33fd";

fn ada() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": ADA, "userName": "Ada.Lovelace@acme.example", "active": true,
        "displayName": "Ada Lovelace",
        "emails": [{"primary": true, "type": "work", "value": "Ada.Lovelace@acme.example"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Engines"},
    })
}

#[tokio::test]
async fn entra_provisions_as_it_does_in_the_field() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Entra").await;

        // Test connection: somebody who is not there, expecting 200 and an empty list.
        let path = "/Users?filter=userName+eq+%227dc8e8d5-3c14-4d44-9f3f-1ae6b6fe8c64%22";
        let nobody = entra(&house, &token, "GET", path, Value::Null).await;
        assert_eq!(nobody.status, 200);
        assert_eq!(
            nobody.body,
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []})
        );
        let path = "/Groups?excludedAttributes=members&filter=displayName+eq+%22x%22";
        assert_eq!(entra(&house, &token, "GET", path, Value::Null).await.status, 200);

        // A first cycle: look, create.
        let path = format!("/Users?filter=externalId+eq+%22{ADA}%22");
        assert_eq!(entra(&house, &token, "GET", &path, Value::Null).await.body["totalResults"], 0);
        let made = entra(&house, &token, "POST", "/Users", ada()).await;
        assert_eq!(made.status, 201, "{made:?}");
        let user = format!("/Users/{}", id(&made.body));
        let found = entra(&house, &token, "GET", &path, Value::Null).await;
        assert_eq!(found.body["Resources"][0], made.body);
        let twice = entra(&house, &token, "POST", "/Users", ada()).await;
        assert_eq!((twice.status, &twice.body["scimType"]), (409, &json!("uniqueness")));

        // PascalCase operations, an element that is not there, a bare manager, dotted keys.
        let changed = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ada@acme.example"},
                {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+44 1815"},
                {"op": "Replace", "path": "addresses[type eq \"work\"].locality", "value": "London"},
                {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "c1"},
                {"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Analysis"},
                {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Reader"},
                {"op": "Replace", "value": {
                    "displayName": "Countess of Lovelace", "name.givenName": "Augusta",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "1815",
                    "emails[type eq \"home\"].value": "ada@home.example",
                    "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:tag": "x",
                }},
            ],
        });
        let changed = entra(&house, &token, "PATCH", &user, changed).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let body = &changed.body;
        assert_eq!(
            body["emails"],
            json!([
            {"primary": true, "type": "work", "value": "ada@acme.example"},
            {"type": "home", "value": "ada@home.example"}])
        );
        assert_eq!(body["phoneNumbers"], json!([{"type": "mobile", "value": "+44 1815"}]));
        assert_eq!(body["addresses"], json!([{"type": "work", "locality": "London"}]));
        assert_eq!(body["roles"], json!([{"primary": true, "value": "Reader"}]));
        assert_eq!(body["name"]["givenName"], "Augusta");
        assert_eq!(body["name"]["familyName"], "Lovelace");
        assert_eq!(
            body["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            json!({"department": "Analysis", "manager": {"value": "c1"}, "employeeNumber": "1815"})
        );
        let member = house.known(&org, "ada@acme.example").await.expect("a member");
        assert_eq!(member.name, "Countess of Lovelace");

        groups(&house, &token, &id(&made.body)).await;

        // Soft delete, and back again: `active` as a text.
        for (active, state) in [
            ("False", MemberState::Suspended),
            ("True", MemberState::Active),
            ("False", MemberState::Suspended),
        ] {
            let soft = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "Replace", "path": "active", "value": active}],
            });
            let answer = entra(&house, &token, "PATCH", &user, soft).await;
            assert_eq!((answer.status, &answer.body["active"]), (200, &json!(active == "True")));
            assert_eq!(house.by_id(&org, &member.id).await.state, state);
        }
        // Then for good.
        assert_eq!(entra(&house, &token, "DELETE", &user, Value::Null).await.status, 204);
        assert_eq!(entra(&house, &token, "GET", &user, Value::Null).await.status, 404);
        assert!(house.known(&org, "ada@acme.example").await.is_none());
    }
}

async fn groups(house: &House, token: &str, user: &str) {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group",
                    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Analysts",
        "meta": {"resourceType": "Group"},
    });
    let made = entra(house, token, "POST", "/Groups", group).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = id(&made.body);
    let path = format!("/Groups/{id}");
    let change = async |operation: Value| {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation]});
        let answer = entra(house, token, "PATCH", &path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    change(json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": user}]})).await;
    let bare =
        entra(house, token, "GET", &format!("{path}?excludedAttributes=members"), Value::Null)
            .await;
    assert!(bare.body.get("members").is_none() && bare.body["displayName"] == "Analysts");
    let asked = format!(
        "/Groups?excludedAttributes=members&filter=id+eq+%22{id}%22+and+members+eq+%22{user}%22"
    );
    let is_in = entra(house, token, "GET", &asked, Value::Null).await;
    assert_eq!((is_in.status, &is_in.body["totalResults"]), (200, &json!(1)), "{is_in:?}");
    change(json!({"op": "Replace", "path": "displayName", "value": "Chief analysts"})).await;
    change(json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": user}]}))
        .await;
    // Once more: it is out already.
    change(json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": user}]}))
        .await;
    let read = entra(house, token, "GET", &path, Value::Null).await;
    assert!(values(&read.body["members"]).is_empty());
    assert_eq!(entra(house, token, "GET", &asked, Value::Null).await.body["totalResults"], 0);
    assert_eq!(entra(house, token, "DELETE", &path, Value::Null).await.status, 204);
}
