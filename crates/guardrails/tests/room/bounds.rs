//! How many, how long, how deep.

use serde_json::{Value, json};

use crate::house::{House, forbid};

#[tokio::test]
async fn an_org_has_twenty_guardrails_at_most() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let policy = forbid("action in Action::\"models\"", "when { context.with_key }");
        let body = |number: usize| json!({"name": format!("No {number}"), "policy": policy});
        for number in 0..20 {
            let (status, made) =
                house.ask(&org.owner.key, "POST", "/api/guardrails", body(number)).await;
            assert_eq!(status, 201, "{made}");
        }
        let (status, problem) =
            house.ask(&org.owner.key, "POST", "/api/guardrails", body(20)).await;
        assert_eq!((status, &problem["code"]), (422, &json!("too_many_guardrails")));
        let (_, list) = house.ask(&org.owner.key, "GET", "/api/guardrails", Value::Null).await;
        let items = list["items"].as_array().expect("a list");
        assert_eq!(items.len(), 20);
        let one = format!("/api/guardrails/{}", items[0]["id"].as_str().expect("an id"));
        assert_eq!(house.ask(&org.owner.key, "DELETE", &one, Value::Null).await.0, 204);
        assert_eq!(house.ask(&org.owner.key, "POST", "/api/guardrails", body(20)).await.0, 201);
    }
}

#[tokio::test]
async fn a_policy_is_bounded() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let long = format!("// {}\n{}", "x".repeat(4096), forbid("action", "when { false }"));
        let deep = format!("when {{ {}true{} }}", "(".repeat(900), ")".repeat(900));
        let nots = format!("when {{ {}true }}", "!".repeat(3000));
        let minuses = format!("when {{ {}1 == 1 }}", "-".repeat(3000));
        let chain = format!("when {{ {}true }}", "true||".repeat(600));
        let ifs = format!("when {{ {}false }}", "if true then true else ".repeat(150));
        for policy in [
            long,
            forbid("action", &deep),
            forbid("action", &nots),
            forbid("action", &minuses),
            forbid("action", &chain),
            forbid("action", &ifs),
        ] {
            let body = json!({"name": "Much", "policy": policy});
            let (status, problem) =
                house.ask(&org.owner.key, "POST", "/api/guardrails", body).await;
            assert_eq!((status, &problem["param"]), (422, &json!("policy")), "{problem}");
        }
    }
}
