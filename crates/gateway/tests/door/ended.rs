//! Calls whose credentials end while they run.

use std::time::{Duration, Instant};

use access::Caller;
use gateway::Piece;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::bench::Door;

fn ask(model: &str) -> Value {
    json!({ "model": model, "stream": true, "messages": [{ "role": "user", "content": "hi" }] })
}

/// Reads until so many bytes are there, or to the end.
async fn read(body: &mut axum::body::Body, bytes: usize) -> String {
    let mut seen = String::new();
    while seen.len() < bytes
        && let Some(frame) = body.frame().await
    {
        let frame = frame.expect("data");
        seen.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
    }
    seen
}

/// Calls that have ended, as the metrics say.
fn ended(door: &Door) -> u32 {
    let text = door.metrics.render().expect("renders");
    let lines = text.lines().filter(|line| line.starts_with("portico_calls_total{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).sum()
}

/// What the record says once the call has ended, and that the provider was told.
async fn aborted(door: &Door, caller: &Caller) -> Value {
    let begun = Instant::now();
    let events = door.events_once(&caller.org, 2).await;
    while door.provider.cancelled() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the provider goes on");
        tokio::task::yield_now().await;
    }
    let ended = events[1].clone();
    assert_eq!(ended["outcome"], "aborted");
    assert_eq!(ended["reason"]["code"], "credentials_ended");
    ended
}

#[tokio::test]
async fn a_stream_ends_with_its_credential_and_says_so() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let mut body = door.open(&caller, ask("paced")).await.into_body();
        let before = read(&mut body, 2_000).await;
        assert!(before.contains("Hello"), "{before}");
        caller.standing.life.end();
        let after = read(&mut body, usize::MAX).await;
        let last = after.trim_end().strip_prefix("data: ").expect("one event and nothing else");
        let last: Value = serde_json::from_str(last).expect("json");
        assert_eq!(last["error"]["code"], "credentials_ended", "{after}");
        assert_eq!(last["error"]["type"], "authentication_error");
        let call = aborted(&door, &caller).await["call"].clone();
        let tokens = call["tokensOut"].as_i64().expect("a number");
        assert!(tokens > 5, "what was produced is settled: {call}");
        let prompt = call["tokensIn"].as_i64().expect("a number");
        assert_eq!(call["priceNanocents"], prompt * 100_000 + tokens * 200_000);
        // Another credential of the same org goes on as if nothing were.
        let other = door.somebody(caller.org.clone(), access::Role::Member, None);
        assert_eq!(door.chat(&other, ask("fake")).await.status, 200);
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_ends_with_its_credential_too() {
    let door = Door::on_sqlite(crate::bench::PLAIN).await;
    let caller = door.member();
    let mut body = door.open(&caller, ask("paced")).await.into_body();
    assert!(read(&mut body, 500).await.contains("Hello"));
    caller.standing.life.end();
    aborted(&door, &caller).await;
    let late = read(&mut body, usize::MAX).await;
    assert!(late.starts_with("data: {\"error\"") && !late.contains("choices"), "{late}");
}

#[tokio::test]
async fn a_whole_answer_is_not_released_behind_the_end_of_its_credential() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        let mut whole = ask("silent");
        whole["stream"] = json!(false);
        let end = async {
            while door.provider.calls() == 0 {
                tokio::task::yield_now().await;
            }
            caller.standing.life.end();
        };
        let (answer, ()) = tokio::join!(door.chat(&caller, whole.clone()), end);
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(answer.json()["error"]["code"], "credentials_ended");
        let receipt = answer.headers["portico-receipt"].to_str().expect("text").to_owned();
        let events = door.events_once(&caller.org, 2).await;
        assert_eq!(events[1]["resourceId"], receipt);
        assert_eq!(events[1]["outcome"], "aborted");
        assert_eq!(events[1]["reason"]["code"], "credentials_ended");
        assert!(events[1]["call"]["tokensIn"].as_i64() > Some(0), "the prompt was sent");
        // Nothing begins on it any more, however long its body took to arrive.
        assert_eq!(door.chat(&caller, whole).await.status, 401);
        assert_eq!((door.provider.calls(), door.events(&caller.org).await.len()), (1, 2));
    }
}

#[tokio::test]
async fn a_whole_answer_is_not_released_where_its_credential_ended_while_its_outcome_was_written() {
    for model in ["fake", "patterns"] {
        let door = Door::on_sqlite(crate::bench::PLAIN).await;
        let caller = door.member();
        // The org is known by now, so that only the record stands in the way.
        assert_eq!(door.chat(&caller, ask("fixed")).await.status, 200);
        let alone = door.bench.db.begin(&base::db::Within::node()).await.expect("begins");
        let mut whole = ask(model);
        whole["stream"] = json!(false);
        let end = async {
            // The outcome of the call is all that is waited for.
            while ended(&door) < 2 {
                tokio::task::yield_now().await;
            }
            caller.standing.life.end();
            drop(alone);
        };
        let (answer, ()) = tokio::join!(door.chat(&caller, whole), end);
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (401, Some("credentials_ended"))
        );
        let events = door.events_once(&caller.org, 4).await;
        assert_eq!(
            (&events[3]["action"], &events[3]["outcome"]),
            (&json!("gateway.call.ended"), &json!("success"))
        );
    }
}

#[tokio::test]
async fn whoever_asks_from_inside_is_told_that_the_credential_ended() {
    let door = Door::on_sqlite(crate::bench::PLAIN).await;
    let caller = door.member();
    let body = ask("paced").to_string().into();
    let mut hearing = door.gateway.chat(&caller, body).await.expect("begins");
    while !matches!(hearing.next().await, Some(Piece::Text(_))) {}
    caller.standing.life.end();
    let broken = loop {
        match hearing.next().await {
            Some(Piece::Text(_) | Piece::Alive) => {}
            other => break other,
        }
    };
    let Some(Piece::Broken { code, .. }) = broken else { unreachable!("{broken:?}") };
    assert_eq!(code, "credentials_ended");
    assert_eq!(hearing.end().expect("it ended").outcome, audit::Outcome::Aborted);
}
