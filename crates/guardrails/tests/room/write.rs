//! Who may write guardrails, what is refused, and what is recorded.

use serde_json::{Value, json};

use crate::house::{AWAY, HOME, House, Org, forbid};

const PATH: &str = "/api/guardrails";

async fn create(house: &House, org: &Org, name: &str, policy: &str) -> (u16, Value) {
    house.ask(&org.owner.key, "POST", PATH, json!({"name": name, "policy": policy})).await
}

#[tokio::test]
async fn a_guardrail_is_made_changed_and_removed_and_the_record_says_so() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let policy = forbid("action in Action::\"models\"", "when { context.with_key }");
        let body = json!({"name": " No keys ", "policy": format!("{policy}\n"), "on": false});
        let (status, made) = house.ask(&org.admin.key, "POST", PATH, body).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["name"], &made["policy"]), (&json!("No keys"), &json!(policy)));
        assert_eq!(made["on"], false);
        let one = format!("{PATH}/{}", made["id"].as_str().expect("an id"));
        let change = json!({"on": true, "name": "Not with a key"});
        let (status, changed) = house.ask(&org.admin.key, "PATCH", &one, change).await;
        assert_eq!((status, &changed["on"]), (200, &json!(true)), "{changed}");
        let (_, list) = house.ask(&org.admin.key, "GET", PATH, Value::Null).await;
        assert_eq!((&list["zone"], &list["items"]), (&json!("UTC"), &json!([changed])));
        assert_eq!(house.ask(&org.admin.key, "DELETE", &one, Value::Null).await.0, 204);
        assert_eq!(house.ask(&org.admin.key, "GET", &one, Value::Null).await.0, 404);
        let created = &house.events(&org, "guardrails.policy.created").await[0];
        assert_eq!(created["changes"]["policy"]["to"], json!(policy));
        let changed = &house.events(&org, "guardrails.policy.changed").await[0];
        assert_eq!(changed["changes"]["on"], json!({"from": false, "to": true}));
        assert!(changed["changes"].get("policy").is_none());
        let removed = &house.events(&org, "guardrails.policy.removed").await[0];
        assert_eq!(removed["changes"]["policy"]["from"], json!(policy));
    }
}

#[tokio::test]
async fn only_those_write_who_may_and_who_showed_a_factor_lately() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "x", "policy": forbid("action", "when { false }")});
        for who in [&org.member, &org.viewer] {
            assert_eq!(house.ask(&who.key, "POST", PATH, body.clone()).await.0, 403);
            assert_eq!(house.ask(&who.key, "GET", PATH, Value::Null).await.0, 403);
            let simulate = format!("{PATH}/simulate");
            assert_eq!(house.ask(&who.key, "POST", &simulate, json!({})).await.0, 403);
        }
        let session = house.session(&org, &org.owner, Some(901)).await;
        let caller = house.by_session(&session, HOME).await;
        let mut who = access::Identified::clone(&caller);
        let shown = who.standing.session.take();
        who.standing.session =
            shown.map(|shown| access::ShownSession { factor_due: true, ..shown });
        let stale = access::Caller::identified(who);
        let new = serde_json::from_value(body).expect("a guardrail");
        let refused = house.guardrails.create(&stale, &new).await.expect_err("an old factor");
        assert_eq!(base::problem::Problem::from(refused).code(), "factor_required");
    }
}

