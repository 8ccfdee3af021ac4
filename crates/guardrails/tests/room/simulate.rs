//! What guardrails would have refused.

use audit::Event;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{AWAY, HOME, House, Org, forbid};

const OFFICE: &str = "unless { context has ip && context.ip.isInRange(ip(\"192.0.2.0/24\")) }";

async fn simulate(house: &House, key: &str, policies: &[String]) -> Value {
    let body = json!({ "policies": policies });
    let (status, answer) = house.ask(key, "POST", "/api/guardrails/simulate", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Calls and changes of two members, one of them away.
async fn week(house: &House, org: &Org) {
    let (home, away) =
        (house.by_key(&org.member, HOME).await, house.by_key(&org.admin, AWAY).await);
    house.call(&home, "too-old").await;
    house.clock.advance(SignedDuration::from_hours(24 * 7 + 1));
    for _ in 0..3 {
        house.call(&home, "small").await;
    }
    for _ in 0..2 {
        house.call(&away, "large").await;
    }
    let set = Event::done("limits.limit.set", "limit", "org");
    house.record.note(&away, &set).await.expect("is recorded");
    let own = Event::done("chat.message.sent", "conversation", "conv_1");
    house.record.note(&away, &own).await.expect("is recorded");
    let denied = Event::done("access.request.refused", "request", "req_1");
    let denied = denied.outcome(audit::Outcome::Denied);
    house.record.note(&away, &denied).await.expect("is recorded");
}

#[tokio::test]
async fn a_simulation_counts_what_would_have_been_refused() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        week(&house, &org).await;
        let told = simulate(&house, &org.owner.key, &[forbid("action", OFFICE)]).await;
        let count = |name: &str| told[name].as_u64().expect("a number");
        assert_eq!(
            (count("judged"), count("refused"), count("refused_before"), count("not_judged")),
            (6, 3, 1, 0),
            "{told}"
        );
        assert_eq!(told["whole"], true);
        let tally = |of: &str, judged: u64, refused: u64| json!({"of": of, "judged": judged, "refused": refused});
        assert_eq!(
            told["by_action"],
            json!([tally("models:invoke", 5, 2), tally("settings:update", 1, 1)])
        );
        let (admin, member) = (org.admin.id.as_str(), org.member.id.as_str());
        assert_eq!(told["by_member"], json!([tally(admin, 3, 3), tally(member, 3, 0)]));
        let example = &told["examples"][1];
        assert_eq!(
            (&example["member"], &example["on"], &example["policies"]),
            (&json!(admin), &json!("model large"), &json!(["1"]))
        );
        // An event of it, and no more: a simulation is not judged by the next one as 50 readings.
        let noted = house.events(&org, "guardrails.policies.simulated").await;
        assert_eq!(noted.len(), 1);
        assert_eq!(noted[0]["changes"]["refused"], 3);

        // Two at once, one of which names a model.
        let model = "forbid (principal, action, resource == Model::\"small\");".to_owned();
        let told = simulate(&house, &org.owner.key, &[forbid("action", OFFICE), model]).await;
        assert_eq!(told["refused"], 6, "{told}");
        // Those that hold now.
        let (status, told) =
            house.ask(&org.owner.key, "POST", "/api/guardrails/simulate", json!({})).await;
        assert_eq!((status, &told["refused"]), (200, &json!(0)));
    }
}

#[tokio::test]
async fn what_the_record_does_not_tell_is_not_guessed() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        week(&house, &org).await;
        let role = "forbid (principal in Role::\"org:member\", action == \
                    Action::\"models:invoke\", resource);";
        let told = simulate(&house, &org.owner.key, &[role.to_owned()]).await;
        assert_eq!((&told["judged"], &told["refused"]), (&json!(1), &json!(0)), "{told}");
        assert_eq!(told["reasons"], json!([{"why": "which roles the caller had", "events": 5}]));
        // What another policy refuses anyway is refused, whatever the first would say.
        let both = [role.to_owned(), forbid("action in Action::\"models\"", OFFICE)];
        let told = simulate(&house, &org.owner.key, &both).await;
        assert_eq!((&told["refused"], &told["not_judged"]), (&json!(2), &json!(3)), "{told}");
        // Of an action that needs nobody-knows-what nothing is said.
        let caller = house.by_key(&org.member, HOME).await;
        let odd = Event::done("something.new.done", "thing", "x");
        house.record.note(&caller, &odd).await.expect("is recorded");
        let told = simulate(&house, &org.owner.key, &[forbid("action", OFFICE)]).await;
        let why = json!([{"why": "which permission it needed", "events": 1}]);
        assert_eq!(told["reasons"], why, "{told}");
    }
}

#[tokio::test]
async fn the_second_factor_of_a_recorded_session_is_known() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for age in [Some(60), Some(4000), None] {
            let session = house.session(&org, &org.member, age).await;
            house.call(&house.by_session(&session, HOME).await, "small").await;
        }
        house.call(&house.by_key(&org.member, HOME).await, "small").await;
        let fresh = "unless { context.with_key || (context has factor_age_secs && \
                     context.factor_age_secs <= 900) }";
        let policy = forbid("action in Action::\"models\"", fresh);
        let told = simulate(&house, &org.owner.key, &[policy]).await;
        assert_eq!(told["by_action"], json!([{"of": "models:invoke", "judged": 4, "refused": 2}]));
        let passkeys = "when { context has method && context.method == \"saml\" }";
        let policy = forbid("action in Action::\"models\"", passkeys);
        let told = simulate(&house, &org.owner.key, &[policy]).await;
        assert_eq!(told["refused"], 2, "{told}");
    }
}

#[tokio::test]
async fn whoever_may_not_read_the_record_learns_no_names_from_a_simulation() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        week(&house, &org).await;
        let told = simulate(&house, &org.admin.key, &[forbid("action", OFFICE)]).await;
        assert_eq!(told["refused"], 3);
        assert!(told.get("by_member").is_none() && told.get("examples").is_none(), "{told}");
    }
}

#[tokio::test]
async fn a_simulation_is_bounded() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let path = "/api/guardrails/simulate";
        let many: Vec<_> = (0..21).map(|_| forbid("action", OFFICE)).collect();
        for policies in [json!([]), json!(many), json!(["permit (principal, action, resource);"])] {
            let body = json!({ "policies": policies });
            assert_eq!(house.ask(&org.owner.key, "POST", path, body).await.0, 422);
        }
    }
}
