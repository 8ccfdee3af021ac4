//! How long conversations are kept.

use access::Role;
use base::args;
use base::db::{Statement, Within};
use jiff::SignedDuration;
use serde_json::json;

use crate::bench::Room;

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn expired_conversations_are_gone_and_the_record_says_how_many() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, member) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Member));
        let old = [room.started(&member, "fake").await, room.started(&admin, "fake").await];
        room.says(&member, &old[0], "hi").await;
        let neighbour = room.member();
        let theirs = room.started(&neighbour, "fake").await;
        room.clock.advance(DAY * 31);
        let talked = room.started(&member, "fake").await;
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 0, "90 days are not over");
        let body = json!({ "days": 30 });
        let path = "/api/conversations/retention";
        let (status, set) = room.ask(&admin, "PUT", path, &body).await;
        assert_eq!((status, &set["days"]), (200, &json!(30)));
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 2);
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 0, "once");
        for path in &old {
            assert_eq!(room.get(&member, path).await.0, 404);
        }
        assert_eq!(room.get(&member, &talked).await.0, 200);
        assert_eq!(room.get(&neighbour, &theirs).await.0, 200, "another org keeps longer");
        let count = Statement::new("count", "SELECT COUNT(*) AS n FROM chat_message");
        let rows = room.bench.db.all(&Within::node(), count, args![]).await.expect("reads");
        assert_eq!(rows[0].int("n").expect("a number"), 0, "what was said in them is gone too");
        let events = room.events(&org).await;
        let expired: Vec<_> =
            events.iter().filter(|event| event["action"] == "chat.conversations.expired").collect();
        assert_eq!(expired.len(), 1);
        assert_eq!(expired[0]["changes"], json!({ "conversations": 2, "retention_days": 30 }));
        assert_eq!(expired[0]["actorKind"], "node");
    }
}

#[tokio::test]
async fn the_retention_is_for_who_may_change_settings() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, member) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Member));
        let path = "/api/conversations/retention";
        let (_, retention) = room.get(&admin, path).await;
        assert_eq!(retention, json!({ "days": 90 }));
        assert_eq!(room.get(&member, path).await.0, 403);
        assert_eq!(room.ask(&member, "PUT", path, &json!({ "days": 1 })).await.0, 403);
        for days in [0, 3_651, -1] {
            let (status, problem) = room.ask(&admin, "PUT", path, &json!({ "days": days })).await;
            assert_eq!((status, &problem["param"]), (422, &json!("days")));
        }
        for days in [1, 3_650] {
            assert_eq!(room.ask(&admin, "PUT", path, &json!({ "days": days })).await.0, 200);
        }
        let events = room.events(&org).await;
        let last = events.last().expect("events");
        assert_eq!(last["action"], "chat.retention.set");
        assert_eq!(last["changes"]["retention_days"], json!({ "from": 1, "to": 3_650 }));
    }
}
