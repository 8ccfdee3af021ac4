//! Many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::db::Statement;
use base::tasks::Tasks;
use serde_json::{Value, json};

use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_revoked_key_comes_back_while_others_change_the_org() {
    for house in House::on_each_engine().await {
        let (house, tasks) = (Arc::new(house), Tasks::new());
        let org = Arc::new(house.org("acme").await);
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..24 {
            let (house, org, done) = (house.clone(), org.clone(), done.clone());
            tasks.spawn(async move {
                let body = json!({"name": "ci"});
                let (status, key) = house.ask(&org.member.key, "POST", "/api/keys", body).await;
                assert_eq!(status, 201, "{key}");
                let secret = key["secret"].as_str().expect("a secret").to_owned();
                assert_eq!(house.get(&secret, "/api/keys").await.0, 200, "known at once");
                let path = format!("/api/keys/{}", key["id"].as_str().expect("an id"));
                let (status, _) = house.ask(&org.member.key, "DELETE", &path, Value::Null).await;
                assert_eq!(status, 204);
                for _ in 0..20 {
                    assert_eq!(house.get(&secret, "/api/permissions").await.0, 401);
                    tokio::task::yield_now().await;
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        tasks.ended().await;
        let done = done.load(Ordering::Relaxed);
        assert_eq!(done, 24, "{:?}", house.engine());
    }
}

/// Makes the org large: reading it takes longer than changing it.
const MANY_SEATS: Statement = Statement::new(
    "fill a team",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
     INSERT INTO identity_team_member (org_id, team_id, member_id, added_at)
     SELECT CAST($1 AS TEXT), 'team_01KDVD8PR0M4TBPEWS8N4QDTEK',
            'mem_01KDVD8PR0M4TBPEWS80' || CAST(100000 + i AS TEXT), 0 FROM n",
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_changes_at_once_keep_nobody_else_out() {
    for house in House::on_each_engine().await {
        let (house, tasks) = (Arc::new(house), Tasks::new());
        let org = Arc::new(house.org("acme").await);
        let scope = org.operator.itself();
        let change = audit::Change::begin(&house.record, &scope).await;
        let mut change = change.expect("begins");
        assert_eq!(change.run(MANY_SEATS, Vec::new()).await.expect("fills"), 2000);
        change.commit(audit::Event::done("test.filled", "org", "x")).await.expect("commits");
        let made = Arc::new(AtomicUsize::new(0));
        for number in 0..48 {
            let (house, org, made) = (house.clone(), org.clone(), made.clone());
            tasks.spawn(async move {
                let body = json!({"name": format!("team {number}")});
                let (status, team) = house.ask(&org.admin.key, "POST", "/api/teams", body).await;
                assert_eq!(status, 201, "{team}");
                made.fetch_add(1, Ordering::Relaxed);
            });
        }
        while made.load(Ordering::Relaxed) < 48 {
            let (status, problem) = house.get(&org.member.key, "/api/permissions").await;
            assert_eq!(status, 200, "{problem} on {:?}", house.engine());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tasks.ended().await;
    }
}

#[tokio::test]
async fn two_owners_who_remove_each_other_leave_one() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let promote = json!({"role": "org:owner"});
        let admin = format!("/api/members/{}", org.admin.id);
        assert_eq!(house.ask(&org.owner.key, "PATCH", &admin, promote).await.0, 200);
        let owner = format!("/api/members/{}", org.owner.id);
        let (one, two) = tokio::join!(
            house.ask(&org.owner.key, "DELETE", &admin, Value::Null),
            house.ask(&org.admin.key, "DELETE", &owner, Value::Null),
        );
        let mut answers = [one.0, two.0];
        answers.sort_unstable();
        assert!(answers[0] == 204 && answers[1] != 204, "{answers:?} on {:?}", house.engine());
    }
}

#[tokio::test]
async fn guesses_at_once_are_counted_as_so_many() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let guess = async || {
            let body = json!({"org": "acme", "email": org.member.email, "password": "wrong horse battery"});
            house.send("POST", "/api/session", &[], body).await.0
        };
        let mut answers = Vec::new();
        for _ in 0..4 {
            let (a, b, c, d) = tokio::join!(guess(), guess(), guess(), guess());
            answers.extend([a, b, c, d]);
        }
        assert_eq!(answers.iter().filter(|status| **status == 401).count(), 10, "{answers:?}");
        assert_eq!(answers.iter().filter(|status| **status == 429).count(), 6);
    }
}
