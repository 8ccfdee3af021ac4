//! What guardrails have to do with "may they, and why not?".

use std::sync::Arc;

use access::{Guard, Identified, Objection, OrgId, Permission, Thing};
use base::db::{DbError, Row, Statement};
use identity::testing::{House, Plan};
use identity::{Guards, NoGuards};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

/// Nobody makes patterns, whatever their roles say.
#[derive(Debug)]
struct NoNewPatterns;

impl Guard for NoNewPatterns {
    fn refuses(
        &self,
        _: &Identified,
        wanted: Permission,
        _: Option<Thing<'_>>,
    ) -> Option<Objection> {
        let detail = "a guardrail forbids it: “No new patterns”".to_owned();
        let policies = vec!["no-new-patterns".to_owned()];
        (wanted == Permission::PatternsCreate).then_some(Objection { policies, detail })
    }
}

#[derive(Debug)]
struct Everywhere;

impl Guards for Everywhere {
    fn read(&self) -> Statement {
        NoGuards.read()
    }

    fn of(&self, _: &OrgId, _: &[Row]) -> Result<Option<Arc<dyn Guard>>, DbError> {
        Ok(Some(Arc::new(NoNewPatterns)))
    }
}

async fn checked(house: &House, key: &str, subject: Option<&str>) -> Value {
    let body = json!({"permission": "patterns:create", "subject": subject});
    let answer = house.post(key, "/api/access/check", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn guardrails_have_their_say_about_who_asks_and_are_said_to_be_open_of_others() {
    let plan = Plan { guards: || Arc::new(Everywhere), ..Plan::of(&[]) };
    for house in plan.houses().await {
        let house = house.serving(OpenApiRouter::new());
        let org = house.org("acme").await;
        let (owner, member) = (&org.owner, &org.member);
        let caller = house.caller(&house.identity, &owner.key, None).await.expect("known");
        let own_key = caller.key.as_ref().expect("a key").as_str();
        for own in [None, Some(own_key)] {
            let told = checked(&house, &owner.key, own).await;
            assert_eq!(
                (&told["allowed"], &told["guardrails"], &told["policies"]),
                (&json!(false), &json!("judged"), &json!(["no-new-patterns"])),
                "{told}"
            );
        }
        // The circumstances of others are not known; nor those of an owner without this key.
        for other in [member.id.as_str(), owner.id.as_str()] {
            let told = checked(&house, &owner.key, Some(other)).await;
            assert_eq!(
                (&told["allowed"], &told["guardrails"], told.get("policies")),
                (&json!(true), &json!("not_judged"), None),
                "{told}"
            );
        }
        let page = house.get(&owner.key, "/access?permission=patterns:create").await.text;
        assert!(page.contains("A guardrail forbids it: “No new patterns”"), "{page}");
        assert!(page.contains("No other role changes that"), "{page}");
        assert!(!page.contains("Who can give it") && !page.contains("are not judged here"));
        let path = format!("/access?permission=patterns:create&subject={}", member.id);
        let page = house.get(&owner.key, &path).await.text;
        assert!(page.contains("Guardrails of the organization are not judged here"), "{page}");
    }
}

#[tokio::test]
async fn an_org_without_guardrails_hears_nothing_of_them() {
    for house in Plan::of(&[]).houses().await {
        let house = house.serving(OpenApiRouter::new());
        let org = house.org("acme").await;
        for subject in [None, Some(org.member.id.as_str())] {
            let told = checked(&house, &org.owner.key, subject).await;
            assert_eq!((&told["allowed"], &told["guardrails"]), (&json!(true), &json!("none")));
        }
        let path = format!("/access?permission=patterns:create&subject={}", org.member.id);
        assert!(!house.get(&org.owner.key, &path).await.text.contains("are not judged here"));
    }
}
