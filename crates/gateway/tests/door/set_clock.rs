//! A machine that learns that its clock was ahead, and sets it back.

use jiff::SignedDuration;
use serde_json::json;

use crate::bench::Door;

const ALONE: &str = r#"
[endpoints.eu]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
concurrency_max = 2
queue_wait_max_ms = 1000
breaker_failures = 1
breaker_open_ms = 10000
[models.down]
free = true
attempts_max = 1
routes = [{ endpoint = "eu" }]
[models.busy]
free = true
attempts_max = 1
routes = [{ endpoint = "eu" }]
"#;

#[tokio::test]
async fn an_endpoint_is_not_left_alone_for_as_long_as_the_clock_was_ahead() {
    let door = Door::on_sqlite(ALONE).await;
    let caller = door.member();
    let ask =
        |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    // It says that it is too much for seven seconds, and then it fails.
    for (model, status, secs) in [("busy", 503, 7), ("down", 502, 10)] {
        let calls = door.provider.calls();
        assert_eq!(door.chat(&caller, ask(model)).await.status, status);
        door.clock.set_back(SignedDuration::from_hours(3));
        assert_eq!(door.chat(&caller, ask(model)).await.status, 503);
        assert_eq!(door.provider.calls(), calls + 1, "it is left alone");
        if model == "down" {
            let view = serde_json::to_value(door.gateway.catalogue_view(&caller)).expect("json");
            let until = view["items"][0]["endpoints"][0]["resting_until"].clone();
            let said = door.clock.shared().now() + SignedDuration::from_secs(secs);
            assert_eq!(until, said.to_string(), "by the clock that people see: {view}");
        }
        door.clock.advance(SignedDuration::from_secs(secs));
        assert_eq!(door.chat(&caller, ask(model)).await.status, status);
        assert_eq!(door.provider.calls(), calls + 2, "and tried when that is over");
        door.clock.advance(SignedDuration::from_secs(secs));
    }
}
