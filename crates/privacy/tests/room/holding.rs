//! What stands in the way of an erasure, and what happens meanwhile.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{House, TRACES};
use crate::looking::Diary;
use crate::searching::{traces_in, traces_in_database, unpacked};

async fn hold(house: &House, body: Value) -> String {
    let placed = house.post(&house.acme.owner.key, "/api/privacy/holds", body).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    placed.json()["id"].as_str().expect("an id").to_owned()
}

async fn one(house: &House, request: &Value) -> Value {
    let path = format!("/api/privacy/requests/{}", request["id"].as_str().expect("an id"));
    house.get(&house.acme.owner.key, &path).await.json()
}

async fn shown(house: &House) -> String {
    let events = house.get(&house.acme.owner.key, "/api/events?limit=200").await.text;
    let table = house.get(&house.acme.owner.key, "/api/events.csv").await.text;
    let bundle = String::from_utf8_lossy(&unpacked(&house.bundle().await)).into_owned();
    [events, table, bundle].concat()
}

#[tokio::test]
async fn a_hold_blocks_an_erasure_and_says_so() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        hold(&house, json!({ "person": id, "reason": "Acme v. Globex" })).await;
        let (status, request) = house.erase(&id).await;
        assert_eq!((status, &request["state"]), (202, &json!("restricted")), "{request}");
        assert_eq!(request["blocked"]["by"][0]["why"], "Acme v. Globex");
        assert!(request["blocked"]["until"].is_null(), "until it is lifted: {request}");
        // Kept, and not shown.
        assert!(!traces_in_database(&house.bench, &TRACES).await.is_empty());
        let traces = ["ZwetschgenBrowser", "203.0.113.77"];
        assert_eq!(traces_in(shown(&house).await.as_bytes(), &traces), Vec::<String>::new());
        let events = house.events(&house.acme).await;
        assert!(events.iter().any(|event| event["withheld"] == json!(["subject", "payload"])));
        // Not by an export for somebody else either, nor what the person alone may read.
        let privacy = house.with(Arc::new(Diary::default()));
        let export = privacy.export(&house.acme.operator, &id).await.expect("exports");
        assert_eq!(export.left_out, ["diary_page"]);
        let events = export.stores.iter().find(|store| store.store == "audit_event");
        let said = serde_json::to_vec(events.expect("events")).expect("json");
        assert_eq!(traces_in(&said, &traces), Vec::<String>::new());
        assert_eq!(house.privacy.sweep().await.expect("sweeps"), 0);
        assert_eq!(house.erase(&id).await.1, request, "asking again changes nothing");
        // And shown again when it is taken back.
        let path = format!("/api/privacy/requests/{}", request["id"].as_str().expect("an id"));
        let back = house.ask(&house.acme.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!(back.json()["state"], "withdrawn", "{}", back.text);
        assert_eq!(traces_in(shown(&house).await.as_bytes(), &traces).len(), 2);
        let again = house.ask(&house.acme.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!(again.code(), "not_now");
    }
}

#[tokio::test]
async fn a_lifted_hold_lets_the_erasure_be_carried_out() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let forever = hold(&house, json!({ "reason": "everything is frozen" })).await;
        hold(&house, json!({ "person": id, "reason": "file 7", "until": "2026-02-01T00:00:00Z" }))
            .await;
        let (_, request) = house.erase(&id).await;
        assert_eq!(request["blocked"]["by"].as_array().expect("two").len(), 2);
        let path = format!("/api/privacy/holds/{forever}");
        let lifted = house.ask(&house.acme.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!(lifted.json()["in_force"], false, "{}", lifted.text);
        let again = house.ask(&house.acme.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!((again.status, again.code().as_str()), (409, "lifted_already"));
        let said = again.json()["detail"].clone();
        assert_eq!(said, "this hold is lifted already", "{}", again.text);
        assert_eq!(house.privacy.sweep().await.expect("sweeps"), 0, "the other one holds");
        assert_eq!(one(&house, &request).await["blocked"]["until"], "2026-02-01T00:00:00Z");
        house.clock.advance(SignedDuration::from_hours(24 * 32));
        house.privacy.sweep().await.expect("sweeps");
        assert_eq!(one(&house, &request).await["state"], "erased");
        assert_eq!(traces_in_database(&house.bench, &TRACES).await, Vec::<String>::new());
        assert_eq!(house.privacy.sweep().await.expect("sweeps"), 0);
    }
}

#[tokio::test]
async fn values_are_kept_as_long_as_the_law_says() {
    for house in House::on_each_engine().await {
        let owner = house.acme.owner.key.clone();
        let put =
            async |body: Value| house.ask(&owner, "PUT", "/api/privacy/retention", body).await;
        let wrong = put(json!({ "days": 90 })).await;
        assert_eq!(
            (wrong.status, wrong.json()["errors"][0]["pointer"].clone()),
            (422, json!("/law"))
        );
        assert_eq!(put(json!({ "days": -1, "law": "x" })).await.status, 422);
        assert_eq!(put(json!({ "days": 90, "law": "HGB § 257" })).await.status, 200);
        let id = house.former().await;
        let (status, request) = house.erase(&id).await;
        assert_eq!(status, 202, "{request}");
        assert_eq!(request["blocked"]["until"], "2026-04-01T00:00:00Z", "90 days: {request}");
        assert_eq!(request["blocked"]["by"][0]["why"], "90 days: HGB § 257");
        house.clock.advance(SignedDuration::from_hours(24 * 89));
        assert_eq!(house.privacy.sweep().await.expect("sweeps"), 0);
        house.clock.advance(SignedDuration::from_hours(24));
        house.privacy.sweep().await.expect("sweeps");
        assert_eq!(one(&house, &request).await["state"], "erased");
    }
}

#[tokio::test]
async fn a_hold_that_cannot_be_is_refused_by_field() {
    for house in House::on_each_engine().await {
        let owner = house.acme.owner.key.clone();
        for (body, field) in [
            (json!({ "reason": "x" }), "/reason"),
            (json!({ "reason": "file 7", "person": "mem_nobody" }), "/person"),
            (json!({ "reason": "file 7", "until": "2025-01-01T00:00:00Z" }), "/until"),
        ] {
            let refused = house.post(&owner, "/api/privacy/holds", body).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            assert_eq!(refused.json()["errors"][0]["pointer"], field);
        }
        let admin =
            house.post(&house.acme.admin.key, "/api/privacy/holds", json!({ "reason": "abc" }));
        assert_eq!(admin.await.status, 403);
    }
}
