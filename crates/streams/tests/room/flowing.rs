//! What flows, and in which shape.

use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::{Act, Hook};

fn webhook(hook: &Hook) -> Value {
    json!({ "kind": "webhook", "url": format!("{}/in", hook.url) })
}

#[tokio::test]
async fn the_whole_record_flows_into_a_webhook_as_cloud_events() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        room.grow(&org, 230).await;
        let id = room.sink(&org, webhook(&hook)).await;
        let shown = room.until_delivered(&org, &id).await;
        let size = room.size(&org).await;
        assert_eq!(shown["next"], size);
        assert_eq!((&shown["state"], &shown["lag_secs"]), (&json!("delivering"), &json!(0)));
        let items = hook.items();
        assert_eq!(i64::try_from(items.len()).expect("few"), size);
        for (place, item) in items.iter().enumerate() {
            assert_eq!(item["id"], format!("{}/{place}", org.id));
            assert_eq!(item["specversion"], "1.0");
            assert_eq!(item["source"], format!("urn:portico:eu:{}", org.id));
            assert_eq!(item["data"]["sequence"], place);
            assert_eq!(
                item["type"],
                format!("portico.{}", item["data"]["action"].as_str().expect("an action"))
            );
        }
        let shown = room.record.event(&org.operator, 5).await.expect("an event");
        assert_eq!(items[5]["data"], shown, "what is sent is what the record shows");
        let kept = hook.state().kept.clone();
        assert!(kept.len() >= 3, "a delivery holds at most a hundred items: {}", kept.len());
        for heard in &kept {
            assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/in"));
            assert_eq!(heard.header("content-type"), "application/cloudevents-batch+json");
            assert!(heard.json().as_array().expect("an array").len() <= 100);
        }
        let lines = room.metrics.render().expect("metrics");
        let delivered = format!("portico_streams_delivered_total{{kind=\"webhook\"}} {size}");
        assert!(lines.contains(&delivered), "{lines}");
    }
}

#[tokio::test]
async fn checkpoints_stand_in_the_stream_behind_what_they_cover() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, webhook(&hook)).await;
        room.grow(&org, 5).await;
        room.publish().await;
        let first = room.size(&org).await;
        room.grow(&org, 5).await;
        let shown = room.until_delivered(&org, &id).await;
        assert_eq!(shown["checkpoint"], first);
        let items = hook.items();
        let place = items.iter().position(|item| item["type"] == "portico.streams.checkpoint");
        let place = place.expect("a checkpoint");
        assert_eq!(items[place - 1]["data"]["sequence"], first - 1);
        assert_eq!(items[place + 1]["data"]["sequence"], first);
        assert_eq!(items[place]["id"], format!("{}/checkpoint-{first}", org.id));
        let note = items[place]["data"]["note"].as_str().expect("a note");
        let mut lines = note.lines().skip(1);
        assert_eq!(lines.next(), Some(first.to_string().as_str()), "the note of that size: {note}");
        // One that is signed after its events went out follows as soon as it is there.
        room.publish().await;
        room.streams.deliver().await.expect("delivers");
        let last = hook.items().pop().expect("an item");
        assert_eq!(last["data"]["size"], room.size(&org).await);
        assert_eq!(room.streams.deliver().await.expect("delivers").events, 0, "and once");
        let checkpoints = hook.items();
        let checkpoints =
            checkpoints.iter().filter(|item| item["type"] == "portico.streams.checkpoint");
        assert_eq!(checkpoints.count(), 2);
    }
}

