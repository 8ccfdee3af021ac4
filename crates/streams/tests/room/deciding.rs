//! What a sink refuses, and what admins decide about it.

use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::{Act, Hook};

/// A room whose sink refuses one event, and the index of that event.
async fn blocked(room: &Room, hook: &Hook) -> (identity::testing::Org, String, i64) {
    let org = room.org("acme").await;
    room.grow(&org, 40).await;
    let poison = room.size(&org).await - 20;
    let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
    let refused = (format!("\"id\":\"{}/{poison}\"", org.id), Act::Say(400, "", "bad event"));
    hook.state().refuses = Some(refused);
    for _ in 0..10 {
        room.streams.deliver().await.expect("delivers");
    }
    (org, id, poison)
}

#[tokio::test]
async fn what_a_sink_refuses_blocks_it_until_somebody_decides() {
    for room in Room::on_each_engine().await {
        let hook = Hook::listening().await;
        let (org, id, poison) = blocked(&room, &hook).await;
        let shown = room.shown(&org, &id).await;
        assert_eq!(shown["state"], "blocked", "{shown}");
        assert_eq!(shown["blocked_at"], poison.to_string());
        assert_eq!(shown["error"], "answered 400 Bad Request bad event");
        assert_eq!(shown["next"], poison, "all before it went through, nothing behind it");
        assert_eq!(hook.items().len(), usize::try_from(poison).expect("few"));
        let told = room.events(&org, "streams.sink.blocked").await;
        assert_eq!(told.len(), 1, "said once");
        assert_eq!(
            (&told[0]["outcome"], &told[0]["changes"]["item"]),
            (&json!("failed"), &json!(poison.to_string()))
        );
        let lines = room.metrics.render().expect("metrics");
        assert!(lines.contains("portico_streams_blocked{kind=\"webhook\"} 1"), "{lines}");

        // Time mends nothing, and neither does another try.
        room.pass(86_400);
        room.streams.deliver().await.expect("delivers");
        assert_eq!(room.does(&org, &id, "retry", Value::Null).await.status, 200);
        room.streams.deliver().await.expect("delivers");
        assert_eq!(room.shown(&org, &id).await["state"], "blocked");

        let other = room.does(&org, &id, "set-aside", json!({ "item": "1" })).await;
        assert_eq!((other.status, other.json()["code"].as_str()), (409, Some("other_item")));
        let aside = room.does(&org, &id, "set-aside", json!({ "item": poison.to_string() })).await;
        assert_eq!(aside.status, 200, "{}", aside.text);
        room.until_delivered(&org, &id).await;
        let items = hook.items();
        let gap = &items[usize::try_from(poison).expect("few")];
        assert_eq!(gap["id"], format!("{}/gap-{poison}", org.id), "a notice in its place");
        assert_eq!(gap["type"], "portico.streams.gap");
        assert_eq!(gap["data"]["item"], poison.to_string());
        assert_eq!(items.len(), usize::try_from(room.size(&org).await).expect("few"));
        assert_eq!(room.events(&org, "streams.sink.set_aside").await.len(), 1);
        let again = room.does(&org, &id, "set-aside", json!({ "item": "5" })).await;
        assert_eq!((again.status, again.json()["code"].as_str()), (409, Some("not_blocked")));
    }
}

#[tokio::test]
async fn a_replay_sends_everything_again_also_what_was_set_aside() {
    for room in Room::on_each_engine().await {
        let hook = Hook::listening().await;
        let (org, id, poison) = blocked(&room, &hook).await;
        room.does(&org, &id, "set-aside", json!({ "item": poison.to_string() })).await;
        room.until_delivered(&org, &id).await;
        let far = room.does(&org, &id, "replay", json!({ "from": 1_000_000 })).await;
        assert_eq!((far.status, far.json()["param"].as_str()), (422, Some("from")));
        {
            let mut state = hook.state();
            state.refuses = None;
            state.kept.clear();
        }
        assert_eq!(room.does(&org, &id, "replay", json!({ "from": 10 })).await.json()["next"], 10);
        room.until_delivered(&org, &id).await;
        let items = hook.items();
        assert_eq!(items[0]["data"]["sequence"], 10);
        let place = usize::try_from(poison).expect("few") - 10;
        assert_eq!(items[place]["data"]["sequence"], poison, "it is there now");
        assert_eq!(room.does(&org, &id, "replay", json!({})).await.json()["next"], 0);
        room.until_delivered(&org, &id).await;
        assert_eq!(room.events(&org, "streams.sink.replayed").await.len(), 2);
    }
}

