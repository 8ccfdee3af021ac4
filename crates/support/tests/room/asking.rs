//! Who asks, and for what.

use serde_json::{Value, json};

use crate::bench::House;

fn body(org: &str, permissions: &[&str]) -> Value {
    json!({ "org": org, "reason": "case 4711: nothing answers", "permissions": permissions, "hours": 4 })
}

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for house in House::on_each_engine().await {
        house.understands(support::sql::STATEMENTS, support::sql::BATCHES).await;
    }
}

#[tokio::test]
async fn where_no_operators_are_named_there_is_no_support_access() {
    for house in House::with(support::Config::default()).await {
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        for path in ["/support", "/support/desk", "/api/support/requests", "/api/support/asks"] {
            assert_eq!(house.get(&owner, path).await.status, 404, "{path}");
        }
        let ask = house.post(&owner, "/api/support/asks", body("globex", &["users:read"])).await;
        assert_eq!(ask.status, 404);
    }
}

#[tokio::test]
async fn what_would_outlive_a_visit_cannot_be_asked_for() {
    for house in House::on_each_engine().await {
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        for never in [
            "users:create",
            "users:update",
            "users:keys",
            "users:grant",
            "users:connections",
            "users:review",
            "settings:guardrails",
            "settings:support",
            "users:*",
            "*",
            "nothing:known",
        ] {
            let ask = body("acme", &["users:read", never]);
            let answer = house.post(&operator, "/api/support/asks", ask).await;
            assert_eq!(answer.status, 422, "{never}: {}", answer.text);
            assert_eq!(answer.json()["errors"][0]["pointer"], "/permissions/1", "{never}");
        }
        for (field, wrong) in [
            ("reason", json!("too short")),
            ("reason", json!("x".repeat(501))),
            ("hours", json!(0)),
            ("hours", json!(73)),
            ("permissions", json!([])),
            ("org", json!("nobody")),
        ] {
            let mut ask = body("acme", &["users:read"]);
            ask[field] = wrong;
            let answer = house.post(&operator, "/api/support/asks", ask).await;
            assert_eq!(answer.status, 422, "{field}: {}", answer.text);
            assert_eq!(answer.json()["errors"][0]["pointer"], format!("/{field}"));
        }
        assert!(house.events(&house.acme).await.iter().all(|event| {
            !event["action"].as_str().expect("an action").starts_with("support.")
        }));
    }
}

#[tokio::test]
async fn only_members_of_the_operators_org_who_may_support_ask() {
    for house in House::on_each_engine().await {
        let (acme, operators) = (&house.acme, &house.operators);
        let ask = body("globex", &["users:read"]);
        let strangers = house.sign_in(acme, &acme.owner).await;
        let answer = house.post(&strangers, "/api/support/asks", ask.clone()).await;
        assert_eq!(answer.status, 404, "customers do not even learn that there is a desk");
        assert_eq!(house.get(&strangers, "/support/desk").await.status, 404);
        let colleague = house.sign_in(operators, &operators.viewer).await;
        let answer = house.post(&colleague, "/api/support/asks", ask).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        let operator = house.sign_in(operators, &operators.owner).await;
        let own = house.post(&operator, "/api/support/asks", body("operators", &["users:read"]));
        assert_eq!(own.await.code(), "own_org");
    }
}

#[tokio::test]
async fn asking_and_entering_need_a_second_factor_shown_just_now() {
    for house in House::on_each_engine().await {
        let operators = &house.operators;
        let ask = body("acme", &["users:read"]);
        let plain = house.sign_in_plainly(operators, &operators.owner).await;
        let answer = house.post(&plain, "/api/support/asks", ask.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "factor_required"));
        let id = house.granted(&["users:read"], 4).await;
        let enter = format!("/support/desk/{id}/enter");
        let answer = house.post(&plain, &enter, Value::Null).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "factor_required"));
        let operator = house.sign_in(operators, &operators.owner).await;
        house.pass(16);
        for (path, body) in [("/api/support/asks", ask), (enter.as_str(), Value::Null)] {
            assert_eq!(house.post(&operator, path, body).await.code(), "factor_required", "{path}");
        }
        let key = house.key(operators, &operators.owner).await;
        assert_eq!(house.post(&key, &enter, Value::Null).await.code(), "session_only");
        let ask = body("acme", &["users:read"]);
        assert_eq!(house.post(&key, "/api/support/asks", ask).await.code(), "people_only");
        house.entered(&id).await;
    }
}

#[tokio::test]
async fn no_more_requests_wait_than_an_approver_can_read() {
    for house in House::on_each_engine().await {
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        for _ in 0..20 {
            let asked = house.post(&operator, "/api/support/asks", body("acme", &["users:read"]));
            assert_eq!(asked.await.status, 201);
        }
        let more = house.post(&operator, "/api/support/asks", body("acme", &["users:read"])).await;
        assert_eq!((more.status, more.code().as_str()), (409, "too_many_requests_wait"));
        let other = house.post(&operator, "/api/support/asks", body("globex", &["users:read"]));
        assert_eq!(other.await.status, 201);
        let page = house.get(&operator, "/api/support/asks?limit=2").await.json();
        assert_eq!(page["items"].as_array().expect("items").len(), 2);
        assert!(page["next"].is_string());
    }
}
