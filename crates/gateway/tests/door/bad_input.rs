//! What is refused, and how it is told.

use access::{OrgId, Role};
use base::time::Clock;
use serde_json::{Value, json};

use crate::bench::{Door, PLAIN};

#[tokio::test]
async fn every_refusal_has_its_status_its_code_and_its_param() {
    let door = Door::on_sqlite(PLAIN).await;
    let org = OrgId::new(door.clock.now());
    let member = door.somebody(org.clone(), Role::Member, None);
    let viewer = door.somebody(org.clone(), Role::Viewer, None);
    let narrow = door.somebody(org.clone(), Role::Member, Some(vec!["small".to_owned()]));
    let user = json!([{ "role": "user", "content": "hi" }]);
    let ask = |more: Value| {
        let mut ask = json!({ "model": "fake", "messages": user });
        ask.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        ask
    };
    let cases = [
        (&member, ask(json!({ "model": "gpt-9" })), 404, "model_not_found", Some("model")),
        (&viewer, ask(json!({})), 403, "permission_denied", None),
        (&narrow, ask(json!({})), 403, "model_not_allowed", Some("model")),
        (&member, ask(json!({ "messages": [] })), 400, "invalid_value", Some("messages")),
        (&member, ask(json!({ "stream": "yes" })), 400, "invalid_type", Some("stream")),
        (&member, ask(json!({ "max_tokens": 0 })), 400, "invalid_value", Some("max_tokens")),
        (&member, ask(json!({ "temperature": 3 })), 400, "invalid_value", Some("temperature")),
        (&member, ask(json!({ "Model": "big" })), 400, "ambiguous_parameter", Some("Model")),
        (
            &member,
            ask(json!({ "MAX_TO\u{212a}ENS": 9 })),
            400,
            "ambiguous_parameter",
            Some("MAX_TO\u{212a}ENS"),
        ),
        (&member, json!({ "messages": user }), 400, "missing_required_parameter", Some("model")),
        (&member, ask(json!({ "model": "picky" })), 400, "picky", Some("messages")),
        (&member, ask(json!({ "model": "locked" })), 502, "provider_failed", None),
        (&member, ask(json!({ "model": "busy" })), 503, "provider_overloaded", None),
    ];
    for (caller, body, status, code, param) in cases {
        let answer = door.chat(caller, body.clone()).await;
        let error = &answer.json()["error"];
        assert_eq!(answer.status, status, "{body} {}", answer.text);
        assert_eq!(error["code"], code, "{body}");
        assert_eq!(error["param"].as_str(), param, "{body}");
        assert!(error["message"].is_string() && error["type"].is_string());
    }
    let answer = door.post(&member, "/v1/chat/completions", "{\"model\": ").await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (400, json!("invalid_json"))
    );
    let answer = door.post(&member, "/v1/unknown", "{}").await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (404, json!("unknown_path"))
    );
    for event in door.events(&org).await {
        if let Some(call) = event.get("call") {
            assert_eq!(call["priceNanocents"], 0, "nothing was charged: {event}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_413() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let answer = door.post(&caller, "/v1/chat/completions", vec![b' '; (32 << 20) + 1]).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (413, json!("too_large")));
    assert_eq!(door.provider.calls(), 0);
    let request = axum::http::Request::post("/v1/chat/completions").body("{}".into());
    let answer = door.send(&caller, request.expect("a request")).await;
    assert_eq!(answer.status, 415);
}
