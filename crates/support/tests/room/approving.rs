//! The org decides.

use identity::NewMember;
use serde_json::{Value, json};

use crate::bench::House;

#[tokio::test]
async fn the_approver_gives_less_and_never_more() {
    for house in House::on_each_engine().await {
        let id = house.asked("acme", &["users:read", "events:export"], 8).await;
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        let page = house.get(&owner, "/support").await.text;
        assert!(page.contains("owner of operators") && page.contains("case 4711"), "{page}");
        let export = page.split("value=\"events:export\"").nth(1).expect("offered");
        let row = export.split("</div>").next().expect("its row");
        assert!(
            !row.contains("checked") && row.contains("class=\"fault\""),
            "in red, unticked: {row}"
        );
        let grant = format!("/api/support/requests/{id}/grant");
        for more in [
            json!({ "hours": 9 }),
            json!({ "hours": 0 }),
            json!({ "permissions": ["settings:read"] }),
            json!({ "permissions": ["users:grant"] }),
            json!({ "permissions": [] }),
        ] {
            assert_eq!(house.post(&owner, &grant, more.clone()).await.status, 422, "{more}");
        }
        let form = format!("/support/requests/{id}/grant");
        let less = Value::from("hours=2&permission=users%3Aread");
        assert_eq!(house.post(&owner, &form, less).await.status, 303);
        let request = house.get(&owner, &format!("/api/support/requests/{id}")).await.json();
        assert_eq!(request["granted"], json!(["users:read"]));
        assert_eq!(request["until"], "2026-01-01T02:00:00Z");
        let again = house.post(&owner, &grant, json!({})).await;
        assert_eq!((again.status, again.code().as_str()), (409, "already_decided"));
    }
}

#[tokio::test]
async fn nobody_lets_an_operator_do_what_they_may_not_do_themselves() {
    for house in House::on_each_engine().await {
        let id = house.asked("acme", &["users:read", "events:read", "events:export"], 8).await;
        let (system, email) = (&house.acme.system, "admin@acme.example");
        let admin = house.named(system, "admin of acme", email, "org:admin").await.id;
        let admin = house.sign_in(&house.acme, &admin).await;
        let page = house.get(&admin, "/support").await.text;
        for (permission, ticked) in [("users:read", true), ("events:read", false)] {
            let row = page.split(&format!("value=\"{permission}\"")).nth(1).expect("offered");
            let row = row.split("</div>").next().expect("its row");
            assert_eq!(row.contains("checked"), ticked, "{row}");
        }
        let grant = format!("/api/support/requests/{id}/grant");
        for (more, missing) in [
            (json!({}), json!(["events:read", "events:export"])),
            (json!({ "permissions": ["users:read", "events:read"] }), json!(["events:read"])),
        ] {
            let refused = house.post(&admin, &grant, more.clone()).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "escalation"), "{more}");
            assert_eq!(refused.json()["missing"], missing, "{more}");
        }
        let less = json!({ "permissions": ["users:read"] });
        assert_eq!(house.post(&admin, &grant, less).await.status, 200);
    }
}

