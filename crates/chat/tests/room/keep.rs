//! Whose conversations are, where they are kept, and what the record says of them.

use access::Role;
use gateway::testing::HELLO;
use jiff::SignedDuration;
use serde_json::json;

use crate::bench::Room;

const SECRET: &str = "the crocodile sleeps in the bathtub";

#[tokio::test]
async fn a_conversation_is_seen_by_its_owner_alone() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let owner = room.somebody(&org, Role::Member);
        let path = room.started(&owner, "fake").await;
        room.says(&owner, &path, SECRET).await;
        let (_, list) = room.get(&owner, "/api/conversations").await;
        assert_eq!(list["items"][0]["title"], SECRET);
        let others = [
            room.somebody(&org, Role::Member),
            room.somebody(&org, Role::Owner),
            room.somebody(&org, Role::Admin),
            room.member(),
            // A key of the owner's may less than they may: it sees what it began alone.
            room.key_of(&owner),
        ];
        for other in others {
            for (method, path, body) in [
                ("GET", path.clone(), json!(null)),
                ("GET", format!("{path}/messages"), json!(null)),
                ("PATCH", path.clone(), json!({ "title": "mine" })),
                ("DELETE", path.clone(), json!(null)),
                ("POST", format!("{path}/messages"), json!({ "text": "x" })),
                ("PUT", format!("{path}/messages/1"), json!({ "text": "x" })),
                ("POST", format!("{path}/retry"), json!({})),
            ] {
                let (status, problem) = room.ask(&other, method, &path, &body).await;
                assert_eq!(status, 404, "{method} {path}: {problem}");
            }
            let (_, list) = room.get(&other, "/api/conversations").await;
            assert_eq!(list["items"], json!([]));
            let (_, found) = room.get(&other, "/api/conversations/search?q=crocodile").await;
            assert_eq!(found["items"], json!([]));
        }
        assert_eq!(room.said(&owner, &path).await.len(), 2);
    }
}

#[tokio::test]
async fn what_was_said_cannot_be_read_from_the_disk() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        room.says(&member, &path, SECRET).await;
        let kept = room.kept().await;
        assert!(holds(&kept, "assistant"));
        assert!(!holds(&kept, "crocodile") && !holds(&kept, "provider"));
        if let Some(file) = room.bench.url.strip_prefix("sqlite://") {
            let files = ["", "-wal"].map(|end| std::fs::read(format!("{file}{end}")));
            let bytes: Vec<u8> = files.into_iter().flat_map(|file| file.expect("a file")).collect();
            assert!(holds(&bytes, "chat_message"));
            assert!(!holds(&bytes, "crocodile") && !holds(&bytes, HELLO));
        }
        assert_eq!(room.said(&member, &path).await[0].1, SECRET, "and can be opened");
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn every_change_leaves_an_event_without_what_was_said() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        let id = path.rsplit('/').next().expect("an id").to_owned();
        room.says(&member, &path, SECRET).await;
        room.ask(&member, "PATCH", &path, &json!({ "title": SECRET, "model": "patterns" })).await;
        room.ask(&member, "POST", &format!("{path}/retry"), &json!({ "model": "fake" })).await;
        let (status, _) = room.ask(&member, "DELETE", &path, &json!(null)).await;
        assert_eq!(status, 204);
        assert_eq!(room.get(&member, &path).await.0, 404);
        let events = room.events(&member.org).await;
        let ours = events.iter().filter(|event| event["resourceType"] == "conversation");
        let actions: Vec<_> = ours.map(|event| event["action"].as_str().expect("text")).collect();
        assert_eq!(
            actions,
            [
                "chat.conversation.started",
                "chat.message.sent",
                "chat.message.answered",
                "chat.conversation.changed",
                "chat.message.retried",
                "chat.message.answered",
                "chat.conversation.deleted",
            ]
        );
        for event in &events {
            let text = event.to_string();
            assert!(!text.contains("crocodile") && !text.contains(HELLO), "{text}");
            assert_eq!(event["userId"], member.actor.id());
        }
        let answered = events.iter().find(|event| event["action"] == "chat.message.answered");
        let answered = answered.expect("an event");
        assert_eq!(answered["resourceId"], id.as_str());
        let call = &answered["changes"]["call"];
        assert!(events.iter().any(|event| &event["resourceId"] == call), "{answered}");
    }
}

#[tokio::test]
async fn a_conversation_is_listed_where_it_was_last_talked_in() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let mut paths = Vec::new();
        for _ in 0..3 {
            room.clock.advance(SignedDuration::from_mins(1));
            paths.push(room.started(&member, "fake").await);
        }
        room.clock.advance(SignedDuration::from_mins(1));
        room.says(&member, &paths[0], "first again").await;
        let (_, page) = room.get(&member, "/api/conversations?limit=2").await;
        let id = |at: usize| paths[at].rsplit('/').next().expect("an id");
        assert_eq!(
            (&page["items"][0]["id"], &page["items"][1]["id"]),
            (&json!(id(0)), &json!(id(2)))
        );
        let next = page["next"].as_str().expect("more");
        let (_, rest) = room.get(&member, &format!("/api/conversations?after={next}")).await;
        assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(rest["items"][0]["id"], id(1));
        assert_eq!(room.get(&member, "/api/conversations?after=x").await.0, 400);
    }
}