#[tokio::test]
async fn nobody_locks_themselves_out_by_a_guardrail() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let away = "unless { context has ip && context.ip.isInRange(ip(\"198.51.100.0/24\")) }";
        let failing = "when { context.factor_age_secs + 9223372036854775807 > 3 }";
        let failing = format!("when {{ !(context has factor_age_secs) }} {failing}");
        for policy in [
            forbid("action", ""),
            forbid("action in Action::\"settings\"", "when { context.with_key }"),
            forbid("action == Action::\"settings:read\"", away),
            forbid("action == Action::\"settings:guardrails\"", away),
            "forbid (principal in Role::\"org:owner\", action, resource);".to_owned(),
        ] {
            let (status, problem) = create(&house, &org, "Out", &policy).await;
            assert_eq!((status, &problem["code"]), (422, &json!("locks_you_out")), "{policy}");
            let detail = problem["detail"].as_str().expect("text");
            assert!(detail.contains("“Out”"), "{detail}");
        }
        // Such a condition is no policy: what may be absent is used without asking for it.
        assert_eq!(create(&house, &org, "Fails", &forbid("action", &failing)).await.0, 422);
        // From there it is no lock-out; and switched off it holds nobody out.
        let policy = forbid("action in Action::\"settings\"", away);
        let body = json!({"name": "Away", "policy": policy});
        let at = ("POST", PATH);
        assert_eq!(house.ask_from(&org.owner.key, AWAY, at, body).await.0, 201);
        let (status, _) = house.ask(&org.owner.key, "GET", PATH, Value::Null).await;
        assert_eq!(status, 403, "it holds");
        let (_, list) = house.ask_from(&org.owner.key, AWAY, ("GET", PATH), Value::Null).await;
        let one = format!("{PATH}/{}", list["items"][0]["id"].as_str().expect("an id"));
        let home = json!({"policy": forbid("action in Action::\"settings\"", &away.replace("198.51.100", "192.0.2"))});
        let (status, problem) = house.ask_from(&org.owner.key, AWAY, ("PATCH", &one), home).await;
        assert_eq!((status, &problem["code"]), (422, &json!("locks_you_out")));
        let off = json!({"on": false});
        assert_eq!(house.ask_from(&org.owner.key, AWAY, ("PATCH", &one), off).await.0, 200);
        let (status, problem) = house.ask(&org.owner.key, "PATCH", &one, json!({"on": true})).await;
        assert_eq!((status, &problem["code"]), (422, &json!("locks_you_out")));
        // The hour in another zone can be one in which nothing may be changed.
        let night = forbid("action in Action::\"settings\"", "when { context.hour >= 12 }");
        assert_eq!(create(&house, &org, "Noon", &night).await.0, 201);
        let zone = json!({"zone": "Pacific/Auckland"});
        let (status, problem) =
            house.ask(&org.owner.key, "PUT", "/api/guardrails/zone", zone).await;
        assert_eq!((status, &problem["code"]), (422, &json!("locks_you_out")));
        // The operator is narrowed by none.
        let everything = guardrails::NewGuardrail {
            name: "Everything".to_owned(),
            policy: forbid("action", ""),
            on: None,
        };
        house.guardrails.create(&org.operator, &everything).await.expect("is made");
        assert_eq!(house.ask(&org.owner.key, "GET", PATH, Value::Null).await.0, 403);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_told_before_and_when_it_is_kept() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let wrong = "forbid (principal, action, resource)\nwhen { context.ipp == 1 };";
        let (status, problem) = create(&house, &org, "Wrong", wrong).await;
        assert_eq!((status, &problem["param"]), (422, &json!("policy")), "{problem}");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.starts_with("line 2, character 8: "), "{detail}");
        let permits = "permit (principal, action, resource);";
        let (_, problem) = create(&house, &org, "Permits", permits).await;
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains("roles permit, guardrails forbid"), "{detail}");
        let path = format!("{PATH}/validate");
        let ask = |policy: &str| json!({ "policy": policy });
        let (status, told) = house.ask(&org.admin.key, "POST", &path, ask(wrong)).await;
        assert_eq!((status, &told["valid"]), (200, &json!(false)));
        assert_eq!(
            (&told["findings"][0]["line"], &told["findings"][0]["column"]),
            (&json!(2), &json!(8))
        );
        let fine = forbid("action", "when { false }");
        let (_, told) = house.ask(&org.admin.key, "POST", &path, ask(&fine)).await;
        assert_eq!(
            (&told["valid"], &told["findings"][0]["severity"]),
            (&json!(true), &json!("warning"))
        );
        let path = format!("{PATH}/schema");
        let (_, words) = house.ask(&org.admin.key, "GET", &path, Value::Null).await;
        assert!(words["schema"].as_str().expect("text").contains("action \"models:invoke\""));
        for (name, code) in [("", 422), (&*"x".repeat(121), 422)] {
            assert_eq!(create(&house, &org, name, &fine).await.0, code);
        }
        assert_eq!(create(&house, &org, "Fine", &fine).await.0, 201);
        let (status, problem) = create(&house, &org, "Fine", &fine).await;
        assert_eq!((status, &problem["param"]), (409, &json!("name")));
    }
}
