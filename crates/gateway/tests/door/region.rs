//! A call never leaves its org's region.

use gateway::testing::FakeProvider;
use serde_json::json;

use crate::bench::Door;

#[tokio::test]
async fn a_thousand_fallbacks_never_leave_the_region() {
    let (us, apac) = (FakeProvider::start().await, FakeProvider::start().await);
    let text = format!(
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
[models.small]
free = true
attempts_max = 5
routes = [
  {{ endpoint = "us", order = 0 }}, {{ endpoint = "apac", order = 0 }},
  {{ endpoint = "eu-broken", order = 0 }}, {{ endpoint = "eu-down", model = "down", order = 0 }},
  {{ endpoint = "eu-well", order = 1 }}, {{ endpoint = "us", order = 1 }},
]
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
    let door = Door::on_sqlite(&text).await;
    let caller = door.member();
    let ask =
        |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    for _ in 0..1000 {
        let answer = door.chat(&caller, ask("small")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let answer = door.chat(&caller, ask("lost")).await;
    assert_eq!(answer.status, 502, "rather refused than elsewhere: {}", answer.text);
    let answer = door.chat(&caller, ask("far")).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!((us.calls(), apac.calls()), (0, 0));
    let mut tries = 0;
    for event in door.events(&caller.org).await {
        if let Some(region) = event["call"].get("providerRegion") {
            assert_eq!(region, "eu");
            tries += event["call"]["attempts"].as_u64().expect("a number");
        }
    }
    assert!(tries >= 2_000, "every call fell back: {tries} tries");
}
