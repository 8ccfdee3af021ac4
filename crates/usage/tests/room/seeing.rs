//! Who sees what.

use access::Role;
use axum::http::StatusCode;

use crate::bench::{CALL, Room};

#[tokio::test]
async fn a_member_sees_only_what_they_used() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (one, other) =
            (room.member(&org, Role::Member, &[]), room.member(&org, Role::Member, &[]));
        let admin = room.member(&org, Role::Admin, &[]);
        room.called(&one, CALL).await;
        for _ in 0..3 {
            room.called(&other, CALL).await;
        }
        let seen = room.json(&one, "/api/usage/series").await;
        assert_eq!((&seen["own"], &seen["total"]["calls"]), (&true.into(), &1.into()));
        for dimension in ["model", "team", "member", "key"] {
            for bucket in ["hour", "day"] {
                let path = format!("/api/usage/by/{dimension}?bucket={bucket}");
                let seen = room.json(&one, &path).await;
                assert_eq!(seen["items"].as_array().expect("items").len(), 1, "{path}");
                assert_eq!(seen["items"][0]["calls"], 1, "{path} on {:?}", room.engine());
            }
        }
        let (_, table) = room.get(&one, "/api/usage.csv").await;
        assert!(table.contains(one.actor.id()) && !table.contains(other.actor.id()), "{table}");

        // Somebody else by name is refused, and somebody else's key shows nothing.
        let path = format!("/api/usage/series?member={}", other.actor.id());
        assert_eq!(room.get(&one, &path).await.0, StatusCode::FORBIDDEN);
        let path = format!("/api/usage.csv?member={}", other.actor.id());
        assert_eq!(room.get(&one, &path).await.0, StatusCode::FORBIDDEN);
        let key = other.key.as_ref().expect("a key");
        let seen = room.json(&one, &format!("/api/usage/series?key={key}")).await;
        assert_eq!(seen["total"]["calls"], 0);

        let seen = room.json(&admin, "/api/usage/series").await;
        assert_eq!((&seen["own"], &seen["total"]["calls"]), (&false.into(), &4.into()));
    }
}

#[tokio::test]
async fn two_orgs_do_not_see_each_other() {
    for room in Room::on_each_engine().await {
        let (ours, theirs) = (
            room.member(&room.org(), Role::Owner, &[]),
            room.member(&room.org(), Role::Owner, &[]),
        );
        for _ in 0..2 {
            room.called(&ours, CALL).await;
        }
        room.called(&theirs, CALL).await;
        for (who, calls) in [(&ours, 2), (&theirs, 1)] {
            let seen = room.json(who, "/api/usage/series").await;
            assert_eq!(seen["total"]["calls"], calls, "{:?}", room.engine());
            let seen = room.json(who, "/api/usage/by/member").await;
            assert_eq!(seen["items"].as_array().expect("items").len(), 1);
        }
        let path = format!("/api/usage/series?member={}", theirs.actor.id());
        assert_eq!(room.json(&ours, &path).await["total"]["calls"], 0);
        let (_, table) = room.get(&ours, "/api/usage.csv").await;
        assert!(!table.contains(theirs.actor.id()));
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_by_the_name_of_its_parameter() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.org(), Role::Admin, &[]);
        for (path, named) in [
            ("/api/usage/series?colour=red", "colour"),
            ("/api/usage/series?limit=3", "limit"),
            ("/api/usage/by/model?limit=0", "limit"),
            ("/api/usage/by/model?limit=51", "limit"),
            ("/api/usage/by/model?metric=colour", "metric"),
            ("/api/usage/series?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
            ("/api/usage/series?from=2020-01-02T00:00:00Z", "from"),
            ("/api/usage/series?bucket=hour&from=2025-10-01T00:00:00Z", "bucket"),
            ("/api/usage/series?model=a%0Ab", "model"),
        ] {
            let (status, body) = room.get(&admin, path).await;
            let problem: serde_json::Value = serde_json::from_str(&body).expect("a problem");
            assert_eq!((status, &problem["param"]), (StatusCode::BAD_REQUEST, &named.into()));
        }
        let (status, _) = room.get(&admin, "/api/usage/by/colour").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}
