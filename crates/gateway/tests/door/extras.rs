//! What makes a call dearer than its tokens, or has somebody else process it.

use serde_json::{Value, json};

use crate::bench::{Answer, Door, PLAIN};

/// One call with one field more, and where it goes.
async fn with(door: &Door, model: &str, name: &str, value: &Value) -> Answer {
    let caller = door.member();
    if model == "embed" {
        let ask = json!({ "model": model, "input": "hi", name: value });
        return door.post(&caller, "/v1/embeddings", ask.to_string()).await;
    }
    let messages = json!([{ "role": "user", "content": "hi" }]);
    door.chat(&caller, json!({ "model": model, "messages": messages, name: value })).await
}

fn dear() -> [(&'static str, Value, &'static str); 11] {
    [
        ("service_tier", json!("priority"), "service_tier"),
        ("web_search_options", json!({}), "web_search_options"),
        ("search_parameters", json!({ "mode": "on" }), "search_parameters"),
        ("plugins", json!([{ "id": "web" }]), "plugins"),
        ("models", json!(["other"]), "models"),
        ("provider", json!({ "order": ["x"] }), "provider"),
        ("route", json!("fallback"), "route"),
        ("audio", json!({ "voice": "ash", "format": "wav" }), "audio"),
        ("modalities", json!(["text", "audio"]), "audio"),
        ("best_of", json!(8), "best_of"),
        ("n_predict", json!(-1), "n_predict"),
    ]
}

#[tokio::test]
async fn what_changes_the_price_or_who_processes_is_refused_unless_allowed() {
    let door = Door::on_sqlite(PLAIN).await;
    for (name, value, _) in dear() {
        for model in ["fake", "embed"] {
            let answer = with(&door, model, name, &value).await;
            let error = &answer.json()["error"];
            assert_eq!(answer.status, 400, "{name} {}", answer.text);
            assert_eq!(
                (&error["code"], &error["param"], &error["type"]),
                (&json!("unsupported_parameter"), &json!(name), &json!("invalid_request_error"))
            );
        }
    }
    assert_eq!(door.provider.calls(), 0);
    for (name, value) in [
        ("service_tier", json!("auto")),
        ("service_tier", json!("default")),
        ("service_tier", Value::Null),
        ("models", Value::Null),
        ("modalities", json!(["text"])),
        ("service_tier", json!("on_demand")),
        ("best_of", json!(1)),
        ("models", json!([])),
        ("plugins", json!([])),
        ("provider", json!({})),
        ("search_parameters", json!({ "mode": "off" })),
    ] {
        let answer = with(&door, "fake", name, &value).await;
        assert_eq!(answer.status, 200, "{name} {value}: {}", answer.text);
    }
    for (name, value, allowed) in dear() {
        let allows = format!("key_env = \"PORTICO_FAKE\"\nallowed_fields = [\"{allowed}\"]");
        door.apply(&PLAIN.replace("key_env = \"PORTICO_FAKE\"", &allows)).expect("no fault");
        let answer = with(&door, "fake", name, &value).await;
        assert_eq!(answer.status, 200, "{name} {}", answer.text);
        let sent: Value =
            serde_json::from_slice(&door.provider.last().expect("a call").1).expect("JSON");
        assert_eq!(sent[name], value);
    }
}

#[tokio::test]
async fn a_field_goes_only_where_every_endpoint_of_the_model_in_the_region_may_have_it() {
    let two = PLAIN.replace("key_env = \"PORTICO_FAKE\"", "allowed_fields = [\"service_tier\"]")
        + "[endpoints.other-eu]\nspeaks = \"openai\"\nbase_url = \"PROVIDER\"\nregion = \"eu\"
           [models.two]\nfree = true\nroutes = [{ endpoint = \"fake-eu\" }, { endpoint = \"other-eu\", order = 1 }]";
    let door = Door::on_sqlite(&two).await;
    let tier = json!("priority");
    assert_eq!(with(&door, "fixed", "service_tier", &tier).await.status, 200);
    assert_eq!(with(&door, "two", "service_tier", &tier).await.status, 400);
}