#[tokio::test]
async fn a_replay_passes_over_nothing_that_the_sink_lacks() {
    for room in Room::on_each_engine().await {
        let hook = Hook::listening().await;
        let (org, id, poison) = blocked(&room, &hook).await;
        let beyond = room.does(&org, &id, "replay", json!({ "from": poison + 1 })).await;
        assert_eq!((beyond.status, beyond.json()["param"].as_str()), (422, Some("from")));
        room.does(&org, &id, "set-aside", json!({ "item": poison.to_string() })).await;
        let beyond = room.does(&org, &id, "replay", json!({ "from": poison + 1 })).await;
        assert_eq!(beyond.status, 422, "a notice is still due: {}", beyond.text);
        room.until_delivered(&org, &id).await;

        // From where it stands: what it is blocked at comes first again, also a checkpoint.
        room.publish().await;
        hook.state().refuses = Some(("/checkpoint-".to_owned(), Act::Say(400, "", "no")));
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        let (item, next) = (shown["blocked_at"].clone(), shown["next"].clone());
        assert_eq!(item, format!("checkpoint-{next}"), "{shown}");
        let again = room.does(&org, &id, "replay", json!({ "from": next })).await;
        assert_eq!((again.status, &again.json()["state"]), (200, &json!("delivering")));
        for _ in 0..4 {
            room.streams.deliver().await.expect("delivers");
        }
        let shown = room.shown(&org, &id).await;
        assert_eq!((&shown["state"], &shown["blocked_at"]), (&json!("blocked"), &item), "{shown}");
    }
}

#[tokio::test]
async fn a_new_name_or_a_pause_unblocks_nothing() {
    for room in Room::on_each_engine().await {
        let hook = Hook::listening().await;
        let (org, id, poison) = blocked(&room, &hook).await;
        let (path, item) = (format!("/api/streams/{id}"), json!(poison.to_string()));
        for (wanted, state, blocked_at) in [
            (json!({ "name": "Other" }), "blocked", &item),
            (json!({ "paused": true }), "paused", &item),
            (json!({ "name": "Third" }), "paused", &item),
            (json!({ "paused": false }), "delivering", &Value::Null),
        ] {
            let changed = room.ask(&org.owner.key, "PATCH", &path, wanted.clone()).await.json();
            assert_eq!((&changed["state"], &changed["blocked_at"]), (&json!(state), blocked_at));
        }
    }
}

#[tokio::test]
async fn a_changed_setting_is_tried_at_once() {
    for room in Room::on_each_engine().await {
        let hook = Hook::listening().await;
        let (org, id, _) = blocked(&room, &hook).await;
        let good = Hook::listening().await;
        let target = json!({ "target": { "kind": "webhook", "url": good.url },
                             "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
        let path = format!("/api/streams/{id}");
        let changed = room.ask(&org.owner.key, "PATCH", &path, target).await;
        assert_eq!((changed.status, &changed.json()["state"]), (200, &json!("delivering")));
        room.until_delivered(&org, &id).await;
        let event = &room.events(&org, "streams.sink.changed").await[0];
        assert_eq!(event["changes"]["target"]["to"]["url"], good.url);
        let other = json!({ "target": { "kind": "syslog", "host": "siem.example" } });
        let other = room.ask(&org.owner.key, "PATCH", &path, other).await;
        assert_eq!((other.status, other.json()["param"].as_str()), (422, Some("target.kind")));
    }
}
