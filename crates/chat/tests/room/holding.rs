//! What a legal hold or the retention of the org keeps, and when it goes.

use access::Role;
use base::args;
use base::db::{Statement, Within};
use gateway::testing::HELLO;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{Room, json_request};

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn the_sweep_passes_by_what_must_be_kept_and_takes_the_rest() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (sued, other) = (room.somebody(&org, Role::Member), room.somebody(&org, Role::Member));
        let key = room.key_of(&sued);
        let (frozen, bound) = (room.member(), room.member());
        room.hold(&org, Some(&sued)).await;
        room.hold(&frozen.org, None).await;
        room.law(&bound.org, 3_650).await;
        let kept = [
            (&sued, room.started(&sued, "fake").await),
            (&key, room.started(&key, "fake").await),
            (&frozen, room.started(&frozen, "fake").await),
            (&bound, room.started(&bound, "fake").await),
        ];
        let gone = room.started(&other, "fake").await;
        room.clock.advance(DAY * 91);
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 1);
        assert_eq!(room.get(&other, &gone).await.0, 404);
        for (owner, path) in kept {
            assert_eq!(room.get(owner, &path).await.0, 200, "{path}");
        }
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 0, "also next time");
    }
}

#[tokio::test]
async fn what_nothing_keeps_any_more_is_swept() {
    for room in Room::on_each_engine().await {
        let (sued, bound) = (room.member(), room.member());
        let hold = room.hold(&sued.org, Some(&sued)).await;
        room.law(&bound.org, 120).await;
        let (old, young) = (room.started(&sued, "fake").await, room.started(&bound, "fake").await);
        room.clock.advance(DAY * 119);
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 0);
        room.lift(&sued.org, &hold).await;
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 1);
        assert_eq!(room.get(&sued, &old).await.0, 404);
        assert_eq!(room.get(&bound, &young).await.0, 200, "119 of 120 days");
        room.clock.advance(DAY);
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 1);
        assert_eq!(room.get(&bound, &young).await.0, 404);
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
async fn many_that_must_be_kept_stand_in_nobodys_way() {
    /// As many of somebody as one sweep looks at, like the one that is there.
    const MORE: Statement = Statement::new(
        "add conversations",
        "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1498)
         INSERT INTO chat_conversation (org_id, conversation_id, owner_id, title, model, last,
             created_at, updated_at)
         SELECT org_id, conversation_id || CAST(i AS TEXT), owner_id, title, model, last,
                created_at, updated_at
           FROM chat_conversation CROSS JOIN n WHERE org_id = $1",
    );
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (sued, other) = (room.somebody(&org, Role::Member), room.somebody(&org, Role::Member));
        let hold = room.hold(&org, Some(&sued)).await;
        room.started(&sued, "fake").await;
        let mut tx = room.bench.db.begin(&Within::node()).await.expect("begins");
        assert_eq!(tx.run(MORE, args![org.as_str()]).await.expect("adds"), 499);
        tx.commit().await.expect("commits");
        room.clock.advance(DAY);
        let gone = room.started(&other, "fake").await;
        room.clock.advance(DAY * 91);
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 0, "looked at those that are held");
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 1, "and went on");
        assert_eq!(room.get(&other, &gone).await.0, 404);
        room.lift(&org, &hold).await;
        assert_eq!(room.chat.sweep().await.expect("sweeps"), 500, "and begins anew");
    }
}

