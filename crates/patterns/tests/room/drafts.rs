//! What can be known of a version before it answers: trying a draft, and comparing.

use access::Role;
use serde_json::{Value, json};

use crate::bench::Room;

fn draft(triggers: &[&str], answer: &str) -> Value {
    json!({ "slug": "", "name": "Hours", "triggers": triggers, "answer": answer })
}

#[tokio::test]
async fn a_draft_is_tried_while_it_is_written() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        room.taught(&admin, "parking", "Where can I park?", "Behind.").await;
        let events = room.events(&org).await.len();
        let ask = async |draft: Value, question: &str| {
            let body = json!({ "draft": draft, "question": question });
            let (status, tried) = room.ask(&admin, "POST", "/api/patterns/try", body).await;
            assert_eq!(status, 200, "{tried}");
            tried
        };
        let tried = ask(draft(&["When are you open?"], "9 to 5."), "when are you open").await;
        assert_eq!((&tried["matched"], &tried["score"]), (&json!(true), &json!(1.0)));
        assert_eq!((&tried["answer"], &tried["flaws"]), (&json!("9 to 5."), &json!([])));
        let tried = ask(draft(&["When are you open?"], "9 to 5."), "Where can I park?").await;
        assert_eq!(
            (&tried["matched"], &tried["other"]["slug"]),
            (&json!(false), &json!("parking"))
        );

        // A draft that is not finished is tried too, and what it lacks is said.
        let tried = ask(draft(&[], " "), "When are you open?").await;
        assert_eq!(tried["matched"], false);
        let flaws: Vec<_> =
            tried["flaws"].as_array().expect("flaws").iter().map(|flaw| &flaw["field"]).collect();
        assert_eq!(flaws, ["/triggers", "/answer"]);
        let template = json!({ "slug": "letter", "name": "Letter", "triggers": ["Write a letter"],
            "template": { "user": "To {{to}}: {{question}}", "variables": [{ "name": "to" }], "model": "small" } });
        let tried = ask(template.clone(), "Write a letter").await;
        assert!(tried["unanswered_because"].as_str().expect("why").contains("`to`"), "{tried}");
        let body = json!({ "draft": template, "question": "Write a letter", "variables": { "to": "Ada" } });
        let (_, tried) = room.ask(&admin, "POST", "/api/patterns/try", body).await;
        assert_eq!(
            tried["prompt"],
            json!({ "system": "", "user": "To Ada: Write a letter", "model": "small" })
        );

        // The next version of a pattern stands in its place, not beside it.
        let body = json!({ "draft": draft(&["Where can I park?"], "x"), "question": "Where can I park?", "pattern": "parking" });
        let (_, tried) = room.ask(&admin, "POST", "/api/patterns/try", body).await;
        assert_eq!((&tried["matched"], tried.get("other")), (&json!(true), None));

        assert_eq!(room.events(&org).await.len(), events);
        assert_eq!(
            room.get(&admin, "/api/patterns").await.1["items"].as_array().map(Vec::len),
            Some(1)
        );
        let viewer = room.somebody(&org, Role::Viewer);
        let body = json!({ "draft": draft(&["x"], "x"), "question": "x" });
        assert_eq!(room.ask(&viewer, "POST", "/api/patterns/try", body).await.0, 403);
        let stranger = room.somebody(&room.org(), Role::Admin);
        let body = json!({ "draft": draft(&["x"], "x"), "question": "Where can I park?", "pattern": "parking" });
        assert_eq!(room.ask(&stranger, "POST", "/api/patterns/try", body).await.0, 404);
    }
}

#[tokio::test]
async fn two_versions_are_compared_word_by_word() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        room.taught(&admin, "hours", "When are you open?", "We open at 9 and close at 5.").await;
        let next = json!({ "name": "hours", "triggers": ["When are you open?"], "answer": "We open at 8 and close at 5." });
        room.ask(&admin, "PUT", "/api/patterns/hours", next).await;
        let (status, diff) = room.get(&viewer, "/api/patterns/hours/diff").await;
        assert_eq!((status, &diff["from"], &diff["to"]), (200, &json!(1), &json!(2)));
        assert_eq!(diff["parts"].as_array().map(Vec::len), Some(1), "{diff}");
        assert_eq!(diff["parts"][0]["part"], "answer");
        let lines = &diff["parts"][0]["lines"];
        assert_eq!(
            (&lines[0]["in_version"], &lines[1]["in_version"]),
            (&json!("from"), &json!("to"))
        );
        assert_eq!(lines[1]["pieces"][1], json!({ "text": "8", "differs": true }));
        let (_, back) = room.get(&viewer, "/api/patterns/hours/diff?from=2&to=1").await;
        assert_eq!(back["parts"][0]["lines"][1]["pieces"][1]["text"], "9");
        assert_eq!(room.get(&viewer, "/api/patterns/hours/diff?from=1&to=9").await.0, 404);
        let stranger = room.somebody(&room.org(), Role::Admin);
        assert_eq!(room.get(&stranger, "/api/patterns/hours/diff").await.0, 404);
    }
}
