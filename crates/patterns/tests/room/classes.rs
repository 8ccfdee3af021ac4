//! How sensitive a pattern is, and what guardrails make of it.

use std::sync::Arc;

use access::{Caller, DataClass, Guard, Identified, Objection, Permission, Role, Standing, Thing};
use serde_json::{Value, json};

use crate::bench::{Room, Says, text};

/// Forbids some permissions on what is at least so sensitive; without a class on everything.
#[derive(Debug)]
struct No(&'static [Permission], Option<DataClass>);

impl Guard for No {
    fn refuses(
        &self,
        _: &Identified,
        wanted: Permission,
        on: Option<Thing<'_>>,
    ) -> Option<Objection> {
        let class = on.and_then(|on| on.data_class);
        (self.0.contains(&wanted) && class >= self.1).then(|| Objection {
            policies: vec!["grl_1".to_owned()],
            detail: "a guardrail forbids it: “Not from here”".to_owned(),
        })
    }
}

/// The same caller, outside the office.
fn outside(caller: &Caller, no: No) -> Caller {
    let guard: Option<Arc<dyn Guard>> = Some(Arc::new(no));
    Caller::identified(Identified {
        standing: Standing { guard, ..Standing::default() },
        ..Identified::clone(caller)
    })
}

const READ_AND_RUN: &[Permission] = &[Permission::PatternsRead, Permission::PatternsRun];

fn hours(class: Option<&str>) -> Value {
    let mut body =
        json!({ "name": "Hours", "triggers": ["When are you open?"], "answer": "At nine." });
    if let Some(class) = class {
        body["data_class"] = class.into();
    }
    body
}

async fn teach(room: &Room, caller: &Caller, class: Option<&str>) -> Value {
    let mut body = hours(class);
    body["slug"] = "hours".into();
    let (status, pattern) = room.ask(caller, "POST", "/api/patterns", body).await;
    assert_eq!(status, 201, "{pattern}");
    pattern
}

async fn change(room: &Room, caller: &Caller, class: Option<&str>, publish: bool) -> (u16, Value) {
    let mut body = hours(class);
    body["publish"] = publish.into();
    room.ask(caller, "PUT", "/api/patterns/hours", body).await
}

#[tokio::test]
async fn changing_a_patterns_class_takes_effect_at_once() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let viewer = room.somebody(&org, Role::Viewer);
        let away = outside(&viewer, No(READ_AND_RUN, Some(DataClass::Confidential)));
        let pattern = teach(&room, &admin, Some("internal")).await;
        assert_eq!(pattern["data_class"], "internal");
        let run = async |caller: &Caller| text(room.says(caller, "pattern/hours", "open?").await);
        assert_eq!(run(&away).await, "At nine.");
        assert_eq!(change(&room, &admin, Some("confidential"), true).await.0, 200);
        assert_eq!(run(&away).await, "permission_denied");
        assert_eq!(run(&viewer).await, "At nine.", "inside, nothing changed");
        let (status, problem) = room.get(&away, "/api/patterns/hours").await;
        assert_eq!((status, &problem["decision"]["policies"]), (403, &json!(["grl_1"])));
        assert_eq!(problem["decision"]["data_class"], "confidential");
        assert_eq!(change(&room, &admin, Some("public"), true).await.0, 200);
        assert_eq!(run(&away).await, "At nine.");
    }
}

#[tokio::test]
async fn a_higher_class_holds_when_it_is_saved_and_a_lower_one_when_it_answers() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let viewer = room.somebody(&org, Role::Viewer);
        let away = outside(&viewer, No(READ_AND_RUN, Some(DataClass::Secret)));
        teach(&room, &admin, Some("internal")).await;
        let run = async || text(room.says(&away, "pattern/hours", "open?").await);
        assert_eq!(run().await, "At nine.");
        assert_eq!(change(&room, &admin, Some("secret"), false).await.0, 200);
        assert_eq!(
            run().await,
            "permission_denied",
            "the version before answers, and is secret now"
        );
        assert_eq!(change(&room, &admin, Some("secret"), true).await.0, 200);
        assert_eq!(change(&room, &admin, Some("public"), false).await.0, 200);
        assert_eq!(run().await, "permission_denied", "nobody has approved that it is public");
        let (_, html) = room.page(&admin, "/patterns/hours").await;
        assert!(html.contains("Secret <span class=\"soft\">until version 3 answers"), "{html}");
        let path = "/api/patterns/hours/publish";
        assert_eq!(room.ask(&admin, "POST", path, json!({})).await.0, 200);
        assert_eq!(run().await, "At nine.");
        // What it said when it was secret stays so.
        assert_eq!(room.get(&away, "/api/patterns/hours/versions/3").await.0, 200);
        assert_eq!(room.get(&away, "/api/patterns/hours/versions/2").await.0, 403);
        assert_eq!(room.get(&away, "/api/patterns/hours/diff?from=2&to=3").await.0, 403);
        assert_eq!(room.get(&viewer, "/api/patterns/hours/versions/2").await.0, 200);
        let (_, diff) = room.get(&viewer, "/api/patterns/hours/diff?from=2&to=3").await;
        assert_eq!(diff["parts"][0]["part"], "data_class", "{diff}");
    }
}

