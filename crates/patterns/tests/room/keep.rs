//! What is kept, where, and what happens when it cannot be reached.

use std::time::Duration;

use access::Role;
use base::args;
use base::db::{Statement, Within};
use serde_json::json;

use crate::bench::{Room, Says as _, text};

const SECRET: &str = "the crocodile sleeps in the bathtub";

#[tokio::test]
async fn what_was_taught_cannot_be_read_from_the_disk() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        room.taught(&admin, "hours", SECRET, SECRET).await;
        let cases = json!({ "cases": [{ "ask": SECRET, "expect": "match", "contains": SECRET }] });
        assert_eq!(room.ask(&admin, "PUT", "/api/patterns/hours/cases", cases).await.0, 200);
        for read in [
            "SELECT body FROM patterns_version WHERE org_id = $1",
            "SELECT body FROM patterns_cases WHERE org_id = $1",
        ] {
            let read = Statement::new("read", read);
            let rows = room.bench.db.all(&Within::node(), read, args![org.as_str()]).await;
            for row in rows.expect("reads") {
                assert!(!holds(&row.bytes("body").expect("bytes"), "crocodile"));
            }
        }
        if let Some(file) = room.bench.url.strip_prefix("sqlite://") {
            let files = ["", "-wal"].map(|end| std::fs::read(format!("{file}{end}")));
            let bytes =
                files.into_iter().flat_map(|file| file.expect("a file")).collect::<Vec<_>>();
            assert!(holds(&bytes, "patterns_version") && holds(&bytes, "hours"));
            assert!(!holds(&bytes, "crocodile"));
        }
        assert_eq!(text(room.another().says(&admin, SECRET).await), SECRET, "and can be opened");
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn every_change_leaves_an_event_without_content() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let pattern = room.taught(&admin, "hours", SECRET, SECRET).await;
        let next = json!({ "name": "Hours", "triggers": [SECRET], "answer": "No crocodile." });
        room.ask(&admin, "PUT", "/api/patterns/hours", next).await;
        room.ask(&admin, "POST", "/api/patterns/hours/publish", json!({ "version": 1 })).await;
        let cases = json!({ "cases": [{ "ask": SECRET, "expect": "match", "contains": SECRET }] });
        room.ask(&admin, "PUT", "/api/patterns/hours/cases", cases).await;
        room.ask(&admin, "POST", "/api/patterns/hours/retire", json!({})).await;
        let file = format!(
            "patterns: [{{ slug: new, name: New, triggers: [{SECRET}], answer: {SECRET} }}]"
        );
        room.import(&admin, &file).await;
        room.patterns.export(&admin, patterns::Exported::All).await.expect("yaml");
        let events = room.events(&org).await;
        let actions: Vec<_> = events.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "patterns.pattern.taught",
                "patterns.pattern.changed",
                "patterns.pattern.published",
                "patterns.pattern.cases_set",
                "patterns.pattern.retired",
                "patterns.patterns.imported",
                "patterns.patterns.exported",
            ]
        );
        for (_, event) in &events {
            assert!(!event.to_string().contains("crocodile"), "{event}");
            assert_eq!(event["userId"], admin.actor.id());
        }
        let (_, changed) = &events[1];
        assert_eq!(changed["resourceId"], pattern["id"]);
        assert_eq!(changed["changes"]["fields"], json!(["name", "answer"]));
        assert_eq!(changed["changes"]["version"], json!({ "from": 1, "to": 2 }));
        assert_eq!(changed["changes"]["size"]["answer_bytes"], 13);
    }
}

#[tokio::test]
async fn without_its_database_it_answers_and_refuses_changes() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        room.bench.db.close().await;
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "9 to 5.");
        let (status, seen) = room.get(&admin, "/api/patterns/hours").await;
        assert_eq!((status, seen.get("uses")), (200, None), "counts are not made up");
        for path in ["/api/patterns/hours/retire", "/api/patterns/hours/publish"] {
            let (status, problem) = room.ask(&admin, "POST", path, json!({})).await;
            assert_eq!((status, &problem["code"]), (503, &json!("database_unavailable")));
        }
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "9 to 5.");
        let stranger = room.somebody(&room.org(), Role::Admin);
        assert_eq!(text(room.says(&stranger, "patterns", "x").await), "database_unavailable");
    }
}

#[tokio::test]
async fn another_node_follows_a_change_within_seconds() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        let other = room.another();
        assert_eq!(text(other.says(&admin, "When are you open?").await), "9 to 5.");
        room.ask(&admin, "POST", "/api/patterns/hours/retire", json!({})).await;
        for _ in 0..500 {
            if text(other.says(&admin, "When are you open?").await).starts_with("nothing") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let said = text(other.says(&admin, "When are you open?").await);
        assert!(said.starts_with("nothing"), "{said}");
    }
}

#[tokio::test]
async fn concurrent_changes_of_an_org_lose_nothing() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let teach = |number: usize| {
            let slug = format!("p-{number}");
            let room = &room;
            let admin = &admin;
            async move { room.taught(admin, &slug, &slug, "x").await }
        };
        tokio::join!(teach(1), teach(2), teach(3), teach(4), teach(5), teach(6));
        let (_, list) = room.get(&admin, "/api/patterns").await;
        assert_eq!(list["items"].as_array().expect("items").len(), 6);
    }
}
