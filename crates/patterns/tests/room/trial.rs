//! Trying a pattern before people rely on it.

use access::Role;
use serde_json::json;

use crate::bench::{Room, text};

#[tokio::test]
async fn a_pattern_can_be_tried_before_it_is_published() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, member) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Member));
        room.taught(&admin, "parking", "Where can I park my car?", "Behind.").await;
        room.taught(&member, "hours", "When are you open?", "From 9 to 5.").await;
        let cases = json!({ "cases": [
            { "ask": "when are you open", "expect": "match", "contains": "9 to 5" },
            { "ask": "Where can I park my car?", "expect": "no_match" },
            { "ask": "Sing!", "expect": "no_match" },
        ]});
        let (status, verdict) = room.ask(&member, "POST", "/api/patterns/hours/try", cases).await;
        assert_eq!(
            (status, &verdict["passed"], &verdict["version"]),
            (200, &json!(true), &json!(1)),
            "{verdict}"
        );
        assert_eq!(verdict["cases"][0]["score"], 1.0);
        assert_eq!(verdict["cases"][1]["answered_by"], "parking");
        assert!(
            text(room.says(&admin, "patterns", "when are you open").await).starts_with("nothing")
        );

        let cases = json!({ "cases": [
            { "ask": "when are you open", "expect": "match", "contains": "midnight" },
            { "ask": "when are you open", "expect": "no_match" },
            { "ask": "Where can I park my car?", "expect": "match" },
            { "ask": "Sing!", "expect": "match" },
        ]});
        let (_, verdict) = room.ask(&member, "POST", "/api/patterns/hours/try", cases).await;
        assert_eq!(verdict["passed"], false);
        let reasons: Vec<_> = (0..4).map(|case| verdict["cases"][case]["reason"].clone()).collect();
        assert_eq!(
            reasons,
            [
                "it does not contain the expected text",
                "it matches",
                "`parking` matches better",
                "its score is below 0.5"
            ]
        );
        let events = room.events(&org).await;
        let (_, tried) = events.last().expect("events");
        assert_eq!(
            (&tried["action"], &tried["changes"]["passed"]),
            (&json!("patterns.pattern.tried"), &json!(0))
        );
    }
}

#[tokio::test]
async fn a_template_is_tried_by_filling_it_in() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let letter = json!({ "slug": "letter", "name": "Letter", "triggers": ["Write a letter"],
            "template": { "user": "To {{to}}: {{question}}", "variables": [{ "name": "to" }] } });
        room.ask(&admin, "POST", "/api/patterns", letter).await;
        let cases = json!({ "cases": [
            { "ask": "Write a letter", "expect": "match", "variables": { "to": "Ada" }, "contains": "To Ada: Write" },
            { "ask": "Write a letter", "expect": "match" },
        ]});
        let (_, verdict) = room.ask(&admin, "POST", "/api/patterns/letter/try", cases).await;
        assert_eq!(
            (&verdict["cases"][0]["passed"], &verdict["cases"][1]["passed"]),
            (&json!(true), &json!(false)),
            "{verdict}"
        );
        assert!(verdict["cases"][1]["reason"].as_str().expect("why").contains("`to`"));
        let many: Vec<_> = (0..101).map(|_| json!({ "ask": "x", "expect": "match" })).collect();
        for cases in [json!([]), json!(many)] {
            let body = json!({ "cases": cases });
            let (status, problem) =
                room.ask(&admin, "POST", "/api/patterns/letter/try", body).await;
            assert_eq!((status, &problem["param"]), (422, &json!("cases")));
        }
    }
}
