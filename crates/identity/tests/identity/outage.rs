//! Without the database, and beside another process.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::House;
use crate::keys::check;

#[tokio::test]
async fn a_mistyped_key_is_told_so_without_a_lookup() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        house.bench.db.close().await;
        let mut key = org.owner.key.clone();
        let last = if key.pop() == Some('x') { 'y' } else { 'x' };
        key.push(last);
        let (status, problem) = house.get(&key, "/api/session").await;
        assert_eq!(status, 401);
        assert_eq!(
            (&problem["code"], &problem["detail"]),
            (&json!("malformed_key"), &json!("malformed key"))
        );
    }
}

#[tokio::test]
async fn known_keys_work_while_the_database_is_down() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let fresh = house.second_node();
        house.bench.db.close().await;
        assert_eq!(house.get(&org.owner.key, "/api/permissions").await.0, 200);
        // What is not known cannot be decided, and is refused as such.
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("x-api-key", org.owner.key.parse().expect("a header"));
        let refused = fresh
            .identify(&axum::http::Method::GET, &headers, access::Origin::default())
            .await
            .expect_err("nothing is known there");
        assert_eq!(refused.problem.status(), 503);
        // And nothing can be changed.
        let (status, _) =
            house.ask(&org.owner.key, "POST", "/api/teams", json!({"name": "x"})).await;
        assert_eq!(status, 503);
    }
}

#[tokio::test]
async fn an_unknown_key_and_an_unknown_org_look_alike() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut answers = Vec::new();
        let nobody = access::OrgId::new("2026-05-05T00:00:00Z".parse().expect("an instant"));
        for org in [&org.id, &nobody] {
            let text = format!("pk_eu_{}_{}", org.ulid(), "a".repeat(32));
            let key = format!("{text}_{}", check(&text));
            answers.push(house.get(&key, "/api/session").await);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!((answers[0].0, &answers[0].1["code"]), (401, &json!("invalid_key")));
    }
}

#[tokio::test]
async fn what_another_process_changed_is_noticed() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let other = house.second_node();
        other.preload().await.expect("reads");
        let (_, keys) = house.get(&org.member.key, "/api/keys").await;
        let path = format!("/api/keys/{}", keys["items"][0]["id"].as_str().expect("an id"));
        assert_eq!(house.ask(&org.member.key, "DELETE", &path, Value::Null).await.0, 204);
        other.watch().await;
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("x-api-key", org.member.key.parse().expect("a header"));
        let method = axum::http::Method::GET;
        let refused = other.identify(&method, &headers, access::Origin::default()).await;
        assert_eq!(refused.expect_err("revoked").problem.detail(), "revoked key");
    }
}

#[tokio::test]
async fn a_key_says_when_it_was_last_used() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        house.clock.advance(SignedDuration::from_mins(5));
        let (_, keys) = house.get(&org.viewer.key, "/api/keys").await;
        assert_eq!(keys["items"][0]["last_used_at"], "2026-01-01T00:05:00Z");
        house.identity.flush_seen().await;
        let list = identity::ListKeys { owner: Some("*".to_owned()), ..Default::default() };
        let keys = house.second_node().keys(&org.operator, &list).await.expect("reads");
        let used: Vec<_> = keys.items.iter().filter_map(|key| key.last_used_at).collect();
        assert_eq!(used.len(), 1, "{:?}: written, and only for the key in use", house.engine());
    }
}