#[tokio::test]
async fn what_was_classed_stays_classed_until_somebody_says_otherwise() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        teach(&room, &admin, Some("confidential")).await;
        let (_, pattern) = change(&room, &admin, None, true).await;
        assert_eq!(
            (&pattern["data_class"], &pattern["version"]),
            (&json!("confidential"), &json!(1))
        );
        let file = |class: &str| {
            format!(
                "patterns:\n  - slug: hours\n    name: Hours\n    triggers: [When are you open?]\n    \
                 answer: At ten.\n{class}"
            )
        };
        assert_eq!(room.import(&admin, &file("")).await.0, 200);
        let (_, pattern) = room.get(&admin, "/api/patterns/hours").await;
        assert_eq!(
            (&pattern["data_class"], &pattern["version"]),
            (&json!("confidential"), &json!(2))
        );
        assert_eq!(room.import(&admin, &file("    data_class: secret\n")).await.0, 200);
        let request = axum::http::Request::get("/api/patterns.yaml");
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let (_, yaml) = room.send(&admin, request).await;
        assert!(yaml.contains("data_class: secret"), "{yaml}");
        assert_eq!(room.import(&admin, &yaml).await.1["unchanged"], json!(["hours"]));
        let (status, problem) = change(&room, &admin, Some("top-secret"), true).await;
        assert!((400..=422).contains(&status), "{problem}");
        let changed: Vec<_> = room.events(&org).await;
        let changed = changed.iter().map(|(_, body)| &body["changes"]["data_class"]["to"]);
        let said: Vec<_> = changed.filter_map(Value::as_str).collect();
        assert_eq!(said, ["confidential", "confidential"], "taught, and changed without a class");
    }
}

#[tokio::test]
async fn the_editor_says_how_sensitive_a_pattern_is() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let fields = |class| {
            [
                ("name", "Hours"),
                ("triggers", "When are you open?"),
                ("kind", "answer"),
                ("answer", "At nine."),
                ("publish", "yes"),
                ("data_class", class),
            ]
        };
        let (status, _, html) = room.submit(&admin, "/patterns", &fields("sercet")).await;
        assert!(status == 422 && html.contains("Data class must be chosen"), "{html}");
        let (status, location, _) = room.submit(&admin, "/patterns", &fields("secret")).await;
        assert_eq!(status, 303);
        let (_, html) = room.page(&admin, &location).await;
        assert!(html.contains("<dt>Data class</dt><dd>Secret</dd>"), "{html}");
        let (_, html) = room.page(&admin, &format!("{location}/edit")).await;
        assert!(html.contains("<option value=\"secret\" selected>Secret</option>"), "{html}");
        assert!(!html.contains("Nobody said"), "what was classed stays classed");
        let (_, html) = room.page(&admin, "/patterns").await;
        assert!(html.contains("<span class=\"badge\">secret</span>"), "{html}");
    }
}

#[tokio::test]
async fn a_guardrail_on_patterns_reaches_every_way_to_them() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let viewer = room.somebody(&org, Role::Viewer);
        teach(&room, &admin, Some("secret")).await;
        room.taught(&admin, "parking", "Where can I park?", "Behind the house.").await;

        // Nothing from here.
        let away = outside(&viewer, No(READ_AND_RUN, None));
        for path in ["/api/patterns", "/api/patterns/hours", "/api/patterns.yaml", "/patterns"] {
            let (status, body) = room.page(&away, path).await;
            assert!(status == 403 && body.contains("grl_1"), "{path}: {status} {body}");
        }
        for model in ["patterns", "pattern/hours"] {
            let said = text(room.says(&away, model, "When are you open?").await);
            assert_eq!(said, "permission_denied", "{model}");
        }

        // Nothing secret from here.
        let away = outside(&viewer, No(READ_AND_RUN, Some(DataClass::Secret)));
        let (_, list) = room.get(&away, "/api/patterns").await;
        let slugs: Vec<_> = list["items"].as_array().expect("a list").iter().collect();
        assert_eq!(slugs.len(), 1, "{list}");
        assert_eq!(slugs[0]["slug"], "parking");
        let (status, yaml) = room.page(&away, "/api/patterns.yaml").await;
        assert!(status == 200 && yaml.contains("parking") && !yaml.contains("At nine."), "{yaml}");
        assert_eq!(
            text(room.patterns.says(&away, "When are you open?").await),
            "permission_denied"
        );
        assert_eq!(text(room.patterns.says(&away, "Where can I park?").await), "Behind the house.");
        let models = gateway::Engine::models(&room.patterns, &away).await.expect("models");
        assert_eq!(models, ["patterns", "pattern/parking"]);

        // Nothing secret is taught, changed, published or imported from here.
        let writes: &[Permission] = &[Permission::PatternsCreate, Permission::PatternsPublish];
        let busy = outside(&admin, No(writes, Some(DataClass::Secret)));
        let mut body = hours(Some("secret"));
        body["slug"] = "more".into();
        assert_eq!(room.ask(&busy, "POST", "/api/patterns", body).await.0, 403);
        assert_eq!(change(&room, &busy, Some("public"), true).await.0, 403, "it is secret now");
        let file = "patterns:\n  - slug: more\n    name: More\n    triggers: [What more?]\n    \
                    answer: This.\n    data_class: secret\n";
        assert_eq!(room.import(&busy, file).await.0, 403);
        assert_eq!(room.get(&admin, "/api/patterns/more").await.0, 404);
        room.ask(&admin, "POST", "/api/patterns/hours/retire", json!({})).await;
        assert_eq!(change(&room, &admin, Some("public"), false).await.0, 200);
        let older = json!({ "version": 1 });
        let path = "/api/patterns/hours/publish";
        assert_eq!(room.ask(&busy, "POST", path, older).await.0, 403, "that version is secret");
        assert_eq!(room.ask(&busy, "POST", path, json!({})).await.0, 200);
    }
}
