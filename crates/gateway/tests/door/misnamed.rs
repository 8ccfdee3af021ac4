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
