//! Guardrails that look at how sensitive a pattern or a model is.

use std::sync::Arc;

use access::{Caller, DataClass, Permission, Resource, Thing};
use identity::{Classed, Classes};
use serde_json::json;

use crate::house::{AWAY, HOME, House, Org, forbid};

const CONFIDENTIAL: &str = "when { resource has data_class && [\"confidential\", \"secret\"].contains(resource.data_class) }";
const OUTSIDE: &str = "unless { context has ip && (context.ip.isInRange(ip(\"192.0.2.0/24\")) || \
                       context.ip.isInRange(ip(\"2001:db8::/32\"))) }";

/// The rooms of patterns and models, where everything is secret.
#[derive(Debug)]
struct AllSecret;

impl Classes for AllSecret {
    fn class_of<'a>(&'a self, _: &'a Caller, _: &'a Resource) -> Classed<'a> {
        Box::pin(async { Ok(Some(DataClass::Secret)) })
    }
}

fn pattern(class: Option<DataClass>) -> Thing<'static> {
    Thing::new("pattern", "pat_1").classed(class)
}

fn refused_on(caller: &Caller, permission: Permission, on: Thing<'_>) -> Vec<String> {
    caller.require_on(permission, on).expect_err("is refused").0.policies
}

async fn only_from_the_office(house: &House, org: &Org) -> String {
    let condition = format!("{CONFIDENTIAL} {OUTSIDE}");
    let policy = forbid("action == Action::\"patterns:run\"", &condition);
    house.guard(org, "Confidential patterns only from the office", &policy).await
}

#[tokio::test]
async fn a_guardrail_forbids_running_confidential_patterns_from_outside_an_address_list() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let id = only_from_the_office(&house, &org).await;
        let run = Permission::PatternsRun;
        for from in [HOME, "2001:db8::7"] {
            let caller = house.by_key(&org.member, from).await;
            for class in DataClass::ALL {
                assert!(caller.require_on(run, pattern(Some(class))).is_ok(), "{from} {class}");
            }
        }
        for from in [AWAY, "2001:db9::7", "nowhere"] {
            let caller = house.by_key(&org.member, from).await;
            for class in [DataClass::Confidential, DataClass::Secret] {
                let refused = refused_on(&caller, run, pattern(Some(class)));
                assert_eq!(refused, std::slice::from_ref(&id), "{from} {class}");
            }
            for class in [None, Some(DataClass::Public), Some(DataClass::Internal)] {
                assert!(caller.require_on(run, pattern(class)).is_ok(), "{from} {class:?}");
            }
            assert!(caller.require(run).is_ok(), "the org as a whole has no class");
            let secret = pattern(Some(DataClass::Secret));
            assert!(caller.require_on(Permission::PatternsRead, secret).is_ok(), "another action");
        }
    }
}

#[tokio::test]
async fn a_model_approved_for_internal_only_is_refused_by_policy() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let unless = "unless { resource has data_class && \
                      [\"confidential\", \"secret\"].contains(resource.data_class) }";
        let policy = format!(
            "forbid (principal in Role::\"org:member\", action == Action::\"models:invoke\", \
             resource is Model) {unless};"
        );
        let id = house.guard(&org, "Approved models only", &policy).await;
        let (invoke, model) = (Permission::ModelsInvoke, Thing::new("model", "small"));
        let member = house.by_key(&org.member, HOME).await;
        for class in [None, Some(DataClass::Public), Some(DataClass::Internal)] {
            let refused = refused_on(&member, invoke, model.classed(class));
            assert_eq!(refused, std::slice::from_ref(&id), "{class:?}");
        }
        let denied = member.require_on(invoke, model.classed(Some(DataClass::Internal)));
        let denied = serde_json::to_value(denied.expect_err("is refused").0).expect("json");
        assert_eq!(denied["data_class"], "internal", "the reason says what was looked at");
        for class in [DataClass::Confidential, DataClass::Secret] {
            assert!(member.require_on(invoke, model.classed(Some(class))).is_ok(), "{class}");
        }
        let owner = house.by_key(&org.owner, HOME).await;
        assert!(owner.require_on(invoke, model).is_ok(), "another role");
    }
}

