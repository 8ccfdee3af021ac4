//! Whole answers that are large: what they hold together, and those for which there is no place.

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::bench::{ANSWERS, Answer, Door, PLAIN};

const MIB: usize = 1 << 20;

/// Models that write as much as they may.
const LONG: &str = r#"
[models.long]
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.long-unsaid]
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.claude-long]
free = true
routes = [{ endpoint = "claude-eu" }]
"#;

async fn door() -> Door {
    // A provider in a test takes its time for so many bytes.
    Door::on_sqlite(&format!("{PLAIN}{LONG}").replace("timeout_ms = 1500", "timeout_ms = 60000"))
        .await
}

/// Asks for an answer of so many bytes and a little more.
fn ask(model: &str, bytes: usize) -> Value {
    json!({ "model": model, "max_tokens": bytes / 4, "messages": [{ "role": "user", "content": "hi" }] })
}

fn metric(door: &Door, name: &str) -> usize {
    let text = door.metrics.render().expect("renders");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("portico_{name} ")));
    line.expect("it is counted").parse().expect("a number")
}

fn held(door: &Door) -> usize {
    metric(door, "answer_bytes_held")
}

fn told(answer: &Answer, status: u16, code: &str) {
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{error}");
    assert_eq!(error["type"], "server_error");
    assert_eq!(answer.headers["portico-fault"], "portico");
}

/// An answer that nobody reads yet.
async fn unread(door: &Door, ask: Value) -> Body {
    let answer = door.open(&door.member(), ask).await;
    assert_eq!(answer.status(), 200);
    answer.into_body()
}

#[tokio::test]
async fn answers_of_all_calls_share_one_bound_and_who_finds_no_room_is_told_and_charged() {
    for model in ["long", "long-unsaid"] {
        let (door, large) = (door().await, ask(model, 30 * MIB));
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(unread(&door, large.clone()).await);
        }
        assert!((90 * MIB..91 * MIB).contains(&held(&door)), "{}", held(&door));
        let caller = door.member();
        let refused = door.chat(&caller, large.clone()).await;
        told(&refused, 503, "answers_full");
        assert_eq!(refused.headers["retry-after"], "2");
        assert_eq!(refused.headers["x-should-retry"], "false", "it would cost again");
        assert_eq!(metric(&door, "answers_refused_total"), 1);
        assert!((90 * MIB..91 * MIB).contains(&held(&door)), "it holds nothing");
        // The provider wrote it, and is not blamed.
        let ended = door.events_once(&caller.org, 2).await[1].clone();
        assert_eq!(refused.headers["portico-receipt"], ended["resourceId"].as_str().expect("text"));
        assert_eq!(
            (&ended["outcome"], &ended["call"]["estimated"]),
            (&json!("failed"), &json!(true))
        );
        let written = ended["call"]["tokensOut"].as_u64().expect("a number");
        let most = u64::try_from(30 * MIB / 4).expect("fits");
        assert!((most / 3..=most).contains(&written), "{ended}");
        assert!(ended["call"]["priceNanocents"].as_u64() >= Some(written * 200_000), "{ended}");
        assert_eq!(failed(&door, model), 0);
        // Small ones find room, and whoever holds one byte of an answer holds it all.
        assert_eq!(door.chat(&caller, ask("long-unsaid", 64 << 10)).await.status, 200);
        let whole = answers.pop().expect("three").collect().await.expect("a body").to_bytes();
        let last = whole.slice(whole.len() - 1..);
        drop(whole);
        assert_eq!(door.chat(&caller, large.clone()).await.status, 503);
        drop(last);
        let answer = door.chat(&caller, large).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.json()["choices"][0]["message"]["content"].as_str().map(str::len),
            Some(30 * MIB)
        );
        answers.clear();
        assert_eq!(held(&door), 0);
    }
}

#[tokio::test]
async fn a_translated_answer_takes_room_beside_the_one_it_is_made_of() {
    let (door, large) = (door().await, ask("claude-long", 20 * MIB));
    let mut answers = vec![unread(&door, ask("long", 30 * MIB)).await];
    answers.push(unread(&door, large.clone()).await);
    assert!((50 * MIB..51 * MIB).contains(&held(&door)), "of the original nothing is held");
    answers.push(unread(&door, ask("long", 10 * MIB)).await);
    // There is room for the original alone.
    let caller = door.member();
    let refused = door.chat(&caller, large.clone()).await;
    told(&refused, 503, "answers_full");
    // What it used is in hand, and no guess is charged: it is not marked as one.
    let call = door.events_once(&caller.org, 2).await[1]["call"].clone();
    let counted = (&call["tokensIn"], &call["tokensOut"], &call["estimated"]);
    assert_eq!(counted, (&json!(10), &json!(6), &Value::Null));
    answers.pop();
    let answer = door.chat(&door.member(), large).await;
    assert_eq!(
        answer.json()["choices"][0]["message"]["content"].as_str().map(str::len),
        Some(20 * MIB)
    );
    answers.clear();
    assert_eq!((held(&door), failed(&door, "claude-long")), (0, 0));
}

#[tokio::test]
async fn embeddings_as_large_as_openai_allows_are_answered() {
    let door = door().await;
    let caller = door.member();
    let input = vec!["a"; 2_048];
    let ask = json!({ "model": "embed", "input": input, "dimensions": 3_072, "encoding_format": "base64" });
    let answer = door.post(&caller, "/v1/embeddings", ask.to_string()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.len() > 2_048 * 16_384, "{}", answer.text.len());
    assert_eq!(door.events(&caller.org).await[1]["call"]["tokensIn"], 4);
    assert_eq!(held(&door), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_the_fault_of_its_endpoint() {
    for model in ["long", "long-unsaid"] {
        let door = door().await;
        let caller = door.member();
        let answer = door.chat(&caller, ask(model, 33 * MIB)).await;
        told(&answer, 502, "answer_too_large");
        assert_eq!(answer.headers["x-should-retry"], "false", "it would cost again");
        let ended = door.events_once(&caller.org, 2).await[1].clone();
        assert_eq!(ended["reason"]["code"], "answer_too_large");
        assert!(ended["call"]["tokensOut"].as_u64() > Some(8_000_000), "{ended}");
        assert_eq!((failed(&door, model), held(&door)), (0, 0));
    }
    // Of embeddings nothing is written: what was read is settled.
    let door = door().await;
    let caller = door.member();
    let vast =
        json!({ "model": "embed", "input": vec!["a"; 64], "dimensions": ANSWERS / 64 * 3 / 16 });
    let answer = door.post(&caller, "/v1/embeddings", vast.to_string()).await;
    told(&answer, 502, "answer_too_large");
    let call = door.events_once(&caller.org, 2).await[1]["call"].clone();
    assert!(call["tokensIn"].as_u64() > Some(0) && call["tokensOut"] == 0, "{call}");
}

/// Tries of a model that failed.
fn failed(door: &Door, model: &str) -> usize {
    let text = door.metrics.render().expect("renders");
    let mut tries = text.lines().filter(|line| line.starts_with("portico_provider_tries_total{"));
    let mine = [format!("model=\"{model}\""), "result=\"failed\"".to_owned()];
    let line = tries.find(|line| mine.iter().all(|part| line.contains(part)));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a number")
}
