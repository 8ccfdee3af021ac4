//! What a question gets.

use access::Role;
use gateway::Answered;
use serde_json::{Value, json};

use crate::bench::{Room, text};

#[tokio::test]
async fn when_nothing_matches_it_says_so() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        room.taught(&admin, "hours", "When are you open on public holidays?", "Never.").await;
        let said = text(room.says(&admin, "patterns", "Do you have public toilets?").await);
        let start = "nothing: No approved pattern of your organization matches this question (best score 0.";
        assert!(said.starts_with(start), "{said}");
        assert!(said.contains("needed 0.50") && !said.contains("score 0.00"), "{said}");
        let said = text(room.says(&admin, "patterns", "Sing!").await);
        assert!(said.contains("best score 0.00"), "{said}");
        assert_eq!(text(room.says(&admin, "pattern/unknown", "x").await), "model_not_found");
        let id = format!(
            "pattern/{}",
            room.get(&admin, "/api/patterns/hours").await.1["id"].as_str().expect("id")
        );
        assert_eq!(
            text(room.says(&admin, &id, "x").await),
            "model_not_found",
            "named by slug alone"
        );
    }
}

async fn teach_letter(room: &Room, admin: &access::Caller) {
    let letter = json!({
        "slug": "letter", "name": "Write a letter", "triggers": ["Write a letter"],
        "template": {
            "system": "You write letters in {{language}}.",
            "user": "{{question}} to {{to}}",
            "variables": [
                { "name": "to" },
                { "name": "language", "type": "choice", "choices": ["German", "English"], "default": "German" }
            ],
            "model": "small",
            "settings": { "temperature": 0.2, "max_tokens": 300 }
        }
    });
    let (status, pattern) = room.ask(admin, "POST", "/api/patterns", letter).await;
    assert_eq!(status, 201, "{pattern}");
    assert_eq!(pattern["template"]["variables"][0]["name"], "to");
}

#[tokio::test]
async fn a_template_becomes_a_request_to_a_model() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        teach_letter(&room, &admin).await;
        let answered =
            room.says_with(&admin, "pattern/letter", "Write", json!({ "to": "Ada" })).await;
        let Ok(Answered::Ask { by, model, request }) = answered else { panic!("{answered:?}") };
        assert_eq!((by.slug.as_str(), by.version, by.score_thousandths), ("letter", 1, 1_000));
        assert_eq!(model.as_deref(), Some("small"));
        let expected = json!({
            "messages": [
                { "role": "system", "content": "You write letters in German." },
                { "role": "user", "content": "Write to Ada" }
            ],
            "temperature": 0.2, "max_tokens": 300
        });
        assert_eq!(Value::Object(request), expected);
    }
}

#[tokio::test]
async fn a_value_that_is_missing_or_wrong_is_named() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        teach_letter(&room, &admin).await;
        for (variables, code, param) in [
            (json!({}), "missing_variable", "variables.to"),
            (json!({ "to": "Ada", "form": "x" }), "unknown_variable", "variables.form"),
            (json!({ "to": ["Ada"] }), "invalid_variable", "variables.to"),
            (json!({ "to": "Ada", "language": "Latin" }), "invalid_variable", "variables.language"),
        ] {
            for model in ["pattern/letter", "patterns"] {
                let problem =
                    room.says_with(&admin, model, "Write a letter", variables.clone()).await;
                let problem = problem.expect_err("refused");
                assert_eq!(problem.status().as_u16(), 400);
                assert_eq!((problem.code(), problem.field()), (code, Some(param)), "{problem}");
            }
        }
        // The next best pattern answers instead, when there is one.
        room.taught(&admin, "letter-rules", "How to write a letter", "Be kind.").await;
        assert_eq!(text(room.says(&admin, "patterns", "Write a letter").await), "Be kind.");
        let said =
            room.says_with(&admin, "patterns", "Write a letter", json!({ "to": "Ada" })).await;
        assert!(text(said).contains("Write a letter to Ada"));
    }
}

#[tokio::test]
async fn two_orgs_never_meet() {
    for room in Room::on_each_engine().await {
        let (ours, theirs) = (room.org(), room.org());
        let (us, them) = (room.somebody(&ours, Role::Owner), room.somebody(&theirs, Role::Owner));
        let pattern = room.taught(&us, "hours", "When are you open?", "Ours alone.").await;
        let id = pattern["id"].as_str().expect("id");
        assert!(
            text(room.says(&them, "patterns", "When are you open?").await).contains("score 0.00")
        );
        for model in ["pattern/hours".to_owned(), format!("pattern/{id}")] {
            assert_eq!(text(room.says(&them, &model, "x").await), "model_not_found");
        }
        for list in ["/api/patterns", "/api/patterns?q=open", "/api/patterns?state=published"] {
            assert_eq!(room.get(&them, list).await.1["items"], json!([]), "{list}");
        }
        for name in [id, "hours"] {
            for end in ["", "/versions", "/versions/1"] {
                let path = format!("/api/patterns/{name}{end}");
                assert_eq!(room.get(&them, &path).await.0, 404, "{path}");
            }
            let body = json!({ "name": "x", "triggers": ["x"], "answer": "x" });
            let one = format!("/api/patterns/{name}");
            assert_eq!(room.ask(&them, "PUT", &one, body).await.0, 404);
            assert_eq!(room.ask(&them, "POST", &format!("{one}/publish"), json!({})).await.0, 404);
            assert_eq!(room.ask(&them, "POST", &format!("{one}/retire"), json!({})).await.0, 404);
            let cases = json!({ "cases": [{ "ask": "x", "expect": "match" }] });
            assert_eq!(room.ask(&them, "POST", &format!("{one}/try"), cases).await.0, 404);
        }
        // The same slug is free for them, and stays theirs.
        room.taught(&them, "hours", "When are you open?", "Theirs alone.").await;
        assert_eq!(text(room.says(&us, "patterns", "When are you open?").await), "Ours alone.");
        assert_eq!(text(room.says(&them, "patterns", "When are you open?").await), "Theirs alone.");
        assert_eq!(
            room.patterns
                .export(&them, patterns::Exported::All)
                .await
                .expect("yaml")
                .matches("slug:")
                .count(),
            1
        );
    }
}
