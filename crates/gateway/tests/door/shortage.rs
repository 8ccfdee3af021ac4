//! An endpoint that may have few calls at once, and more of them that want to.

use std::sync::Arc;

use access::{Caller, Role};
use jiff::SignedDuration;
use limits::{Ceiling, Level};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::{Answer, Door};

/// Two calls at once, twenty that wait, and a second endpoint of another region.
const SHORT: &str = r#"
[endpoints.eu]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
concurrency_max = 2
queue_max = 20
queue_wait_max_ms = 60000
[endpoints.us]
speaks = "openai"
base_url = "PROVIDER"
region = "us"
[models.held]
free = true
routes = [{ endpoint = "eu" }, { endpoint = "us", order = 1 }]
[models.busy]
free = true
attempts_max = 2
routes = [{ endpoint = "eu" }]
"#;

fn ask(said: &str) -> Value {
    json!({ "model": "held", "messages": [{ "role": "user", "content": said }] })
}

fn spawn(calls: &mut JoinSet<Answer>, door: &Arc<Door>, caller: &Caller, said: String) {
    let (door, caller) = (door.clone(), caller.clone());
    calls.spawn(async move { door.chat(&caller, ask(&said)).await });
}

/// Until something holds that others do in their own time.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

fn gauge(door: &Door, name: &str) -> i64 {
    let text = door.metrics.render().expect("renders");
    let line =
        text.lines().find(|line| line.starts_with(&format!("portico_{name}{{endpoint=\"eu\"}} ")));
    let value = line.and_then(|line| line.rsplit(' ').next());
    value.expect("it is shown").parse().expect("a number")
}

#[tokio::test]
async fn an_org_that_floods_an_endpoint_is_passed_by_the_next_call_of_another() {
    for door in Door::on_each_engine().await {
        door.apply(SHORT).expect("a catalogue without fault");
        let (hog, quiet) = (door.member(), door.member());
        let door = Arc::new(door);
        let mut calls = JoinSet::new();
        for call in 0..12 {
            spawn(&mut calls, &door, &hog, format!("hog {call}"));
        }
        until(|| gauge(&door, "provider_waiting") == 10 && door.provider.held().len() == 2).await;
        spawn(&mut calls, &door, &quiet, "quiet".to_owned());
        until(|| gauge(&door, "provider_waiting") == 11).await;
        assert_eq!(gauge(&door, "provider_slots_taken"), 2);
        door.provider.let_go(1);
        until(|| door.provider.held().len() == 3).await;
        let third = door.provider.held()[2]["messages"][0]["content"].clone();
        assert_eq!(third, "quiet", "ten of the other org came before");
        door.provider.let_go(12);
        for answer in calls.join_all().await {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        assert_eq!(door.provider.in_hand_max(), 2, "never more than configured");
        assert_eq!(
            (gauge(&door, "provider_waiting"), gauge(&door, "provider_slots_taken")),
            (0, 0)
        );
    }
}

#[tokio::test]
async fn who_finds_the_line_full_is_told_that_it_is_our_overload_and_charged_nothing() {
    let door = Door::on_sqlite(&SHORT.replace("queue_max = 20", "queue_max = 1")).await;
    let owner = door.somebody(door.member().org.clone(), Role::Owner, None);
    let ceiling = Ceiling { concurrency: Some(3), ..Ceiling::default() };
    door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
    let caller = door.somebody(owner.org.clone(), Role::Member, None);
    let door = Arc::new(door);
    let mut calls = JoinSet::new();
    let others = door.member();
    for call in 0..3 {
        spawn(&mut calls, &door, &others, format!("{call}"));
    }
    until(|| gauge(&door, "provider_waiting") == 1).await;
    for _ in 0..5 {
        let answer = door.chat(&caller, ask("late")).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["code"], &error["type"]),
            (&json!("overloaded"), &json!("server_error"))
        );
        assert_eq!(answer.headers["portico-fault"], "portico");
        assert_eq!(answer.headers["retry-after"], "60");
    }
    assert_eq!(gauge(&door, "provider_turned_away_total"), 5);
    let ends = door.events_once(&caller.org, 10).await;
    for end in ends.iter().filter(|event| event["action"] == "gateway.call.ended") {
        assert_eq!(end["outcome"], "failed");
        let call = &end["call"];
        assert_eq!((&call["attempts"], &call["tokensIn"]), (&json!(0), &json!(0)), "{call}");
        assert_eq!(call.get("endpoint"), None, "nobody was asked");
    }
    let text = door.metrics.render().expect("renders");
    assert!(text.contains("provider_tries_total{model=\"held\",endpoint=\"eu\",upstream=\"held\",result=\"failed\"} 0"), "not the provider's fault: {text}");
    door.provider.let_go(3);
    assert!(calls.join_all().await.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn who_hangs_up_while_waiting_is_out_of_the_line_at_once_and_gets_back_what_was_held() {
    for door in Door::on_each_engine().await {
        door.apply(SHORT).expect("a catalogue without fault");
        let owner = door.somebody(door.member().org.clone(), Role::Owner, None);
        let ceiling = Ceiling { concurrency: Some(1), ..Ceiling::default() };
        door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
        let leaver = door.somebody(owner.org.clone(), Role::Member, None);
        let door = Arc::new(door);
        let mut calls = JoinSet::new();
        let others = door.member();
        for call in 0..2 {
            spawn(&mut calls, &door, &others, format!("{call}"));
        }
        until(|| door.provider.held().len() == 2).await;
        let mut leaving = JoinSet::new();
        spawn(&mut leaving, &door, &leaver, "leaves".to_owned());
        until(|| gauge(&door, "provider_waiting") == 1).await;
        leaving.shutdown().await;
        assert_eq!(gauge(&door, "provider_waiting"), 0);
        let end = door.events_once(&leaver.org, 3).await.pop().expect("an event");
        assert_eq!(end["outcome"], "aborted");
        assert_eq!((&end["call"]["attempts"], &end["call"]["tokensIn"]), (&json!(0), &json!(0)));
        // Its one call at once is free again.
        door.provider.let_go(3);
        let answer = door.chat(&leaver, ask("again")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(calls.join_all().await.iter().all(|answer| answer.status == 200));
        assert_eq!(door.provider.held().len(), 3, "the call that was left reached nobody");
    }
}

#[tokio::test]
async fn a_provider_that_pushes_back_gets_fewer_calls_and_is_left_alone_as_long_as_it_says() {
    // It says seven seconds, and nobody waits for longer than one.
    let text = SHORT.replace("queue_wait_max_ms = 60000", "queue_wait_max_ms = 1000");
    // Anthropic says it with a number of its own.
    for model in ["busy", "status-529"] {
        let door = Door::on_sqlite(&text.replace("models.busy", &format!("models.{model}"))).await;
        door.clock.advance(SignedDuration::from_secs(1));
        let caller = door.member();
        let busy = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
        for _ in 0..2 {
            let answer = door.chat(&caller, busy.clone()).await;
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert_eq!(answer.json()["error"]["code"], "provider_overloaded");
            assert_eq!(answer.headers["portico-fault"], "provider");
            assert_eq!(answer.headers["retry-after"], "7");
        }
        assert_eq!(door.provider.calls(), 1, "asked again only after what it says");
        assert_eq!((gauge(&door, "provider_slots_max"), gauge(&door, "provider_slots")), (2, 1));
        door.clock.advance(SignedDuration::from_secs(7));
        door.provider.let_go(1);
        assert_eq!(door.chat(&caller, ask("hi")).await.status, 200);
    }
}
