//! How a visit ends.

use identity::{MemberPatch, MemberState, Revoke};
use serde_json::Value;

use crate::bench::House;

#[tokio::test]
async fn a_visit_is_over_to_the_minute() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let visit = house.entered(&id).await;
        let running = house.who(&house.identity, &visit).await.expect("in").standing.life.clone();
        house.pass(59);
        assert_eq!(house.get(&visit, "/api/members").await.status, 200);
        house.identity.watch_visits().await;
        assert!(!running.is_over());
        // A visit ends after an hour, though more was granted: a factor is shown anew.
        house.pass(1);
        assert_eq!(house.get(&visit, "/api/members").await.status, 401);
        house.identity.watch_visits().await;
        assert!(running.is_over());
        house.pass(30);
        let visit = house.entered(&id).await;
        house.pass(29);
        assert_eq!(house.get(&visit, "/api/members").await.status, 200);
        house.pass(1);
        assert_eq!(house.get(&visit, "/api/members").await.status, 401, "two hours are over");
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        let enter = format!("/support/desk/{id}/enter");
        assert_eq!(house.post(&operator, &enter, Value::Null).await.code(), "not_granted");
    }
}

#[tokio::test]
async fn an_ended_grant_cuts_off_at_once_what_runs_on_it() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let (visit, beside) = (house.entered(&id).await, house.restarted());
        let here = house.who(&house.identity, &visit).await.expect("in").standing.life.clone();
        let there = house.who(&beside, &visit).await.expect("in").standing.life.clone();
        house.ended(&id).await;
        assert!(here.is_over(), "what runs on this node ends with the answer");
        assert_eq!(house.get(&visit, "/api/members").await.status, 401);
        beside.watch_visits().await;
        assert!(there.is_over(), "and on another within half a second");
        assert!(house.who(&beside, &visit).await.is_none());
    }
}

#[tokio::test]
async fn the_emergency_brake_ends_visits_too() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let visit = house.entered(&id).await;
        let running = house.who(&house.identity, &visit).await.expect("in").standing.life.clone();
        let what = Revoke { sessions: true, keys: false };
        house.identity.revoke_org(&house.acme.system, what).await.expect("revokes");
        assert!(running.is_over());
        assert_eq!(house.get(&visit, "/api/members").await.status, 401);
        let path = format!("/support/desk/{id}/enter");
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        assert_ne!(house.post(&operator, &path, serde_json::Value::Null).await.status, 303);
    }
}

#[tokio::test]
async fn whoever_enters_again_leaves_the_other_browser() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let first = house.entered(&id).await;
        let running = house.who(&house.identity, &first).await.expect("in").standing.life.clone();
        let second = house.entered(&id).await;
        assert!(running.is_over());
        assert_eq!(house.get(&first, "/api/members").await.status, 401);
        assert_eq!(house.get(&second, "/api/members").await.status, 200);
    }
}

#[tokio::test]
async fn an_operator_who_leaves_is_out_everywhere() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let visit = house.entered(&id).await;
        let running = house.who(&house.identity, &visit).await.expect("in").standing.life.clone();
        let operators = &house.operators;
        let patch = MemberPatch { state: Some(MemberState::Suspended), ..MemberPatch::default() };
        let suspended =
            house.identity.change_member(&operators.system, &operators.owner, &patch).await;
        suspended.expect("suspended");
        assert!(running.is_over());
        assert_eq!(house.get(&visit, "/api/members").await.status, 401);
    }
}

#[tokio::test]
async fn an_operator_who_may_not_support_any_more_is_out_too() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let visit = house.entered(&id).await;
        let operators = &house.operators;
        let patch = MemberPatch { role: Some("org:member".to_owned()), ..MemberPatch::default() };
        let changed = house.identity.change_member(&operators.system, &operators.owner, &patch);
        changed.await.expect("changed");
        assert_eq!(house.get(&visit, "/api/members").await.status, 401);
    }
}

#[tokio::test]
async fn a_restart_neither_ends_nor_revives_a_visit() {
    for house in House::on_each_engine().await {
        let id = house.granted(&["users:read"], 2).await;
        let visit = house.entered(&id).await;
        assert!(house.who(&house.restarted(), &visit).await.is_some());
        house.ended(&id).await;
        assert!(house.who(&house.restarted(), &visit).await.is_none());
    }
}
