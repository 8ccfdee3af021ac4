//! What is too much, and what is much and still served.

use std::time::Instant;

use serde_json::{Value, json};

use crate::house::House;

#[tokio::test]
async fn what_is_too_much_is_refused_soon() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        house.user(&token, "ada").await;
        let deep = format!("{}title pr{}", "(".repeat(1_000), ")".repeat(1_000));
        let nested = format!("{}title pr{}", "not(".repeat(300), ")".repeat(300));
        let many = vec!["title pr"; 500].join(" or ");
        let long = format!("title eq \"{}\"", "x".repeat(9_000));
        let operations = |count: usize| {
            let one = json!({"op": "replace", "path": "title", "value": "x"});
            json!({"Operations": vec![one; count]})
        };
        let bulk = |count: usize| {
            let one = json!({"method": "DELETE", "path": "/Users/x"});
            json!({"Operations": vec![one; count]})
        };
        let list = house.get(&token, "/Users").await.body;
        let user = format!("/Users/{}", list["Resources"][0]["id"].as_str().expect("an id"));
        let members: Vec<_> =
            (0..10_001).map(|place| json!({"value": place.to_string()})).collect();
        let looks = vec![json!({"op": "remove", "path": "members[value sw \"x\"]"}); 21];
        let group = format!("/Groups/{}", house.group(&token, "Staff", &[]).await);
        for (method, path, body, status, kind) in [
            ("POST", "/Users/.search", json!({"filter": deep}), 400, Some("invalidFilter")),
            ("POST", "/Users/.search", json!({"filter": nested}), 400, Some("invalidFilter")),
            ("POST", "/Users/.search", json!({"filter": many}), 400, Some("invalidFilter")),
            ("POST", "/Users/.search", json!({"filter": long}), 400, Some("invalidFilter")),
            ("PATCH", user.as_str(), operations(1_001), 400, Some("invalidSyntax")),
            (
                "PATCH",
                user.as_str(),
                json!({"Operations": [{"op": "add", "path": deep, "value": 1}]}),
                400,
                Some("invalidPath"),
            ),
            ("PATCH", group.as_str(), json!({"Operations": looks}), 400, Some("tooMany")),
            (
                "POST",
                "/Groups",
                json!({"displayName": "G", "members": members}),
                400,
                Some("tooMany"),
            ),
            ("POST", "/Bulk", bulk(101), 400, Some("tooMany")),
            ("POST", "/Bulk", json!({"Operations": [], "padding": "x".repeat(1 << 20)}), 413, None),
            ("POST", "/Users", json!({"userName": "x".repeat(3 << 20)}), 413, None),
            ("POST", "/Users", json!({"userName": "x".repeat(20_000)}), 400, Some("invalidValue")),
        ] {
            let begun = Instant::now();
            let answer = house.ask(&token, method, path, &body).await;
            let kind = kind.map_or(Value::Null, Value::from);
            let told = answer.body.get("scimType").cloned().unwrap_or_default();
            assert_eq!((answer.status, told), (status, kind), "{method} {path}: {answer:?}");
            assert!(begun.elapsed().as_secs() < 5, "{method} {path} took long");
        }
        let hundred = house.patch(&token, &user, operations(1_000)["Operations"].clone()).await;
        assert_eq!(hundred.status, 200, "{hundred:?}");
        let json = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let answer = house.send(&token, "POST", "/Users", &[], Some(json)).await;
        assert_eq!((answer.status, &answer.body["scimType"]), (400, &json!("invalidSyntax")));
        let found = house.get(&token, "/Users?count=1000000").await;
        assert_eq!(found.status, 200);
    }
}
