//! Carrying out what waited, by itself, whatever else goes wrong.

use std::time::Duration;

use access::{Databases, Region};
use base::args;
use base::db::{Statement, Within};
use base::testing::Bench;
use serde_json::{Value, json};

use crate::bench::House;

/// Somebody whose erasure waits on a hold, and the paths of both.
async fn waiting(house: &House) -> (String, String) {
    let (id, key) = (house.former().await, &house.acme.owner.key);
    let hold = json!({ "person": id, "reason": "file 7" });
    let hold = house.post(key, "/api/privacy/holds", hold).await.json()["id"].clone();
    let (status, request) = house.erase(&id).await;
    assert_eq!(status, 202, "{request}");
    let path = |room: &str, id: &Value| format!("/api/privacy/{room}/{}", id.as_str().expect("id"));
    (path("requests", &request["id"]), path("holds", &hold))
}

async fn lift(house: &House, hold: &str) {
    let lifted = house.ask(&house.acme.owner.key, "DELETE", hold, Value::Null).await;
    assert_eq!(lifted.status, 200, "{}", lifted.text);
}

async fn state(house: &House, request: &str) -> Value {
    house.get(&house.acme.owner.key, request).await.json()["state"].clone()
}

#[tokio::test]
async fn a_room_that_does_not_run_erases_nobody_by_itself() {
    for house in House::on_each_engine().await {
        let (request, hold) = waiting(&house).await;
        lift(&house, &hold).await;
        // Time enough for whatever runs.
        for _ in 0..50 {
            assert_eq!(state(&house, &request).await, "restricted");
        }
        house.privacy.run();
        let erased = async { while state(&house, &request).await != "erased" {} };
        tokio::time::timeout(Duration::from_mins(1), erased).await.expect("is erased soon");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
async fn an_erasure_that_cannot_be_read_keeps_no_other_waiting() {
    const ADD: Statement = Statement::new(
        "add what cannot be read",
        "INSERT INTO privacy_request (org_id, request_id, person_id, state, asked_by, asked_at)
         VALUES ($1, $2, 'mem_x', 'restricted', '', 0)",
    );
    for house in House::on_each_engine().await {
        let (request, hold) = waiting(&house).await;
        let mut tx = house.bench.db.begin(&Within::node()).await.expect("begins");
        for org in [house.acme.id.as_str(), "0"] {
            tx.run(ADD, args![org, "broken"]).await.expect("adds");
        }
        tx.commit().await.expect("commits");
        lift(&house, &hold).await;
        assert_eq!(house.privacy.sweep().await.expect("sweeps"), 1);
        assert_eq!(state(&house, &request).await, "erased");
    }
}

#[tokio::test]
async fn a_region_that_is_out_of_order_keeps_no_other_waiting() {
    for house in House::on_each_engine().await {
        let (request, hold) = waiting(&house).await;
        lift(&house, &hold).await;
        let empty = Bench::sqlite(&[]).await;
        let regions = [(Region::Us, empty.db.clone()), (Region::Eu, house.bench.db.clone())];
        let node = house.over(Databases::new(regions));
        node.sweep().await.expect_err("says that one could not be looked at");
        assert_eq!(state(&house, &request).await, "erased");
    }
}
