//! What happens at once, and what goes wrong beside what goes well.

use std::sync::Arc;

use access::{Databases, Region};
use base::args;
use base::db::{Statement, Within};
use base::testing::Bench;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::bench::Room;
use crate::hook::{Act, Hook};

#[tokio::test]
async fn two_changes_at_once_are_both_kept() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
        let path = format!("/api/streams/{id}");
        for round in 0..12 {
            let format = if round % 2 == 0 { "ocsf" } else { "cef" };
            let (paused, name) = (round % 2 == 0, format!("name {round}"));
            let changes =
                [json!({ "name": name }), json!({ "format": format }), json!({ "paused": paused })];
            let asked = changes.map(|body| room.ask(&org.owner.key, "PATCH", &path, body));
            for changed in join_all(asked).await {
                assert_eq!(changed.status, 200, "{}", changed.text);
            }
            let shown = room.shown(&org, &id).await;
            assert_eq!((&shown["name"], &shown["format"]), (&json!(name), &json!(format)));
            assert_eq!(shown["state"] == "paused", paused, "{round}: {shown}");
        }
    }
}

#[tokio::test]
async fn however_many_are_made_at_once_an_org_has_no_more_sinks_than_it_may() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let new = json!({ "name": "S", "target": { "kind": "webhook", "url": hook.url } });
        let asked = (0..streams::SINKS_MAX * 2)
            .map(|_| room.post(&org.owner.key, "/api/streams", new.clone()));
        let answers = join_all(asked).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, streams::SINKS_MAX);
        let list = room.get(&org.owner.key, "/api/streams").await.json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(made));
    }
}

#[tokio::test]
async fn a_node_that_lost_its_turn_sends_nothing_more_and_notes_nothing() {
    // Refused, which is halved; and busy, which is noted as a failure.
    for status in [413, 503] {
        for room in Room::on_each_engine().await {
            let (org, hook) = (room.org("acme").await, Hook::listening().await);
            room.grow(&org, 10).await;
            let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
            let (first, second) = (room.node("n1"), room.node("n2"));
            let told = Arc::new(Notify::new());
            hook.will([
                Act::SayWhenTold(Arc::clone(&told), status),
                Act::Say(503, "retry-after: 600\r\n", "busy"),
            ]);
            let (slow, ()) = tokio::join!(first.deliver(), async {
                hook.came().await;
                room.pass(121);
                let taken_over = second.deliver().await.expect("delivers");
                assert!(!taken_over.more, "it waits");
                told.notify_one();
            });
            slow.expect("ends");
            let shown = room.shown(&org, &id).await;
            assert_eq!((&shown["failures"], &shown["next"]), (&json!(1), &json!(0)), "{shown}");
            assert!(shown["error"].as_str().expect("an error").ends_with("busy"), "{shown}");
            assert_eq!(hook.state().heard.len(), 2, "one by each node");
        }
    }
}

#[tokio::test]
async fn an_answer_of_the_target_of_before_is_none_of_the_new_one() {
    // Taken; refused, which would block; and busy, which would be a failure.
    for status in [200, 400, 503] {
        for room in Room::on_each_engine().await {
            let (org, old, new) =
                (room.org("acme").await, Hook::listening().await, Hook::listening().await);
            let from = room.size(&org).await;
            let webhook = json!({ "kind": "webhook", "url": old.url });
            let made = room.made(&org, json!({ "name": "S", "target": webhook, "from": from }));
            let id = made.await["sink"]["id"].as_str().expect("an id").to_owned();
            let told = Arc::new(Notify::new());
            old.will([Act::SayWhenTold(Arc::clone(&told), status)]);
            let (slow, ()) = tokio::join!(room.streams.deliver(), async {
                old.came().await;
                let target = json!({ "target": { "kind": "webhook", "url": new.url },
                                     "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
                let path = format!("/api/streams/{id}");
                let changed = room.ask(&org.owner.key, "PATCH", &path, target).await;
                assert_eq!(changed.status, 200, "{}", changed.text);
                told.notify_one();
            });
            slow.expect("ends");
            let shown = room.shown(&org, &id).await;
            assert_eq!(
                (&shown["state"], &shown["failures"], &shown["next"]),
                (&json!("delivering"), &json!(0), &json!(from)),
                "{status}: {shown}"
            );
            room.streams.deliver().await.expect("delivers");
            assert_eq!(old.state().heard.len(), 1);
            let sent: Vec<_> =
                new.items().iter().map(|it| it["data"]["sequence"].clone()).collect();
            assert_eq!(sent, [json!(from), json!(from + 1)], "that it was made, and changed");
        }
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
async fn a_sink_that_cannot_be_read_or_opened_keeps_no_other_waiting() {
    const UNREADABLE: Statement = Statement::new(
        "break a target",
        "UPDATE streams_sink SET target = '{\"kind\":\"fax\"}' WHERE org_id = $1 AND sink_id = $2",
    );
    const UNOPENED: Statement = Statement::new(
        "break a seal",
        "UPDATE streams_sink SET sealed = $3 WHERE org_id = $1 AND sink_id = $2",
    );
    for room in Room::on_each_engine().await {
        let org = room.org("acme").await;
        let (torn, hook) = (Hook::listening().await, Hook::listening().await);
        let webhook = |hook: &Hook| json!({ "kind": "webhook", "url": hook.url });
        let unreadable = room.sink(&org, webhook(&torn)).await;
        let unopened = room.sink(&org, webhook(&torn)).await;
        let id = room.sink(&org, webhook(&hook)).await;
        let mut tx = room.bench.db.begin(&Within::node()).await.expect("begins");
        tx.run(UNREADABLE, args![org.id.as_str(), &unreadable]).await.expect("breaks");
        let noise = base::db::Value::Bytes(Some(vec![7; 64]));
        tx.run(UNOPENED, args![org.id.as_str(), &unopened, noise]).await.expect("breaks");
        tx.commit().await.expect("commits");

        let delivered = room.streams.deliver().await.expect("delivers");
        assert!(!delivered.more, "nothing is to be tried again at once");
        assert_eq!(i64::try_from(hook.items().len()), Ok(room.size(&org).await));
        assert_eq!(room.shown(&org, &id).await["state"], "delivering");
        // What does not open is a failure like any other: later, and later each time.
        for failures in [1, 1] {
            let shown = room.shown(&org, &unopened).await;
            assert_eq!(
                (&shown["state"], &shown["failures"]),
                (&json!("failing"), &json!(failures))
            );
            assert_ne!((&shown["error"], &shown["try_at"]), (&Value::Null, &Value::Null));
            room.streams.deliver().await.expect("delivers");
        }
        room.pass(660);
        room.streams.deliver().await.expect("delivers");
        assert_eq!(room.shown(&org, &unopened).await["failures"], 2);
        assert!(torn.state().heard.is_empty());
    }
}

#[tokio::test]
async fn a_region_that_is_out_of_order_keeps_no_other_waiting() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
        let empty = Bench::sqlite(&[]).await;
        let regions = [(Region::Us, empty.db.clone()), (Region::Eu, room.bench.db.clone())];
        let node = room.over(Databases::new(regions));
        node.deliver().await.expect_err("says that one could not be looked at");
        assert_eq!(i64::try_from(hook.items().len()), Ok(room.size(&org).await));
    }
}
