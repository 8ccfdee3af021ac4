//! A call never leaves its org's region.

use std::fmt::Write as _;
use std::sync::Arc;

use gateway::testing::FakeProvider;
use jiff::SignedDuration;
use serde_json::json;
use tokio::task::JoinSet;

use crate::bench::Door;

/// Calls of one model, one after the other. With `PORTICO_LONG=1` there are the 10,000 fallbacks of
/// decision 34.
fn calls() -> usize {
    if std::env::var_os("PORTICO_LONG").is_some() { 502 } else { 52 }
}
/// Models that are called beside each other.
const MODELS: usize = 20;

/// Two routes in the region, of which one fails, and others elsewhere that would work. Time runs,
/// so that the one that fails is left out and tried again all the time.
fn twenty_models(us: &FakeProvider, apac: &FakeProvider) -> String {
    let mut text = format!(
        r#"
[endpoints.eu-broken]
speaks = "openai"
base_url = "http://127.0.0.1:9/v1"
region = "eu"
breaker_failures = 1000000
[endpoints.eu-down]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
breaker_failures = 1000000
[endpoints.eu-well]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[endpoints.us]
speaks = "openai"
base_url = "{}"
region = "us"
[endpoints.apac]
speaks = "openai"
base_url = "{}"
region = "apac"
[models.far]
free = true
routes = [{{ endpoint = "us" }}]
[models.lost]
free = true
routes = [{{ endpoint = "eu-broken" }}, {{ endpoint = "us", order = 1 }}]
"#,
        us.base_url(),
        apac.base_url()
    );
    for model in 0..MODELS {
        let fails = if model % 2 == 0 { "eu-down" } else { "eu-broken" };
        let _infallible = write!(
            text,
            r#"
[models.m{model}]
free = true
ejection = {{ duration_ms = 1 }}
hedge = {{ after_ms = 2, budget_percent = 50 }}
routes = [
  {{ endpoint = "us", order = 0 }}, {{ endpoint = "apac", order = 0 }},
  {{ endpoint = "{fails}", model = "down", order = 0 }},
  {{ endpoint = "eu-well", model = "fixed", order = 1 }}, {{ endpoint = "us", order = 1 }},
]
"#
        );
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_fallbacks_never_leave_the_region_and_all_but_one_at_most_succeed() {
    let (us, apac) = (FakeProvider::start().await, FakeProvider::start().await);
    let door = Arc::new(Door::on_sqlite(&twenty_models(&us, &apac)).await);
    let caller = door.member();
    let ask = |model: String| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    let mut models = JoinSet::new();
    for model in 0..MODELS {
        let (door, caller, ask) = (door.clone(), caller.clone(), ask(format!("m{model}")));
        models.spawn(async move {
            let mut failed = Vec::new();
            for _ in 0..calls() {
                // An ejection lasts no longer than that: each call is a probe, and falls back.
                door.clock.advance(SignedDuration::from_millis(20));
                let answer = door.chat(&caller, ask.clone()).await;
                failed.extend((answer.status != 200).then_some(answer.text));
            }
            failed
        });
    }
    let failed = models.join_all().await.concat();
    assert!(failed.len() <= 1, "more than one failed: {failed:?}");
    let answer = door.chat(&caller, ask("lost".to_owned())).await;
    assert_eq!(answer.status, 502, "rather refused than elsewhere: {}", answer.text);
    let answer = door.chat(&caller, ask("far".to_owned())).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!((us.calls(), apac.calls()), (0, 0));
    let mut fallbacks = 0;
    for event in door.events(&caller.org).await {
        if let Some(region) = event["call"].get("providerRegion") {
            assert_eq!(region, "eu");
            for key in ["endpoint", "hedge"] {
                let named = event["call"].get(key).and_then(serde_json::Value::as_str);
                assert!(named.is_none_or(|name| name.starts_with("eu-")), "{event}");
            }
            fallbacks += usize::from(event["call"]["attempts"].as_u64() >= Some(2));
        }
    }
    assert!(fallbacks >= 1_000, "{fallbacks} calls fell back");
    let text = door.metrics.render().expect("renders");
    let ejected = text.lines().filter(|line| line.contains("provider_ejections_total{model=\"m"));
    let ejected = ejected.filter(|line| !line.ends_with(" 0")).count();
    assert_eq!(ejected, MODELS, "every endpoint that failed was left out: {text}");
}
