//! Streamed answers.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::bench::{Door, PLAIN};

fn ask(model: &str, usage: bool) -> Value {
    let mut ask = json!({
        "model": model, "stream": true, "messages": [{ "role": "user", "content": "hi" }]
    });
    if usage {
        ask["stream_options"] = json!({ "include_usage": true });
    }
    ask
}

#[tokio::test]
async fn a_stream_ends_with_its_receipt_after_its_outcome_is_on_disk() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let answer = door.chat(&caller, ask("fake", true)).await;
        let receipt = answer.headers["portico-receipt"].to_str().expect("text").to_owned();
        let end = format!(": portico-receipt {receipt}\n\ndata: [DONE]\n\n");
        assert!(answer.text.ends_with(&end), "{}", answer.text);
        assert!(answer.text.contains("\"usage\":{"), "the caller asked for it");
        // The last byte is here, so the outcome is on disk.
        let events = door.events(&caller.org).await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[1]["outcome"], "success");
        assert_eq!(events[1]["call"]["tokensOut"], 5);
    }
}

#[tokio::test]
async fn usage_is_metered_even_when_the_caller_does_not_ask_for_it() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let answer = door.chat(&caller, ask("fake", false)).await;
    assert!(!answer.text.contains("\"usage\""), "{}", answer.text);
    let events = door.events(&caller.org).await;
    assert_eq!(events[1]["call"]["tokensIn"], 12);
    assert_eq!(events[1]["call"].get("estimated"), None);
}

#[tokio::test]
async fn a_provider_that_dies_mid_stream_is_told_to_the_caller() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let answer = door.chat(&caller, ask("cut", true)).await;
        let last = answer.text.trim_end().rsplit("\n\n").next().expect("an event");
        let last: Value =
            serde_json::from_str(last.strip_prefix("data: ").expect("data")).expect("json");
        assert_eq!(last["error"]["code"], "provider_failed", "{}", answer.text);
        assert!(answer.text.contains("Hello"), "what came before is not lost");
        let events = door.events_once(&caller.org, 2).await;
        assert_eq!(events[1]["outcome"], "failed");
        assert!(events[1]["call"]["tokensOut"].as_u64() > Some(0), "what was produced is counted");
        assert_eq!(events[1]["call"]["estimated"], true);
    }
}

#[tokio::test]
async fn an_aborted_stream_settles_what_was_produced() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let response = door.open(&caller, ask("endless", false)).await;
        let mut body = response.into_body();
        let mut seen = String::new();
        while !seen.contains("Hello") {
            let frame = body.frame().await.expect("a frame").expect("data");
            seen.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
        }
        drop(body);
        let events = door.events_once(&caller.org, 2).await;
        assert_eq!(events[1]["outcome"], "aborted");
        let call = &events[1]["call"];
        let tokens = call["tokensOut"].as_i64().expect("a number");
        assert!((1..=5).contains(&tokens), "{call}");
        let prompt = call["tokensIn"].as_i64().expect("a number");
        assert_eq!(call["priceNanocents"], prompt * 100_000 + tokens * 200_000);
        // The provider was told as well.
        while door.provider.cancelled() == 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_provider_that_falls_silent_mid_stream_is_given_up() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let answer = door.chat(&caller, ask("endless", false)).await;
    assert!(answer.text.contains("provider_timeout"), "{}", answer.text);
    let answer = door.chat(&caller, ask("silent", false)).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (504, json!("provider_timeout"))
    );
}

#[tokio::test]
async fn a_provider_that_drips_bytes_is_given_up_as_one_that_is_silent() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let answer = door.chat(&caller, ask("dripping", false)).await;
    assert!(answer.text.contains("provider_timeout"), "{}", answer.text);
    let mut whole = ask("dripping", false);
    whole["stream"] = json!(false);
    let answer = door.chat(&caller, whole).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (504, json!("provider_timeout"))
    );
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_with_comments() {
    let door =
        Door::on_sqlite(&PLAIN.replace("idle_timeout_ms = 1500", "idle_timeout_ms = 60000")).await;
    let caller = door.member();
    // The provider says a little and then nothing for long.
    let mut body = door.open(&caller, ask("endless", false)).await.into_body();
    let mut seen = String::new();
    while !seen.contains(": keep-alive\n\n") {
        let frame = body.frame().await.expect("a frame").expect("data");
        seen.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
    }
    assert!(seen.starts_with("data: ") && !seen.contains("error"), "{seen}");
}
