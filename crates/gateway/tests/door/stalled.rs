//! Whoever stands still: callers that do not read, and providers that do not go on.

use std::sync::Arc;
use std::time::Duration;

use access::{Caller, OrgId, Role};
use axum::body::Body;
use base::time::Clock;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use limits::{Ceiling, Level};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::{Door, PLAIN};

fn ask(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": "hi" }] })
}

/// Time passes for whoever waits, but not for providers and databases.
async fn pass(secs: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(secs)).await;
    tokio::time::resume();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Reads until this was said, or nothing more comes.
async fn hear(body: &mut Body, words: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(words)
        && let Some(frame) = body.frame().await
    {
        seen.push_str(&String::from_utf8_lossy(frame.expect("data").data_ref().expect("data")));
    }
    seen
}

/// `fake-eu` takes one call at once.
fn one_slot() -> String {
    PLAIN.replace("key_env = \"PORTICO_FAKE\"", "key_env = \"PORTICO_FAKE\"\nconcurrency_max = 1")
}

#[tokio::test]
async fn a_stream_that_nobody_reads_for_a_minute_is_settled_and_its_slot_is_free() {
    let door = Door::on_sqlite(&one_slot()).await;
    let caller = door.member();
    let mut body = door.open(&caller, ask("paced", true)).await.into_body();
    hear(&mut body, "Hello").await;
    pass(60).await;
    let events = door.events_once(&caller.org, 2).await;
    assert_eq!(events[1]["outcome"], "aborted");
    assert_eq!(events[1]["reason"]["code"], "answer_not_read");
    let call = &events[1]["call"];
    let (prompt, tokens) = (call["tokensIn"].as_i64(), call["tokensOut"].as_i64());
    let (prompt, tokens) = (prompt.expect("a number"), tokens.expect("a number"));
    assert!(prompt > 0 && tokens > 0, "{call}");
    assert_eq!(call["priceNanocents"], prompt * 100_000 + tokens * 200_000);
    while door.provider.cancelled() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200, "the slot is free");
    let late = body.collect().await.expect("a body").to_bytes();
    let late = String::from_utf8_lossy(&late);
    assert!(late.starts_with("data: {\"error\"") && late.contains("answer_not_read"), "{late}");
}

#[tokio::test]
async fn a_caller_that_reads_a_stream_in_which_nothing_comes_is_there() {
    let patient = PLAIN.replace("idle_timeout_ms = 1500", "idle_timeout_ms = 600000");
    let door = Door::on_sqlite(&patient).await;
    let caller = door.member();
    let mut body = door.open(&caller, ask("endless", true)).await.into_body();
    hear(&mut body, "from").await;
    let mut reading = JoinSet::new();
    reading.spawn(async move { hear(&mut body, "error").await });
    for _ in 0..5 {
        pass(31).await;
    }
    if let Some(ended) = reading.try_join_next() {
        panic!("it was ended: {}", ended.expect("no panic"));
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_that_do_not_come_are_not_waited_for() {
    let stalled = "[models.stalled]\nfree = true\nroutes = [{ endpoint = \"fake-eu\" }]\n";
    let door = Door::on_sqlite(&format!("{}{stalled}", one_slot())).await;
    let caller = door.member();
    for stream in [false, true] {
        let answer = door.chat(&caller, ask("stalled", stream)).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(answer.json()["error"]["code"], "provider_refused");
    }
    assert_eq!(door.provider.calls(), 2, "it would say the same again");
    assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200, "the slot is free");
}

/// Somebody of an org that may make one call at once.
async fn one_at_once(config: &str) -> (Arc<Door>, Caller) {
    let door = Arc::new(Door::on_sqlite(config).await);
    let org = OrgId::new(door.clock.now());
    let owner = door.somebody(org.clone(), Role::Owner, None);
    let ceiling = Ceiling { concurrency: Some(1), ..Ceiling::default() };
    door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
    let caller = door.somebody(org, Role::Member, None);
    (door, caller)
}

#[tokio::test]
async fn a_stream_that_takes_long_stays_reserved() {
    let patient = PLAIN.replace("idle_timeout_ms = 1500", "idle_timeout_ms = 3600000");
    let (door, caller) = one_at_once(&patient).await;
    let mut body = door.open(&caller, ask("endless", true)).await.into_body();
    hear(&mut body, "from").await;
    let mut reading = JoinSet::new();
    reading.spawn(async move { hear(&mut body, "error").await });
    // A quarter of an hour is more than a reservation lasts without a sign of life.
    for _ in 0..4 {
        door.clock.advance(SignedDuration::from_mins(4));
        pass(31).await;
    }
    let second = door.chat(&caller, ask("fixed", false)).await;
    assert_eq!(second.status, 429, "{}", second.text);
    reading.shutdown().await;
    assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200, "it was given back");
}

#[tokio::test]
async fn a_whole_answer_that_takes_long_stays_reserved() {
    let held = "[models.held]\nfree = true\nroutes = [{ endpoint = \"fake-eu\" }]\n";
    let patient = PLAIN.replace("token_timeout_ms = 1500", "token_timeout_ms = 3600000");
    let (door, caller) = one_at_once(&format!("{patient}{held}")).await;
    let mut calls = JoinSet::new();
    {
        let (door, caller) = (door.clone(), caller.clone());
        calls.spawn(async move { door.chat(&caller, ask("held", false)).await });
    }
    while door.provider.held().is_empty() {
        tokio::task::yield_now().await;
    }
    // Twice nine minutes are more than a reservation lasts without a sign of life.
    door.clock.advance(SignedDuration::from_mins(9));
    pass(61).await;
    door.clock.advance(SignedDuration::from_mins(9));
    let second = door.chat(&caller, ask("fixed", false)).await;
    assert_eq!(second.status, 429, "{}", second.text);
    door.provider.let_go(1);
    let first = calls.join_next().await.expect("one").expect("no panic");
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(door.chat(&caller, ask("fixed", false)).await.status, 200, "it was given back");
}
