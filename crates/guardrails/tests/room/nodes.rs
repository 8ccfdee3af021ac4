//! Other nodes, and the database gone.

use access::{Caller, Permission};
use base::args;
use base::db::Statement;
use identity::Identity;
use serde_json::json;

use crate::house::{HOME, House, Org, forbid};

const SPOIL: Statement = Statement::new(
    "spoil a guardrail",
    "UPDATE guardrails_policy SET policy = 'forbid (nonsense' WHERE org_id = $1",
);

const NO_ZONE: Statement = Statement::new(
    "spoil the zone",
    "INSERT INTO guardrails_setting (org_id, zone, changed_at) VALUES ($1, 'Mars/Olympus', 1)",
);

async fn spoil(house: &House, org: &Org, statement: Statement) {
    let scope = org.operator.itself();
    let mut change = audit::Change::begin(&house.record, &scope).await.expect("begins");
    change.run(statement, args![]).await.expect("runs");
    change.commit(audit::Event::done("test", "org", "x")).await.expect("commits");
}

/// Who shows this key at a node.
async fn known(house: &House, node: &Identity, key: &str) -> Caller {
    house.caller(node, key, Some(HOME)).await.expect("is somebody")
}

#[tokio::test]
async fn two_nodes_see_a_change() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let other = house.second_node();
        other.preload().await.expect("reads");
        let key = &org.member.key;
        let models = Permission::ModelsInvoke;
        assert!(known(&house, &other, key).await.require(models).is_ok());
        let id = house.guard(&org, "No models", &forbid("action in Action::\"models\"", "")).await;
        assert!(house.by_key(&org.member, HOME).await.require(models).is_err(), "here at once");
        other.watch().await;
        assert!(known(&house, &other, key).await.require(models).is_err());
        let path = format!("/api/guardrails/{id}");
        let off = json!({"on": false});
        assert_eq!(house.ask(&org.owner.key, "PATCH", &path, off).await.0, 200);
        other.watch().await;
        assert!(known(&house, &other, key).await.require(models).is_ok());
    }
}

#[tokio::test]
async fn an_unreadable_guardrail_keeps_the_org_closed() {
    for house in House::on_each_engine().await {
        for spoiled in [SPOIL, NO_ZONE] {
            let (org, other) = (house.org("acme").await, house.org("other").await);
            let id = house.guard(&org, "One", &forbid("action in Action::\"models\"", "")).await;
            spoil(&house, &org, spoiled).await;
            let node = house.second_node();
            let key = &org.owner.key;
            let refused = house.caller(&node, key, Some(HOME)).await;
            assert!(refused.expect_err("nothing is guessed").problem.status().is_server_error());
            let key = &other.owner.key;
            assert!(house.caller(&node, key, Some(HOME)).await.is_ok(), "others go on");
            // The operator, whom no guardrail narrows, takes it out.
            let id = id.parse().expect("an id");
            house.guardrails.remove(&org.operator, &id).await.expect("is removed");
            let key = &org.owner.key;
            assert!(house.caller(&node, key, Some(HOME)).await.is_ok());
        }
    }
}

#[tokio::test]
async fn without_the_database_what_held_goes_on_and_nothing_is_guessed() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        house.guard(&org, "No models", &forbid("action in Action::\"models\"", "")).await;
        let fresh = house.second_node();
        house.bench.db.close().await;
        let caller = house.by_key(&org.member, HOME).await;
        assert!(caller.require(Permission::ModelsInvoke).is_err(), "what held still holds");
        assert!(caller.require(Permission::PatternsRead).is_ok());
        let key = &org.member.key;
        let refused = house.caller(&fresh, key, Some(HOME)).await;
        assert_eq!(refused.expect_err("unknown there").problem.status(), 503);
        let body = json!({"name": "x", "policy": forbid("action", "when { false }")});
        let (status, _) = house.ask(&org.owner.key, "POST", "/api/guardrails", body).await;
        assert_eq!(status, 503);
    }
}
