//! What a guardrail does to those who ask.

use access::{Permission, Thing};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{AWAY, HOME, House, forbid, refused};

const OFFICE: &str = "unless { context has ip && context.ip.isInRange(ip(\"192.0.2.0/24\")) }";
const FRESH: &str = "unless { context.with_key || (context has factor_age_secs && context.factor_age_secs <= 900) }";

#[tokio::test]
async fn a_guardrail_narrows_sessions_and_keys() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let session = house.session(&org, &org.member, Some(60)).await;
        let models = Permission::ModelsInvoke;
        assert!(house.by_session(&session, AWAY).await.require(models).is_ok());
        let id = house.guard(&org, "Office", &forbid("action in Action::\"models\"", OFFICE)).await;
        for from in [AWAY, "2001:db8::1", "::ffff:198.51.100.9"] {
            assert_eq!(
                refused(&house.by_key(&org.member, from).await, models),
                std::slice::from_ref(&id)
            );
            assert_eq!(
                refused(&house.by_session(&session, from).await, models),
                std::slice::from_ref(&id)
            );
        }
        for from in [HOME, "::ffff:192.0.2.9"] {
            assert!(house.by_key(&org.member, from).await.require(models).is_ok());
            assert!(house.by_session(&session, from).await.require(models).is_ok());
        }
        let on = Thing::new("model", "small");
        assert!(house.by_key(&org.member, AWAY).await.require_on(models, on).is_err());
        let free = Permission::PatternsRead;
        assert!(house.by_key(&org.member, AWAY).await.require(free).is_ok(), "another action");
        // Nobody knows where: not in the office.
        assert_eq!(refused(&house.by_key(&org.member, "nowhere").await, models), [id]);
    }
}

#[tokio::test]
async fn the_age_of_the_second_factor_and_the_way_in_are_looked_at() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let fresh = house.guard(&org, "Fresh", &forbid("action in Action::\"users\"", FRESH)).await;
        let sso = "when { context has method && context.method != \"password\" }";
        let sso = house.guard(&org, "No SSO", &forbid("action in Action::\"events\"", sso)).await;
        let keys = forbid("action == Action::\"models:invoke\"", "when { context.with_key }");
        let keys = house.guard(&org, "No keys", &keys).await;
        let read = Permission::UsersRead;
        let none = house.session(&org, &org.owner, None).await;
        assert_eq!(
            refused(&house.by_session(&none, HOME).await, read),
            std::slice::from_ref(&fresh)
        );
        let shown = house.session(&org, &org.owner, Some(0)).await;
        assert!(house.by_session(&shown, HOME).await.require(read).is_ok());
        house.clock.advance(SignedDuration::from_secs(900));
        assert!(house.by_session(&shown, HOME).await.require(read).is_ok());
        house.clock.advance(SignedDuration::from_secs(1));
        let caller = house.by_session(&shown, HOME).await;
        assert_eq!(refused(&caller, read), [fresh]);
        assert_eq!(refused(&caller, Permission::EventsRead), [sso]);
        assert!(caller.require(Permission::ModelsInvoke).is_ok());
        let key = house.by_key(&org.owner, HOME).await;
        assert!(key.require(read).is_ok() && key.require(Permission::EventsRead).is_ok());
        assert_eq!(refused(&key, Permission::ModelsInvoke), [keys]);
    }
}

#[tokio::test]
async fn hours_and_days_are_those_of_the_org() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        // 2026-01-01 is a Thursday; in Auckland it is 13:00 of it at midnight UTC.
        let hours = "unless { [\"thursday\", \"friday\"].contains(context.weekday) && \
                     context.hour >= 8 && context.minute_of_day < 1080 }";
        let id = house.guard(&org, "Hours", &forbid("action in Action::\"models\"", hours)).await;
        let may = async || {
            house.by_key(&org.member, HOME).await.require(Permission::ModelsInvoke).is_ok()
        };
        assert!(!may().await, "midnight UTC");
        let zone = json!({"zone": "pacific/auckland"});
        let path = "/api/guardrails/zone";
        let (status, set) = house.ask(&org.owner.key, "PUT", path, zone).await;
        assert_eq!((status, &set["zone"]), (200, &json!("Pacific/Auckland")));
        assert!(may().await, "13:00 in Auckland");
        house.clock.advance(SignedDuration::from_mins(299));
        assert!(may().await, "17:59");
        house.clock.advance(SignedDuration::from_mins(1));
        assert!(!may().await, "18:00");
        house.clock.advance(SignedDuration::from_hours(18));
        assert!(may().await, "Friday noon");
        house.clock.advance(SignedDuration::from_hours(24));
        let caller = house.by_key(&org.member, HOME).await;
        assert_eq!(refused(&caller, Permission::ModelsInvoke), [id], "Saturday");
        let (status, problem) =
            house.ask(&org.owner.key, "PUT", path, json!({"zone": "Mars/Olympus"})).await;
        assert_eq!((status, &problem["param"]), (422, &json!("zone")));
    }
}

