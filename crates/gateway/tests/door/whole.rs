//! Whole answers.

use access::{OrgId, Role};
use base::time::Clock;
use gateway::testing::HELLO;
use serde_json::json;

use crate::bench::Door;

#[tokio::test]
async fn an_answer_comes_with_its_receipt_and_its_two_events() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let ask = json!({ "model": "fake", "messages": [{ "role": "user", "content": "hi" }] });
        let answer = door.chat(&caller, ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], HELLO);
        let receipt = answer.headers["portico-receipt"].to_str().expect("text");
        let events = door.events(&caller.org).await;
        let [intent, outcome] = events.as_slice() else { panic!("two events, not {events:?}") };
        for event in [intent, outcome] {
            assert_eq!(event["resourceId"], receipt);
            assert_eq!(event["organizationId"], caller.org.as_str());
        }
        assert_eq!(
            (&intent["outcome"], &outcome["outcome"]),
            (&json!("started"), &json!("success"))
        );
        let call = &outcome["call"];
        assert_eq!(call["provider"], "fake");
        assert_eq!(call["providerRegion"], "eu");
        assert_eq!((&call["tokensIn"], &call["tokensOut"]), (&json!(12), &json!(7)));
        // 12 tokens at 1.00 and 7 at 2.00 per million, in nano-cents.
        assert_eq!(call["priceNanocents"], 12 * 100_000 + 7 * 200_000);
        let text = outcome.to_string() + &intent.to_string();
        assert!(!text.contains("\"hi\"") && !text.contains(HELLO), "the record holds no content");
    }
}

#[tokio::test]
async fn no_answer_is_released_when_the_record_is_down() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let ask = json!({ "model": "fake", "messages": [{ "role": "user", "content": "hi" }] });
        // The org is known by now, so that only the record stands in the way.
        assert_eq!(door.chat(&caller, ask.clone()).await.status, 200);
        door.bench.db.close().await;
        let answer = door.chat(&caller, ask.clone()).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(answer.json()["error"]["code"], "record_unavailable");
        assert!(!answer.text.contains(HELLO));
        let mut streamed = ask;
        streamed["stream"] = true.into();
        let answer = door.chat(&caller, streamed).await;
        assert!(!answer.text.contains("Hello"), "{}", answer.text);
        assert!(answer.text.contains("record_unavailable"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_provider_that_speaks_anthropic_answers_in_the_callers_language() {
    let door = Door::on_sqlite(crate::bench::PLAIN).await;
    let caller = door.member();
    let ask = json!({ "model": "claude", "messages": [{ "role": "user", "content": "hi" }] });
    let answer = door.chat(&caller, ask.clone()).await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], HELLO, "{}", answer.text);
    assert_eq!(answer.json()["model"], "claude");
    let mut streamed = ask;
    streamed["stream"] = true.into();
    let answer = door.chat(&caller, streamed).await;
    assert!(answer.text.contains("Hello from the fake provider."), "{}", answer.text);
    assert!(answer.text.ends_with("data: [DONE]\n\n"), "{}", answer.text);
    assert_eq!(answer.text.matches("[DONE]").count(), 1);
    let events = door.events(&caller.org).await;
    assert_eq!(events.last().expect("events")["call"]["tokensOut"], 6);
}

#[tokio::test]
async fn models_are_those_the_caller_may_call_in_the_region() {
    let door = Door::on_sqlite(crate::bench::PLAIN).await;
    let org = OrgId::new(door.clock.now());
    let list = async |caller| {
        let request = axum::http::Request::get("/v1/models").body(axum::body::Body::empty());
        let answer = door.send(&caller, request.expect("a request")).await;
        let ids = answer.json()["data"].as_array().expect("a list").clone();
        ids.iter().map(|model| model["id"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let member = list(door.somebody(org.clone(), Role::Member, None)).await;
    assert!(member.contains(&"fake".to_owned()) && member.contains(&"patterns".to_owned()));
    let viewer = list(door.somebody(org.clone(), Role::Viewer, None)).await;
    assert_eq!(viewer, ["patterns"]);
    let narrow = list(door.somebody(org, Role::Member, Some(vec!["fake".to_owned()]))).await;
    assert_eq!(narrow, ["fake"]);
}

#[tokio::test]
async fn embeddings_are_metered_and_priced_as_read_tokens() {
    let door = Door::on_sqlite(crate::bench::PLAIN).await;
    let caller = door.member();
    let ask = json!({ "model": "embed", "input": ["a", "b"] }).to_string();
    let answer = door.post(&caller, "/v1/embeddings", ask).await;
    assert_eq!(answer.json()["data"].as_array().map(Vec::len), Some(2), "{}", answer.text);
    let events = door.events(&caller.org).await;
    assert_eq!(events.last().expect("events")["call"]["tokensIn"], 4);
    let image = json!({ "model": "embed", "input": [{ "image": "x" }, { "image": "y" }] });
    let answer = door.post(&caller, "/v1/embeddings", image.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let events = door.events(&caller.org).await;
    let call = &events.last().expect("events")["call"];
    assert_eq!((&call["tokensIn"], &call["tokensOut"]), (&json!(6), &json!(0)));
    let wrong = json!({ "model": "fake", "input": "a" }).to_string();
    let answer = door.post(&caller, "/v1/embeddings", wrong).await;
    assert_eq!((answer.status, answer.json()["error"]["param"].clone()), (400, json!("model")));
}