#[tokio::test]
async fn more_checkpoints_than_are_read_at_once_stand_behind_what_they_cover_too() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        // Of an hour the last ones are remembered.
        for _ in 0..104 {
            room.grow(&org, 1).await;
            room.publish().await;
            room.pass(3_600);
        }
        room.grow(&org, 5).await;
        hook.state().says = Some((200, r#"{"text":"Success","code":0}"#.to_owned()));
        // Splunk takes more items at once than there are checkpoints.
        let target = json!({ "kind": "splunk", "url": hook.url });
        let new = json!({ "name": "S", "target": target, "secret": "token-1234" });
        let id = room.made(&org, new).await["sink"]["id"].as_str().expect("an id").to_owned();
        room.until_delivered(&org, &id).await;
        let kept = hook.state().kept.clone();
        let bodies: String = kept.iter().map(|heard| heard.body.as_str()).collect();
        let items = serde_json::Deserializer::from_str(&bodies).into_iter::<Value>();
        let (mut next, mut checkpoints) = (0, 0);
        for item in items {
            let item = item.expect("JSON");
            let key = item["fields"]["portico_key"].as_str().expect("a key").to_owned();
            if item["fields"]["portico_kind"] == "checkpoint" {
                assert_eq!(key, format!("{}/checkpoint-{next}", org.id));
                checkpoints += 1;
            } else {
                assert_eq!(key, format!("{}/{next}", org.id));
                next += 1;
            }
        }
        assert_eq!((next, checkpoints), (room.size(&org).await, 104));
    }
}

#[tokio::test]
async fn a_webhook_that_asks_for_patience_gets_it() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, webhook(&hook)).await;
        hook.will([Act::Say(429, "retry-after: 900\r\n", "slow down")]);
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        assert_eq!((&shown["state"], &shown["failures"]), (&json!("failing"), &json!(1)));
        assert!(shown["error"].as_str().expect("an error").contains("slow down"), "{shown}");
        room.pass(899);
        room.streams.deliver().await.expect("delivers");
        assert_eq!(hook.state().heard.len(), 1, "not before it said");
        room.pass(2);
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        assert_eq!((&shown["state"], &shown["error"]), (&json!("delivering"), &Value::Null));
    }
}

#[tokio::test]
async fn a_test_tells_what_the_sink_answered_and_moves_nothing() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, webhook(&hook)).await;
        let before = room.shown(&org, &id).await["next"].clone();
        let trial = room.does(&org, &id, "test", Value::Null).await.json();
        assert_eq!(trial, json!({ "taken": true, "said": "200 OK" }));
        assert_eq!(hook.items()[0]["type"], "portico.streams.test");
        hook.will([Act::Say(403, "", "who\nare you?")]);
        let trial = room.does(&org, &id, "test", Value::Null).await.json();
        assert_eq!(trial["taken"], false);
        assert_eq!(trial["said"], "answered 403 Forbidden who are you?");
        assert_eq!(room.shown(&org, &id).await["next"], before);
        let told = room.events(&org, "streams.sink.tested").await;
        let outcomes: Vec<_> = told.iter().map(|event| event["outcome"].clone()).collect();
        assert_eq!(outcomes, ["failed", "success"]);
        assert_eq!(told[0]["reason"]["detail"], "answered 403 Forbidden", "none of its words");
    }
}

#[tokio::test]
async fn a_paused_sink_is_left_alone_and_catches_up() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, webhook(&hook)).await;
        room.until_delivered(&org, &id).await;
        let path = format!("/api/streams/{id}");
        let paused = room.ask(&org.owner.key, "PATCH", &path, json!({ "paused": true })).await;
        assert_eq!(paused.json()["state"], "paused", "{}", paused.text);
        room.grow(&org, 3).await;
        let heard = hook.state().heard.len();
        room.streams.deliver().await.expect("delivers");
        assert_eq!(hook.state().heard.len(), heard);
        assert_eq!(room.shown(&org, &id).await["lag_events"], 4, "three, and that it was paused");
        let resumed = room.ask(&org.owner.key, "PATCH", &path, json!({ "paused": false })).await;
        assert_eq!(resumed.status, 200, "{}", resumed.text);
        room.until_delivered(&org, &id).await;
        for action in ["streams.sink.paused", "streams.sink.resumed"] {
            assert_eq!(room.events(&org, action).await.len(), 1, "{action}");
        }
    }
}
