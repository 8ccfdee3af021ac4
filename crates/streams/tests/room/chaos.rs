//! Sinks and nodes that misbehave.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::{Act, Hook};

fn indexes(items: &[Value]) -> Vec<i64> {
    let events = items.iter().filter_map(|item| item["data"]["sequence"].as_i64());
    events.collect()
}

/// Every index from 0 to before `size` is there, and none comes for the first time before
/// the one in front of it did.
fn assert_complete_and_in_order(items: &[Value], size: i64) {
    let mut next = 0;
    for index in indexes(items) {
        assert!(index <= next, "{index} came when {next} was not there yet");
        next = next.max(index + 1);
    }
    assert_eq!(next, size, "nothing is missing");
}

#[tokio::test]
async fn a_sink_in_chaos_ends_with_every_event_in_order() {
    let mut random = StdRng::seed_from_u64(7);
    for mut room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let target = json!({ "kind": "webhook", "url": hook.url });
        let id = room.sink(&org, target).await;
        for round in 0..60 {
            room.grow(&org, random.random_range(1..60)).await;
            if round % 7 == 0 {
                room.publish().await;
            }
            let acts = (0..6).map(|_| match random.random_range(0..10) {
                0 => Act::Drop,
                1 => Act::TakeAndDrop,
                2 => Act::Say(500, "", "oops"),
                3 => Act::TakeAndSay(503, "", "oops"),
                4 => Act::Say(429, "retry-after: 1\r\n", ""),
                5 => Act::Say(200, "", r#"{"error":"not indexed"}"#),
                6 => Act::TakeAndSay(200, "", r#"{"status":"error"}"#),
                // What it does not like now it may like in smaller pieces.
                7 => Act::Say(413, "", "too large"),
                _ => Act::Take,
            });
            hook.will(acts.collect::<Vec<_>>());
            room.streams.deliver().await.expect("delivers");
            if round % 5 == 0 {
                room.streams = room.node("n1");
            }
            // A single item that was refused is tried again by somebody.
            if room.shown(&org, &id).await["state"] == "blocked" {
                let retried = room.does(&org, &id, "retry", Value::Null).await;
                assert_eq!(retried.status, 200, "{}", retried.text);
            }
            room.pass(random.random_range(1..700));
        }
        hook.state().next.clear();
        room.publish().await;
        room.until_delivered(&org, &id).await;
        let (items, size) = (hook.items(), room.size(&org).await);
        assert!(size > 1_000, "{size}");
        assert!(indexes(&items).len() > usize::try_from(size).expect("few"), "some came twice");
        assert_complete_and_in_order(&items, size);
        let mut checkpoints = 0;
        for (place, item) in items.iter().enumerate() {
            if item["type"] == "portico.streams.checkpoint" {
                let covered = item["data"]["size"].as_i64().expect("a size");
                assert!(indexes(&items[..place]).contains(&(covered - 1)), "it covers what came");
                checkpoints += 1;
            }
        }
        assert!(checkpoints >= 2, "{checkpoints}");
    }
}

#[tokio::test]
async fn a_node_that_dies_before_it_noted_a_delivery_delivers_again() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        room.grow(&org, 250).await;
        let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
        for _ in 0..2 {
            hook.will([Act::Take, Act::Hold]);
            let died = room.node("n1");
            // It has sent a second delivery, which nobody answered; it is no more.
            tokio::select! {
                _ = died.deliver() => panic!("the sink never answers"),
                () = async { hook.came().await; while !hook.state().next.is_empty() { hook.came().await } } => {}
            }
        }
        room.until_delivered(&org, &id).await;
        let (items, size) = (hook.items(), room.size(&org).await);
        assert_complete_and_in_order(&items, size);
        assert!(indexes(&items).len() > usize::try_from(size).expect("few"), "some came twice");
        let ids: Vec<String> =
            hook.state().kept.iter().map(|h| h.header("webhook-id").to_owned()).collect();
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        assert!(once.len() < ids.len(), "the same delivery bears the same id: {ids:?}");
    }
}

#[tokio::test]
async fn two_nodes_do_not_deliver_a_sink_at_once() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
        let (first, second) = (room.node("n1"), room.node("n2"));
        hook.will([Act::Hold]);
        tokio::select! {
            _ = first.deliver() => panic!("the sink never answers"),
            () = hook.came() => {}
        }
        let none = second.deliver().await.expect("looks");
        assert_eq!((none.events, hook.state().heard.len()), (0, 1), "it is the first one's turn");
        // Who is silent for two minutes loses its turn.
        room.pass(121);
        let all = second.deliver().await.expect("delivers");
        assert_eq!(i64::try_from(all.events), Ok(room.size(&org).await));
        assert_eq!(room.shown(&org, &id).await["lag_events"], 0);
    }
}
