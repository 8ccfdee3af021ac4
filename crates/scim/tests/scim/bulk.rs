//! Many changes in one request.

use serde_json::{Value, json};

use crate::house::{House, values};

fn make(bulk_id: &str, path: &str, data: &Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data})
}

async fn bulk(house: &House, token: &str, body: Value) -> Vec<Value> {
    let answer = house.ask(token, "POST", "/Bulk", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["Operations"].as_array().expect("operations").clone()
}

#[tokio::test]
async fn a_bulk_names_what_it_makes_before_it_is_made() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let group = json!({"displayName": "Staff", "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}]});
        let operations = json!([
            make("g", "/Groups", &group),
            make("a", "/Users", &json!({"userName": "ada"})),
            make("b", "/Users", &json!({"userName": "bob",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "bulkId:a"}}})),
            {"method": "patch", "path": "/Users/bulkId:b", "data": {"Operations": [{"op": "add", "path": "title", "value": "x"}]}},
        ]);
        let done = bulk(&house, &token, json!({"Operations": operations})).await;
        let statuses: Vec<_> =
            done.iter().map(|one| one["status"].as_str().expect("a status")).collect();
        assert_eq!(statuses, ["201", "201", "201", "200"], "{done:?}");
        let of = |place: usize| done[place]["location"].as_str().expect("a location").to_owned();
        let id = |location: String| location.rsplit('/').next().expect("an id").to_owned();
        let (ada, bob) = (id(of(1)), id(of(2)));
        let staff = house.get(&token, &format!("/Groups/{}", id(of(0)))).await.body;
        let mut both = [ada.clone(), bob.clone()];
        both.sort();
        assert_eq!(values(&staff["members"]), both);
        let read = house.get(&token, &format!("/Users/{bob}")).await.body;
        assert_eq!(read["title"], json!("x"));
        assert_eq!(
            read["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"],
            json!(ada)
        );
        // It stood before the group: being in one is another version.
        let version = done[3]["version"].as_str().expect("a version");
        assert!(version.starts_with("W/\"2-") && read["meta"]["version"] != json!(version));
        let gone = bulk(
            &house,
            &token,
            json!({"Operations": [{"method": "DELETE", "path": format!("/Users/{bob}")}]}),
        )
        .await;
        assert_eq!(gone[0]["status"], json!("204"));
    }
}

#[tokio::test]
async fn one_fault_of_a_bulk_leaves_the_others_alone_unless_it_is_told_to_stop() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let operations = json!([
            make("a", "/Users", &json!({"userName": "ada"})),
            make("b", "/Users", &json!({"userName": "ADA"})),
            make("c", "/Users", &json!({"userName": "cyd"})),
            make(
                "d",
                "/Groups",
                &json!({"displayName": "G", "members": [{"value": "bulkId:nobody"}]})
            ),
            make("e", "/Bulk", &json!({"Operations": []})),
            make("f", "/Users/.search", &json!({})),
        ]);
        let done = bulk(&house, &token, json!({"Operations": operations.clone()})).await;
        let statuses: Vec<_> =
            done.iter().map(|one| one["status"].as_str().expect("a status")).collect();
        assert_eq!(statuses, ["201", "409", "201", "409", "400", "400"], "{done:?}");
        assert_eq!(done[1]["response"]["scimType"], json!("uniqueness"));
        let (_, second) = house.directory(&org, "Entra").await;
        let done = bulk(
            &house,
            &second,
            json!({"failOnErrors": 1, "Operations": [
            make("a", "/Users", &json!({})), make("b", "/Users", &json!({"userName": "x"}))]}),
        )
        .await;
        assert_eq!(done.len(), 1);
        assert_eq!(house.get(&second, "/Users").await.body["totalResults"], json!(0));
    }
}