#[tokio::test]
async fn nobody_approves_what_they_asked_for_and_no_program_does() {
    for house in House::on_each_engine().await {
        // The operator is a member of the customer too, as its owner even.
        let new = NewMember {
            email: "owner@operators.example".to_owned(),
            name: "guest".to_owned(),
            role: "org:owner".to_owned(),
            password: None,
        };
        let guest = house.identity.add_member(&house.acme.system, &new).await.expect("added").id;
        let id = house.asked("acme", &["users:read"], 1).await;
        let guest = house.sign_in(&house.acme, &guest).await;
        let grant = format!("/api/support/requests/{id}/grant");
        let answer = house.post(&guest, &grant, json!({})).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "own_request"));
        // Nor does the operator from where they are at home, nor a viewer, nor without a factor.
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        assert_eq!(house.post(&operator, &grant, json!({})).await.status, 404);
        let viewer = house.sign_in(&house.acme, &house.acme.viewer).await;
        assert_eq!(house.post(&viewer, &grant, json!({})).await.status, 403);
        let service = json!({ "name": "bot", "role": "org:owner" });
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        let bot = house.post(&owner, "/api/services", service).await.json();
        let key = json!({ "owner": bot["id"], "name": "k" });
        let key = house.post(&owner, "/api/keys", key).await.json();
        let key = format!("Bearer {}", key["secret"].as_str().expect("a secret"));
        let own = house.key(&house.acme, &house.acme.owner).await;
        let refuse = format!("/api/support/requests/{id}/refuse");
        for key in [&key, &own] {
            for path in [&grant, &refuse] {
                assert_eq!(house.post(key, path, json!({})).await.code(), "people_only", "{path}");
            }
        }
        assert_eq!(house.post(&owner, &grant, json!({})).await.status, 200);
        let end = format!("/api/support/requests/{id}/end");
        assert_eq!(house.post(&own, &end, json!({})).await.status, 200, "a program shuts the door");
    }
}

#[tokio::test]
async fn a_refused_withdrawn_or_lapsed_request_lets_nobody_in() {
    for house in House::on_each_engine().await {
        let (refused, withdrawn, lapsed) = (
            house.asked("acme", &["users:read"], 1).await,
            house.asked("acme", &["users:read"], 1).await,
            house.asked("acme", &["users:read"], 1).await,
        );
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        let path = format!("/support/requests/{refused}/refuse");
        assert_eq!(house.post(&owner, &path, Value::Null).await.status, 303);
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        let path = format!("/support/desk/{withdrawn}/give-back");
        assert_eq!(house.post(&operator, &path, Value::Null).await.status, 303);
        house.pass(7 * 24 * 60);
        let owner = house.sign_in(&house.acme, &house.acme.owner).await;
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        for (id, state) in [(&refused, "refused"), (&withdrawn, "withdrawn"), (&lapsed, "lapsed")] {
            let request = house.get(&owner, &format!("/api/support/requests/{id}")).await.json();
            assert_eq!(request["state"], state);
            let grant = format!("/api/support/requests/{id}/grant");
            assert_eq!(house.post(&owner, &grant, json!({})).await.code(), "already_decided");
            let enter = format!("/support/desk/{id}/enter");
            assert_eq!(house.post(&operator, &enter, Value::Null).await.code(), "not_granted");
        }
        let past = house.get(&owner, "/api/support/requests?kind=past").await.json();
        assert_eq!(past["items"].as_array().expect("items").len(), 3);
        let waiting = house.get(&owner, "/api/support/requests?kind=waiting").await.json();
        assert_eq!(waiting["items"], json!([]));
    }
}

#[tokio::test]
async fn requests_are_seen_by_their_org_alone() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 1).await;
        let stranger = house.sign_in(&house.globex, &house.globex.owner).await;
        let list = house.get(&stranger, "/api/support/requests").await.json();
        assert_eq!(list["items"], json!([]));
        assert!(!house.get(&stranger, "/support").await.text.contains("4711"));
        for (method, path) in [
            ("GET", format!("/api/support/requests/{id}")),
            ("POST", format!("/api/support/requests/{id}/grant")),
            ("POST", format!("/api/support/requests/{id}/refuse")),
            ("POST", format!("/api/support/requests/{id}/end")),
            ("DELETE", format!("/api/support/asks/{id}")),
        ] {
            let body = if method == "POST" { json!({}) } else { Value::Null };
            assert_eq!(house.ask(&stranger, method, &path, body).await.status, 404, "{path}");
        }
        // A colleague at the desk sees that it was asked, and enters nothing of it.
        let operators = &house.operators;
        let colleague = house.sign_in(operators, &operators.other).await;
        let list = house.get(&colleague, "/api/support/asks").await.json();
        assert_eq!(list["items"][0]["request"]["state"], "granted");
        let enter = format!("/support/desk/{id}/enter");
        assert_eq!(house.post(&colleague, &enter, Value::Null).await.status, 404);
        house.entered(&id).await;
    }
}