#[tokio::test]
async fn roles_teams_things_and_groups_are_told_apart() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "Night shift"});
        let (_, team) = house.ask(&org.owner.key, "POST", "/api/teams", body).await;
        let team = team["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/teams/{team}/members/{}", org.member.id);
        let (status, answer) = house.ask(&org.owner.key, "PUT", &path, Value::Null).await;
        assert!(status < 300, "{answer}");
        let role = "forbid (principal in Role::\"org:viewer\", action == \
                    Action::\"patterns:run\", resource);";
        let role = house.guard(&org, "Viewers", role).await;
        let of_team = format!(
            "forbid (principal, action in [Action::\"models\", Action::\"patterns:create\"], \
             resource) when {{ principal in Team::\"{team}\" }};"
        );
        let of_team = house.guard(&org, "Night", &of_team).await;
        let thing = "forbid (principal is Member, action, resource == Model::\"large\");";
        let thing = house.guard(&org, "Large", thing).await;
        let member = house.by_key(&org.member, HOME).await;
        let viewer = house.by_key(&org.viewer, HOME).await;
        let owner = house.by_key(&org.owner, HOME).await;
        assert_eq!(refused(&viewer, Permission::PatternsRun), [role]);
        assert!(viewer.require(Permission::PatternsRead).is_ok());
        assert!(member.require(Permission::PatternsRun).is_ok());
        assert_eq!(refused(&member, Permission::ModelsInvoke), std::slice::from_ref(&of_team));
        assert_eq!(refused(&member, Permission::PatternsCreate), [of_team]);
        let models = Permission::ModelsInvoke;
        let (large, small) = (Thing::new("model", "large"), Thing::new("model", "small"));
        let denied = owner.require_on(models, large).expect_err("this model");
        assert_eq!(denied.0.policies, [thing]);
        assert!(owner.require_on(models, small).is_ok() && owner.require(models).is_ok());
        // What no policy can name is judged as the org is.
        let other = Thing::new("budget", "large");
        assert!(owner.require_on(Permission::SettingsUpdate, other).is_ok());
    }
}

#[tokio::test]
async fn a_guardrail_never_gives_anything() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let before: Vec<_> = Permission::ALL.to_vec();
        let viewer = house.by_key(&org.viewer, HOME).await;
        let had: Vec<_> = before.iter().map(|one| viewer.require(*one).is_ok()).collect();
        house.guard(&org, "Nothing", &forbid("action", "when { false }")).await;
        house.guard(&org, "Elsewhere", &forbid("action in Action::\"models\"", OFFICE)).await;
        for from in [HOME, AWAY] {
            let viewer = house.by_key(&org.viewer, from).await;
            let has: Vec<_> = before.iter().map(|one| viewer.require(*one).is_ok()).collect();
            assert!(has.iter().zip(&had).all(|(now, then)| *now <= *then), "{from}");
            let denied = viewer.require(Permission::UsersRead).expect_err("no role gives it");
            assert!(denied.0.policies.is_empty(), "the roles refused, not a guardrail");
        }
    }
}

#[tokio::test]
async fn another_org_is_not_narrowed() {
    for house in House::on_each_engine().await {
        let (acme, other) = (house.org("acme").await, house.org("other").await);
        let policy = forbid("action in Action::\"models\"", "");
        let id = house.guard(&acme, "No models", &policy).await;
        let models = Permission::ModelsInvoke;
        assert!(house.by_key(&acme.member, HOME).await.require(models).is_err());
        assert!(house.by_key(&other.member, HOME).await.require(models).is_ok());
        let (_, list) = house.ask(&other.owner.key, "GET", "/api/guardrails", Value::Null).await;
        assert_eq!(list["items"], json!([]));
        let path = format!("/api/guardrails/{id}");
        for (method, body) in
            [("GET", Value::Null), ("DELETE", Value::Null), ("PATCH", json!({"on": false}))]
        {
            assert_eq!(house.ask(&other.owner.key, method, &path, body).await.0, 404, "{method}");
        }
        assert!(house.by_key(&acme.member, HOME).await.require(models).is_err());
    }
}

#[tokio::test]
async fn a_refusal_names_the_guardrail() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let policy = forbid("action == Action::\"users:read\"", OFFICE);
        let id = house.guard(&org, "Only from the office", &policy).await;
        let at = ("GET", "/api/members");
        let (status, problem) = house.ask_from(&org.admin.key, AWAY, at, Value::Null).await;
        assert_eq!((status, &problem["code"]), (403, &json!("permission_denied")));
        assert_eq!(problem["decision"]["policies"], json!([id]));
        let why = problem["decision"]["missing"].as_str().expect("text");
        assert_eq!(why, "a guardrail forbids it: “Only from the office”");
        assert_eq!(house.ask_from(&org.admin.key, HOME, at, Value::Null).await.0, 200);
    }
}

#[tokio::test]
async fn a_policy_that_fails_forbids() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let overflow = "when { context.minute_of_day * 9223372036854775807 > 3 }";
        let policy = forbid("action in Action::\"models\"", overflow);
        let id = house.guard(&org, "Too large", &policy).await;
        let caller = house.by_key(&org.member, HOME).await;
        assert!(caller.require(Permission::ModelsInvoke).is_ok(), "0 times anything is 0");
        house.clock.advance(SignedDuration::from_mins(2));
        let caller = house.by_key(&org.member, HOME).await;
        let denied = caller.require(Permission::ModelsInvoke).expect_err("it overflows");
        assert_eq!(denied.0.policies, [id]);
        let why = denied.0.missing.as_deref().unwrap_or_default();
        assert!(why.contains("could not be judged"), "{why}");
    }
}
