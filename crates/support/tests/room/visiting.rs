//! On a visit.

use serde_json::{Value, json};

use crate::bench::House;

#[tokio::test]
async fn a_visit_may_what_was_granted_and_nothing_else() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 1).await;
        let visit = house.entered(&id).await;
        let members = house.get(&visit, "/api/members").await;
        assert!(members.text.contains("owner of acme"), "{}", members.text);
        assert!(!members.text.contains("globex") && !members.text.contains("operators"));
        let owner = &house.acme.owner;
        for (method, path, body) in [
            ("GET", "/api/events".to_owned(), Value::Null),
            ("GET", "/api/support/requests".to_owned(), Value::Null),
            ("GET", "/support/desk".to_owned(), Value::Null),
            ("GET", "/api/org/settings".to_owned(), Value::Null),
            ("DELETE", format!("/api/members/{owner}"), Value::Null),
            ("PATCH", format!("/api/members/{owner}"), json!({ "name": "x" })),
            ("POST", "/api/keys".to_owned(), json!({ "owner": owner, "name": "k" })),
            ("POST", "/api/services".to_owned(), json!({ "name": "b", "role": "org:viewer" })),
            ("POST", format!("/api/support/requests/{id}/grant"), json!({})),
            ("POST", format!("/api/support/requests/{id}/end"), Value::Null),
        ] {
            let answer = house.ask(&visit, method, &path, body).await;
            assert!(matches!(answer.status, 403 | 404), "{method} {path}: {}", answer.text);
            assert!(!answer.text.contains("owner of acme"), "{path}");
        }
        let path = format!("/api/members/{owner}");
        let why = house.ask(&visit, "DELETE", &path, Value::Null).await.json();
        let roles = json!([format!("operator by support request {id}")]);
        assert_eq!(why["decision"]["roles"], roles, "{why}");
        // What was not granted to one org is not granted at another.
        let forged = visit.replace(house.acme.id.ulid(), house.globex.id.ulid());
        assert_eq!(house.get(&forged, "/api/members").await.status, 401);
    }
}

#[tokio::test]
async fn everything_an_operator_does_stands_in_the_orgs_own_record() {
    for house in House::on_each_engine().await {
        let granted =
            ["users:read", "users:delete", "events:read", "patterns:read", "patterns:run"];
        let id = house.granted(&granted, 1).await;
        let before = house.events(&house.acme).await.len();
        let visit = house.entered(&id).await;
        let viewer = &house.acme.viewer;
        let path = format!("/api/members/{viewer}");
        assert_eq!(house.ask(&visit, "DELETE", &path, Value::Null).await.status, 204);
        assert_eq!(house.get(&visit, "/api/events").await.status, 200);
        let left = house.post(&visit, "/sign-out", Value::Null).await;
        assert_eq!(left.status, 303, "{}", left.text);
        let again = house.get(&visit, "/api/members").await;
        assert_eq!((again.status, again.code().as_str()), (401, "session_ended"));

        let events = house.events(&house.acme).await;
        let asked = events.iter().find(|event| event["action"] == "support.request.asked");
        let asked = asked.expect("recorded");
        assert_eq!(asked["changes"]["reason"]["to"], "case 4711: patterns do not answer");
        let done: Vec<_> = events[before..].iter().map(|event| event["action"].clone()).collect();
        let expected = [
            "support.visit.entered",
            "identity.member.removed",
            "audit.events.read",
            "support.visit.left",
        ];
        assert_eq!(done, expected);
        for event in std::iter::once(asked).chain(&events[before..]) {
            assert_eq!(event["actorKind"], "operator", "{event}");
            assert_eq!(event["userId"], house.operators.owner.as_str(), "{event}");
            assert_eq!(event["supportRequest"], id.as_str(), "{event}");
        }
        // Their own record knows whom they asked and when they went in, and no more.
        let own = house.events(&house.operators).await;
        let own: Vec<_> = own.iter().map(|event| event["action"].as_str().expect("one")).collect();
        let own = own.iter().filter(|action| action.starts_with("support."));
        assert_eq!(own.copied().collect::<Vec<_>>(), ["support.ask.made", "support.ask.entered"]);
        // No name of a person stands in either record.
        let all = format!("{events:?}");
        assert!(!all.contains("owner of") && !all.contains("@operators.example"));
    }
}

#[tokio::test]
async fn a_banner_says_on_every_page_whose_visit_it_is() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 72).await;
        let visit = house.entered(&id).await;
        let caller = house.who(&house.identity, &visit).await.expect("in");
        let banner = house.support.banner(&caller).await.expect("reads").expect("a banner");
        assert_eq!(banner.who, "owner of operators");
        assert_eq!(banner.why, "case 4711: patterns do not answer");
        assert_eq!(banner.until.to_string(), "2026-01-01T01:00:00Z");
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        let owner = house.who(&house.identity, &owner).await.expect("in");
        assert_eq!(house.support.banner(&owner).await.expect("reads"), None);
    }
}

#[tokio::test]
async fn an_address_list_binds_visitors_unless_the_approver_says_otherwise() {
    for house in House::on_each_engine().await {
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        let (inside, outside) = (Some("192.0.2.7"), Some("198.51.100.9"));
        let list = json!({ "console_addresses": ["192.0.2.0/24"] });
        let path = "/api/org/settings";
        let set = house.ask_from(&owner, inside, "PATCH", path, list).await;
        assert_eq!(set.status, 200, "{}", set.text);
        for (anywhere, status) in [(false, 403), (true, 200)] {
            let id = house.asked("acme", &["users:read"], 1).await;
            let grant = format!("/api/support/requests/{id}/grant");
            let given = json!({ "anywhere": anywhere });
            let granted = house.ask_from(&owner, inside, "POST", &grant, given).await;
            assert_eq!(granted.status, 200, "{}", granted.text);
            let visit = house.entered(&id).await;
            let get = |from| house.ask_from(&visit, from, "GET", "/api/members", Value::Null);
            assert_eq!(get(inside).await.status, 200);
            assert_eq!(get(outside).await.status, status, "anywhere: {anywhere}");
        }
    }
}