#[tokio::test]
async fn what_must_be_kept_is_not_deleted_by_its_owner_who_is_told() {
    for room in Room::on_each_engine().await {
        let sued = room.member();
        let key = room.key_of(&sued);
        let conversations =
            [(&sued, room.started(&sued, "fake").await), (&key, room.started(&key, "fake").await)];
        let hold = room.hold(&sued.org, Some(&sued)).await;
        for (owner, path) in &conversations {
            let (status, problem) = room.ask(owner, "DELETE", path, &Value::Null).await;
            assert_eq!((status, &problem["code"]), (409, &json!("must_be_kept")), "{problem}");
            let detail = problem["detail"].as_str().expect("words");
            assert!(detail.contains("a legal hold") && !detail.contains("Globex"), "{detail}");
            assert!(problem["until"].is_null(), "until it is lifted: {problem}");
            assert_eq!(room.get(owner, path).await.0, 200);
        }
        let events = room.events(&sued.org).await;
        assert!(!events.iter().any(|event| event["action"] == "chat.conversation.deleted"));
        room.lift(&sued.org, &hold).await;
        room.law(&sued.org, 30).await;
        let [(_, path), (_, other)] = &conversations;
        let (status, problem) = room.ask(&sued, "DELETE", path, &Value::Null).await;
        assert_eq!((status, &problem["code"]), (409, &json!("must_be_kept")), "{problem}");
        assert!(problem["detail"].as_str().expect("words").contains("the retention of"));
        assert!(problem["until"].is_string(), "the law says when: {problem}");
        room.clock.advance(DAY * 30);
        assert_eq!(room.ask(&sued, "DELETE", path, &Value::Null).await.0, 204);
        assert_eq!(room.ask(&key, "DELETE", other, &Value::Null).await.0, 204);
    }
}

#[tokio::test]
async fn what_must_be_kept_is_not_replaced_by_its_owner() {
    for room in Room::on_each_engine().await {
        let sued = room.member();
        let path = room.started(&sued, "fake").await;
        room.says(&sued, &path, "one").await;
        let said = room.said(&sued, &path).await;
        let hold = room.hold(&sued.org, None).await;
        let edit = (format!("{path}/messages/1"), "PUT", json!({ "text": "two" }));
        let retry = (format!("{path}/retry"), "POST", json!({}));
        let rename = (path.clone(), "PATCH", json!({ "title": "Recipes" }));
        let mut codes = Vec::new();
        for (path, method, body) in [&edit, &retry, &rename] {
            let (status, problem) = room.ask(&sued, method, path, body).await;
            codes.push((status, problem["code"].clone()));
        }
        assert_eq!(codes, [409; 3].map(|status| (status, json!("must_be_kept"))));
        assert_eq!(room.said(&sued, &path).await, said);
        let (_, conversation) = room.get(&sued, &path).await;
        assert_eq!(
            (&conversation["title"], &conversation["answering"]),
            (&json!("one"), &json!(false))
        );
        // Talking goes on, and a question without an answer is asked again: nothing is lost.
        let messages = format!("{path}/messages");
        let nobody = json!({ "text": "three", "model": "nobody" });
        assert_eq!(room.ask(&sued, "POST", &messages, &nobody).await.0, 404);
        let (status, again) = room.ask(&sued, "POST", &retry.0, &json!({ "model": "fake" })).await;
        assert_eq!((status, &again["answer"]["text"]), (200, &json!(HELLO)), "{again}");
        assert_eq!(room.said(&sued, &path).await.len(), 4);
        room.lift(&sued.org, &hold).await;
        for (path, method, body) in [&rename, &retry, &edit] {
            assert_eq!(room.ask(&sued, method, path, body).await.0, 200, "{path}");
        }
        assert_eq!(room.said(&sued, &path).await[0].1, "two");
    }
}

#[tokio::test]
async fn an_answer_under_way_replaces_nothing_that_must_be_kept_by_now() {
    for room in Room::on_each_engine().await {
        let sued = room.member();
        let path = room.started(&sued, "fake").await;
        let first = room.says(&sued, &path, "hi").await;
        let retry = json!({ "model": "paced", "stream": true });
        let retry = json_request("POST", &format!("{path}/retry"), &retry);
        let mut body = room.open(&sued, retry).await.into_body();
        let mut shown = String::new();
        while !shown.contains("event: text") {
            let frame = body.frame().await.expect("more").expect("a frame");
            shown.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
        }
        room.hold(&sued.org, Some(&sued)).await;
        drop(body);
        let begun = std::time::Instant::now();
        while room.get(&sued, &path).await.1["answering"] == true {
            assert!(begun.elapsed().as_secs() < 15, "the turn is given back");
            tokio::task::yield_now().await;
        }
        let messages = room.messages(&sued, &path).await;
        assert_eq!((messages.len(), &messages[1]["id"]), (2, &first["id"]), "{messages:?}");
    }
}
