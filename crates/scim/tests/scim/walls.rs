//! What one directory sees and does, no other does.

use serde_json::{Value, json};

use crate::house::{House, id, values};

#[tokio::test]
async fn directories_and_orgs_see_nothing_of_each_other() {
    for house in House::on_each_engine().await {
        let (acme, other) = (house.org().await, house.org().await);
        let (_, ours) = house.directory(&acme, "Okta").await;
        let (_, beside) = house.directory(&acme, "Entra").await;
        let (_, theirs) = house.directory(&other, "Okta").await;
        let body = json!({"userName": "ada@acme.example", "externalId": "x1"});
        let ada = id(&house.ask(&ours, "POST", "/Users", &body).await.body);
        let staff = house.group(&ours, "Staff", &[&ada]).await;
        for stranger in [&beside, &theirs] {
            for path in [format!("/Users/{ada}"), format!("/Groups/{staff}")] {
                let patch =
                    json!({"Operations": [{"op": "replace", "path": "externalId", "value": "y"}]});
                let put = json!({"userName": "eve", "displayName": "Eve"});
                for (method, body) in
                    [("GET", Value::Null), ("PATCH", patch), ("PUT", put), ("DELETE", Value::Null)]
                {
                    let answer = house.ask(stranger, method, &path, &body).await;
                    assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
                }
            }
            for query in [
                "/Users".to_owned(),
                "/Groups".to_owned(),
                "/Users?filter=userName%20eq%20%22ada@acme.example%22".to_owned(),
                "/Users?filter=externalId%20eq%20%22x1%22".to_owned(),
                "/Users?filter=userName%20pr".to_owned(),
                "/Users?sortBy=userName".to_owned(),
                format!("/Users?filter=id%20eq%20%22{ada}%22"),
                format!("/Groups?filter=members%20eq%20%22{ada}%22"),
            ] {
                let list = house.get(stranger, &query).await;
                assert_eq!((list.status, &list.body["totalResults"]), (200, &json!(0)), "{query}");
            }
            let all = house.ask(stranger, "POST", "/.search", &json!({})).await;
            assert_eq!(all.body["totalResults"], json!(0));
            // Somebody else's user is nobody to be put into a group.
            let body = json!({"displayName": "Theirs", "members": [{"value": ada}]});
            let refused = house.ask(stranger, "POST", "/Groups", &body).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")));
        }
        let still = house.get(&ours, &format!("/Groups/{staff}")).await;
        assert_eq!(values(&still.body["members"]), [ada]);
        // The names of another org are free; those of the own org's teams are not.
        let taken = house.ask(&beside, "POST", "/Groups", &json!({"displayName": "Staff"})).await;
        assert_eq!((taken.status, &taken.body["scimType"]), (409, &json!("uniqueness")));
        house.user(&theirs, "ada@acme.example").await;
        house.group(&theirs, "Staff", &[]).await;
    }
}

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for house in House::on_each_engine().await {
        house.understands(scim::sql::STATEMENTS, scim::sql::BATCHES).await;
    }
}