#[tokio::test]
async fn what_passed_under_one_class_is_asked_anew_under_another() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let id = only_from_the_office(&house, &org).await;
        let caller = house.by_key(&org.member, AWAY).await;
        let run = Permission::PatternsRun;
        for _ in 0..2 {
            for class in [None, Some(DataClass::Internal)] {
                assert!(caller.require_on(run, pattern(class)).is_ok());
            }
            let secret = pattern(Some(DataClass::Secret));
            assert_eq!(refused_on(&caller, run, secret), std::slice::from_ref(&id));
        }
        // One that names a single pattern keeps it apart from the others.
        let single = "forbid (principal, action == Action::\"patterns:run\", resource == \
                      Pattern::\"pat_2\");";
        let single = house.guard(&org, "Not this one", single).await;
        let caller = house.by_key(&org.member, AWAY).await;
        assert!(caller.require_on(run, pattern(None)).is_ok());
        assert_eq!(refused_on(&caller, run, Thing::new("pattern", "pat_2")), [single]);
        assert!(caller.require_on(run, pattern(None)).is_ok());
    }
}

#[tokio::test]
async fn a_simulation_does_not_guess_how_sensitive_something_was() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        house.call(&house.by_key(&org.member, AWAY).await, "small").await;
        let settings = audit::Event::done("limits.limit.set", "limit", "org");
        let owner = house.by_key(&org.owner, AWAY).await;
        house.record.note(&owner, &settings).await.expect("is recorded");
        let taught = audit::Event::done("patterns.pattern.taught", "pattern", "pat_1");
        house.record.note(&owner, &taught).await.expect("is recorded");
        let simulate = async |policy: String| {
            let (path, body) = ("/api/guardrails/simulate", json!({ "policies": [policy] }));
            let (status, told) = house.ask(&org.owner.key, "POST", path, body).await;
            assert_eq!(status, 200, "{told}");
            told
        };
        let told = simulate(forbid("action", CONFIDENTIAL)).await;
        let why = "how sensitive the pattern or model was at that time";
        assert_eq!(told["reasons"], json!([{"why": why, "events": 2}]), "{told}");
        assert_eq!((&told["judged"], &told["refused"]), (&json!(1), &json!(0)), "{told}");
        // Who looks at no class is told of all of them.
        let told = simulate(forbid("action", OUTSIDE)).await;
        assert_eq!((&told["refused"], &told["not_judged"]), (&json!(3), &json!(0)), "{told}");
    }
}

#[tokio::test]
async fn a_template_narrows_to_sensitive_data() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let form = |action| {
            [("about", "keys"), ("action", action), ("role", ""), ("data_class", "confidential")]
        };
        let path = "/guardrails/template";
        let (status, html) = house.page(&org.owner.key, path, Some(&form("patterns"))).await;
        assert_eq!(status, 200, "{html}");
        assert!(
            html.contains("resource.data_class") && html.contains("confidential data"),
            "{html}"
        );
        assert!(!html.contains("Unusual"), "it speaks of what there is: {html}");
        let (status, html) = house.page(&org.owner.key, path, Some(&form("settings"))).await;
        assert_eq!(status, 422);
        assert!(html.contains("Data is said of patterns and models alone"), "{html}");
    }
}

#[tokio::test]
async fn asking_whether_one_may_looks_at_the_class() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let id = only_from_the_office(&house, &org).await;
        house.identity.ask_of_classes(Arc::new(AllSecret));
        let on = json!({"kind": "pattern", "id": "pat_1"});
        let check = async |from, permission: &str| {
            let at = ("POST", "/api/access/check");
            let body = json!({"permission": permission, "resource": on});
            house.ask_from(&org.member.key, from, at, body).await.1
        };
        assert_eq!(check(HOME, "patterns:run").await["allowed"], true);
        let told = check(AWAY, "patterns:run").await;
        assert_eq!((&told["allowed"], &told["policies"]), (&json!(false), &json!([id])));
        assert_eq!(told["data_class"], "secret", "{told}");
        // Whom no role lets near it learns nothing of it.
        let told = check(HOME, "patterns:publish").await;
        assert_eq!((&told["allowed"], told.get("data_class")), (&json!(false), None), "{told}");
    }
}
