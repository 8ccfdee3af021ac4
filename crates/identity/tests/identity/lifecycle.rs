//! Every change leaves an event, and lists come in pages.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::house::House;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn every_change_leaves_an_event_of_its_author() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let admin = &org.admin.key;
        let ask = async |method: &str, path: &str, body: Value| {
            let (status, answer) = house.ask(admin, method, path, body).await;
            assert!((200..300).contains(&status), "{method} {path} {answer}");
            answer
        };
        let team = ask("POST", "/api/teams", json!({"name": "T"})).await;
        let team = format!("/api/teams/{}", text(&team["id"]));
        let seat = format!("{team}/members/{}", org.viewer.id);
        ask("PATCH", &team, json!({"name": "U"})).await;
        ask("PUT", &seat, Value::Null).await;
        ask("DELETE", &seat, Value::Null).await;
        ask("DELETE", &team, Value::Null).await;
        let service =
            ask("POST", "/api/services", json!({"name": "S", "role": "org:member"})).await;
        let service = format!("/api/services/{}", text(&service["id"]));
        ask("PATCH", &service, json!({"name": "S2"})).await;
        ask("DELETE", &service, Value::Null).await;
        ask("PATCH", "/api/me", json!({"name": "Olga"})).await;
        let grant =
            ask("POST", "/api/grants", json!({"subject": org.viewer.id, "role": "org:member"}))
                .await;
        ask("DELETE", &format!("/api/grants/{}", text(&grant["id"])), Value::Null).await;
        ask("PATCH", "/api/org", json!({"name": "Acme & Sons"})).await;
        ask("POST", "/api/members", json!({"email": "x@y.example", "role": "org:viewer"})).await;
        ask("DELETE", &format!("/api/members/{}", org.viewer.id), Value::Null).await;
        for action in [
            "identity.team.created",
            "identity.team.renamed",
            "identity.team.joined",
            "identity.team.left",
            "identity.team.deleted",
            "identity.service.created",
            "identity.service.changed",
            "identity.service.removed",
            "identity.member.renamed",
            "identity.grant.added",
            "identity.grant.removed",
            "identity.org.changed",
            "identity.member.invited",
            "identity.member.removed",
        ] {
            let events = house.events(&org, action).await;
            assert_eq!(events.len(), 1, "{action} on {:?}", house.engine());
            assert_eq!(events[0]["userId"], org.admin.id.as_str());
            assert_eq!(events[0]["requestId"], "req_1");
            assert!(!events[0]["changes"].is_null(), "{action}");
        }
        let (_, shown) = house.get(&org.owner.key, "/api/org").await;
        assert_eq!(shown["name"], "Acme & Sons");
    }
}

#[tokio::test]
async fn lists_come_in_pages_that_miss_nothing_and_repeat_nothing() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for number in 0..5 {
            let body = json!({"name": format!("key {number}")});
            assert_eq!(house.ask(&org.member.key, "POST", "/api/keys", body).await.0, 201);
        }
        let mut seen = HashSet::new();
        let mut after = String::new();
        let mut pages = 0;
        loop {
            let path = format!("/api/keys?limit=2{after}");
            let (_, page) = house.get(&org.member.key, &path).await;
            for key in page["items"].as_array().expect("a list") {
                assert!(seen.insert(key["id"].to_string()));
            }
            pages += 1;
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!((seen.len(), pages), (6, 3));
    }
}
