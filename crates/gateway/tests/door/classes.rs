//! What a model is approved for.

use std::sync::Arc;

use access::{Caller, DataClass, Guard, Identified, Objection, Permission, Standing, Thing};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::bench::Door;

const CLASSED: &str = r#"
[endpoints.eu]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
[models.inside]
free = true
data_class = "confidential"
routes = [{ endpoint = "eu" }]
[models.outside]
free = true
data_class = "internal"
routes = [{ endpoint = "eu" }]
[models.unsaid]
free = true
routes = [{ endpoint = "eu" }]
"#;

/// Forbids models that are approved for internal data at most.
#[derive(Debug)]
struct ApprovedOnly;

impl Guard for ApprovedOnly {
    fn refuses(
        &self,
        _: &Identified,
        wanted: Permission,
        on: Option<Thing<'_>>,
    ) -> Option<Objection> {
        let class = on?.data_class?;
        (wanted == Permission::ModelsInvoke && class <= DataClass::Internal).then(|| Objection {
            policies: vec!["grl_1".to_owned()],
            detail: "a guardrail forbids it: “Approved models only”".to_owned(),
        })
    }
}

fn ask(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] })
}

#[tokio::test]
async fn a_model_is_asked_about_with_what_it_is_approved_for() {
    let door = Door::on_sqlite(CLASSED).await;
    let member = door.member();
    let guard: Option<Arc<dyn Guard>> = Some(Arc::new(ApprovedOnly));
    let guarded = Caller::identified(Identified {
        standing: Standing { guard, ..Standing::default() },
        ..Identified::clone(&member)
    });
    for (model, status) in [("inside", 200), ("outside", 403), ("unsaid", 200)] {
        assert_eq!(door.chat(&member, ask(model)).await.status, 200, "{model}");
        let answer = door.chat(&guarded, ask(model)).await;
        assert_eq!(answer.status, status, "{model}: {}", answer.text);
        assert_eq!(answer.text.contains("Approved models only"), status == 403, "{}", answer.text);
    }
    let request = Request::get("/v1/models").body(Body::empty()).expect("a request");
    let listed = door.send(&guarded, request).await.json();
    let names: Vec<_> = listed["data"].as_array().expect("a list").iter().collect();
    let names: Vec<_> = names.iter().filter_map(|model| model["id"].as_str()).collect();
    assert!(!names.contains(&"outside") && names.contains(&"inside"), "{names:?}");

    let seen = serde_json::to_value(door.gateway.catalogue_view(&guarded)).expect("json");
    let classes: Vec<_> = (0..3).map(|place| &seen["items"][place]["data_class"]).collect();
    assert_eq!(classes, [&json!("confidential"), &json!("internal"), &Value::Null]);
    assert_eq!(seen["items"][1]["may_call"], false);
    let wrong = CLASSED.replace("\"internal\"", "\"inernal\"");
    assert!(toml::from_str::<gateway::Config>(&wrong).is_err(), "a class that there is not");

    // Another catalogue, another answer, without a restart.
    door.apply(&CLASSED.replace("\"internal\"", "\"secret\"")).expect("is applied");
    assert_eq!(door.chat(&guarded, ask("outside")).await.status, 200);
}

#[tokio::test]
async fn what_is_more_sensitive_than_a_model_is_approved_for_is_not_sent_to_it() {
    let door = Door::on_sqlite(CLASSED).await;
    let member = door.member();
    for (class, model, passes) in [
        ("internal", "outside", true),
        ("confidential", "outside", false),
        ("secret", "outside", false),
        ("confidential", "inside", true),
        ("secret", "inside", false),
        ("secret", "unsaid", true),
        ("unclassed", "outside", true),
    ] {
        let before = door.provider.calls();
        let answer = door.chat(&member, ask(&format!("pattern/{class}/{model}"))).await;
        assert_eq!(answer.status == 200, passes, "{class} {model}: {}", answer.text);
        assert_eq!(door.provider.calls() > before, passes, "{class} {model}");
        if !passes {
            assert_eq!(
                (answer.status, &answer.json()["error"]["code"]),
                (403, &json!("model_not_approved"))
            );
            assert!(answer.text.contains("is approved for"), "{}", answer.text);
        }
    }
}
