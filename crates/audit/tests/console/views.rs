//! Saved views.

use serde_json::{Value, json};

use crate::house::House;

#[tokio::test]
async fn a_view_is_kept_for_its_owner_and_shared_when_they_say_so() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.auditor(), house.auditor());
        let save = async |body: Value| house.send(&ours, "POST", "/api/events/views", &body).await;
        let saved =
            save(json!({ "name": " Refused ", "query": "outcome=denied&action=&last=24h" })).await;
        assert_eq!(saved.status, 201, "{}", saved.text);
        let view = saved.json();
        assert_eq!(
            (&view["name"], &view["query"]),
            (&json!("Refused"), &json!("last=24h&outcome=denied"))
        );
        let again = save(json!({ "name": "Refused", "query": "user=mem_x" })).await;
        assert_eq!((again.status, &again.json()["param"]), (409, &json!("name")));
        for (body, field) in [
            (json!({ "name": "", "query": "" }), "name"),
            (json!({ "name": "x", "query": "actoin=y" }), "query"),
            (json!({ "name": "x", "query": "outcome=best" }), "query"),
        ] {
            let refused = save(body).await;
            assert_eq!(
                (refused.status, &refused.json()["param"]),
                (422, &json!(field)),
                "{}",
                refused.text
            );
        }
        let shared =
            save(json!({ "name": "Keys", "query": "action=identity.key.*", "shared": true })).await;
        assert_eq!(shared.status, 201);
        let listed = async |who| house.get(who, "/api/events/views").await.json();
        let names = |page: Value| -> Vec<Value> {
            page["items"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|view| view["name"].clone())
                .collect()
        };
        assert_eq!(names(listed(&ours).await), ["Keys", "Refused"]);
        assert_eq!(names(listed(&theirs).await), ["Keys"], "only what is shared");
        let path = format!("/api/events/views/{}", shared.json()["id"].as_str().expect("an id"));
        assert_eq!(house.send(&theirs, "DELETE", &path, &Value::Null).await.status, 404);
        assert_eq!(house.send(&ours, "DELETE", &path, &Value::Null).await.status, 204);
        assert_eq!(names(listed(&theirs).await), Vec::<Value>::new());
        assert_eq!(house.count("audit.view.saved").await, 2, "{:?}", house.bench.db.engine());
        assert_eq!(house.count("audit.view.removed").await, 1);
        let stranger = house.member(&["patterns:read"]);
        assert_eq!(house.get(&stranger, "/api/events/views").await.status, 403);
    }
}

#[tokio::test]
async fn one_person_has_fifty_views_at_most() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        for place in 0..=audit::VIEWS_MAX {
            let body = json!({ "name": format!("v{place}"), "query": "" });
            let saved = house.send(&auditor, "POST", "/api/events/views", &body).await;
            let expected = if place < audit::VIEWS_MAX { 201 } else { 409 };
            assert_eq!(saved.status, expected, "{place}: {}", saved.text);
        }
    }
}
