//! Endpoints that do not have what the operator's catalogue says.

use serde_json::json;

use crate::bench::Door;

/// Two endpoints, of which the first one says this status.
fn two(status: u16) -> String {
    format!(
        r#"
[endpoints.eu-gone]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[endpoints.eu-well]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[models.small]
free = true
routes = [{{ endpoint = "eu-gone", model = "status-{status}" }},
          {{ endpoint = "eu-well", model = "fixed", order = 1 }}]
[models.lost]
free = true
attempts_max = 2
routes = [{{ endpoint = "eu-gone", model = "status-{status}" }},
          {{ endpoint = "eu-well", model = "status-404", order = 1 }}]
"#
    )
}

#[tokio::test]
async fn where_one_endpoint_does_not_have_the_model_another_is_asked_and_that_one_is_judged() {
    for status in [301, 308, 404, 405, 410] {
        let door = Door::on_sqlite(&two(status)).await;
        let caller = door.member();
        let ask = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
        let answer = door.chat(&caller, ask("small")).await;
        assert_eq!(answer.status, 200, "{status}: {}", answer.text);
        let text = door.metrics.render().expect("renders");
        for result in ["failed\"} 1", "ok\"} 0"] {
            let line = format!(
                "provider_tries_total{{model=\"small\",endpoint=\"eu-gone\",upstream=\"status-{status}\",result=\"{result}"
            );
            assert!(text.contains(&line), "{line} {text}");
        }
        // Where nobody has it, the caller is told so, in our words.
        let answer = door.chat(&caller, ask("lost")).await;
        assert_eq!(answer.status, 502, "{status}: {}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!((&error["code"], &error["param"]), (&json!("provider_failed"), &json!(null)));
        assert_eq!(answer.headers["portico-fault"], "provider");
        let said = error["message"].as_str().expect("text");
        assert!(said.contains("no such model") && said.contains("(it says 404)"), "{said}");
        assert!(!answer.text.contains("org-operator"), "{said}");
    }
}

/// Endpoints of which nobody answers: the first says 429, the second that it is not there, the third
/// that it is not there like this.
const NOBODY: &str = r#"
[endpoints.eu-busy]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[endpoints.eu-gone]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[models.unfit]
free = true
routes = [{ endpoint = "eu-gone" }]
[models.lost]
free = true
routes = [{ endpoint = "eu-gone", model = "status-404" }]
[models.both]
free = true
routes = [{ endpoint = "eu-busy", model = "unfit" },
          { endpoint = "eu-gone", model = "status-404", order = 1 }]
[models.served]
free = true
routes = [{ endpoint = "eu-gone", model = "unfit" },
          { endpoint = "eu-busy", model = "fixed", order = 1 }]
[models.busy-then-lost]
free = true
attempts_max = 2
routes = [{ endpoint = "eu-busy", model = "busy" },
          { endpoint = "eu-gone", model = "status-404", order = 1 }]
[models.busy-then-unfit]
free = true
attempts_max = 2
routes = [{ endpoint = "eu-busy", model = "busy" },
          { endpoint = "eu-gone", model = "unfit", order = 1 }]
"#;

#[tokio::test]
async fn a_404_that_the_request_caused_is_told_to_the_caller_asked_once_and_blames_no_endpoint() {
    let door = Door::on_sqlite(NOBODY).await;
    let caller = door.member();
    let ask =
        |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    for (model, calls) in [("unfit", 1), ("both", 2)] {
        let before = door.provider.calls();
        let answer = door.chat(&caller, ask(model)).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert_eq!(answer.json()["error"]["message"], "nobody here takes tools");
        assert_eq!(answer.headers["portico-fault"], "provider");
        assert_eq!(door.provider.calls() - before, calls, "{model}");
    }
    assert_eq!(door.chat(&caller, ask("served")).await.status, 200, "another one may take it");
    let text = door.metrics.render().expect("renders");
    let failed = text.lines().filter(|line| line.contains("upstream=\"unfit\",result=\"failed\""));
    let failed: Vec<_> = failed.map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(failed, [Some("0"); 4], "{text}");
}

#[tokio::test]
async fn who_does_not_have_the_model_is_asked_once_and_hides_no_error_that_passes() {
    let door = Door::on_sqlite(NOBODY).await;
    let caller = door.member();
    let ask =
        |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    let answer = door.chat(&caller, ask("lost")).await;
    assert_eq!((answer.status, door.provider.calls()), (502, 1), "{}", answer.text);
    assert_eq!(answer.headers["x-should-retry"], "false");
    assert!(answer.text.contains("no such model"), "{}", answer.text);
    for model in ["busy-then-lost", "busy-then-unfit"] {
        let door = Door::on_sqlite(NOBODY).await;
        let answer = door.chat(&door.member(), ask(model)).await;
        assert_eq!(answer.status, 503, "{model}: {}", answer.text);
        assert_eq!(answer.json()["error"]["code"], "provider_overloaded");
        assert_eq!(
            (&answer.headers["retry-after"], door.provider.calls()),
            (&"7".parse().expect("a value"), 2)
        );
        assert!(!answer.headers.contains_key("x-should-retry"));
    }
}
