//! Cases that must pass before a version answers.

use access::Role;
use serde_json::{Value, json};

use crate::bench::{Room, text};

fn hours(answer: &str) -> Value {
    json!({ "name": "Hours", "triggers": ["When are you open?"], "answer": answer })
}

fn expects(contains: &str) -> Value {
    json!({ "cases": [
        { "ask": "when are you open", "expect": "match", "contains": contains },
        { "ask": "Where can I park?", "expect": "no_match" },
    ]})
}

#[tokio::test]
async fn a_failing_case_keeps_a_version_from_answering() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        let (status, cases) =
            room.ask(&admin, "PUT", "/api/patterns/hours/cases", expects("9 to 5")).await;
        assert_eq!((status, &cases["verdict"]["passed"]), (200, &json!(true)), "{cases}");
        assert_eq!(cases["set_by"], admin.actor.id());

        // By default the version is kept, and waits; the one before goes on answering.
        let (status, kept) = room.ask(&admin, "PUT", "/api/patterns/hours", hours("8 to 6.")).await;
        assert_eq!(status, 200, "{kept}");
        assert_eq!((&kept["version"], &kept["published_version"]), (&json!(2), &json!(1)));
        let because = kept["unpublished_because"].as_str().expect("why");
        assert_eq!(because, "case 1 of `hours` fails: it does not contain the expected text");
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "9 to 5.");

        // Asked for, it is refused, and nothing is kept.
        let mut sure = hours("7 to 7.");
        sure["publish"] = json!(true);
        for (method, path, body) in [
            ("PUT", "/api/patterns/hours", sure),
            ("POST", "/api/patterns/hours/publish", json!({})),
            ("POST", "/api/patterns/hours/publish", json!({ "version": 2 })),
        ] {
            let (status, problem) = room.ask(&admin, method, path, body).await;
            assert_eq!((status, &problem["code"]), (422, &json!("cases_failed")), "{problem}");
            assert_eq!(problem["failed"][0]["ask"], "when are you open");
            assert_eq!(problem["errors"][0]["pointer"], "/cases/0");
        }
        let (_, seen) = room.get(&admin, "/api/patterns/hours").await;
        assert_eq!((&seen["version"], &seen["published_version"]), (&json!(2), &json!(1)));

        // With cases that fit, the same version answers; the older one may not come back.
        room.ask(&admin, "PUT", "/api/patterns/hours/cases", expects("8 to 6")).await;
        let (status, _) = room.ask(&admin, "POST", "/api/patterns/hours/publish", json!({})).await;
        assert_eq!(status, 200);
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "8 to 6.");
        let back = json!({ "version": 1 });
        assert_eq!(room.ask(&admin, "POST", "/api/patterns/hours/publish", back).await.0, 422);
    }
}

#[tokio::test]
async fn a_case_fails_when_another_pattern_answers() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let parking = room.taught(&admin, "parking", "Where can I park?", "Behind.").await;
        let body = json!({
            "slug": "visitors", "name": "Visitors", "triggers": ["Where can visitors wait?"],
            "answer": "In the hall.", "cases": [{ "ask": "Where can I park?", "expect": "match" }],
        });
        let (status, kept) = room.ask(&admin, "POST", "/api/patterns", body.clone()).await;
        assert_eq!((status, &kept["state"], &kept["cases"]), (201, &json!("draft"), &json!(1)));
        assert_eq!(
            kept["unpublished_because"],
            "case 1 of `visitors` fails: `parking` matches better"
        );
        let mut sure = body;
        sure["slug"] = json!("guests");
        sure["publish"] = json!(true);
        assert_eq!(room.ask(&admin, "POST", "/api/patterns", sure).await.0, 422);
        assert_eq!(room.get(&admin, "/api/patterns/guests").await.0, 404, "nothing half done");

        // Who may not read the other pattern does not learn its name.
        let id = kept["id"].as_str().expect("id");
        let editor = room.granted(&org, &[(&["patterns:*"], Some(id))]);
        let (_, problem) =
            room.ask(&editor, "POST", "/api/patterns/visitors/publish", json!({})).await;
        assert_eq!(problem["failed"][0]["reason"], "another pattern matches better");
        let retire = format!("/api/patterns/{}/retire", parking["id"].as_str().expect("id"));
        room.ask(&admin, "POST", &retire, json!({})).await;
        let (_, problem) =
            room.ask(&editor, "POST", "/api/patterns/visitors/publish", json!({})).await;
        assert_eq!(problem["failed"][0]["reason"], "its score is below 0.5");
    }
}

#[tokio::test]
async fn cases_are_judged_beside_what_another_node_published() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let mut hours = hours("9 to 5.");
        hours["slug"] = json!("hours");
        hours["publish"] = json!(false);
        hours["cases"] = json!([{ "ask": "Where can I park?", "expect": "no_match" }, { "ask": "When are you open?", "expect": "match" }]);
        room.ask(&admin, "POST", "/api/patterns", hours).await;
        let other = room.another();
        let rival = patterns::TeachPattern {
            data_class: None,
            slug: "a".into(),
            name: "A".into(),
            triggers: vec!["When are you open?".into()],
            answer: Some("Ask the porter.".into()),
            template: None,
            cases: Vec::new(),
            publish: None,
        };
        other.teach(&admin, rival).await.expect("taught");
        let (_, problem) = room.ask(&admin, "POST", "/api/patterns/hours/publish", json!({})).await;
        assert_eq!(problem["failed"][0]["reason"], "`a` matches better", "{problem}");
    }
}

#[tokio::test]
async fn the_cases_of_a_template_are_judged_by_what_a_model_would_be_asked() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let letter = json!({ "slug": "letter", "name": "Letter", "triggers": ["Write a letter"],
            "template": { "user": "To {{to}}: {{question}}", "variables": [{ "name": "to" }] },
            "cases": [
                { "ask": "Write a letter", "expect": "match", "variables": { "to": "Ada" }, "contains": "To Ada: Write" },
                { "ask": "Write a letter", "expect": "match", "variables": { "form": "x", "to": "y" } },
            ],
        });
        let (_, kept) = room.ask(&admin, "POST", "/api/patterns", letter).await;
        let because = kept["unpublished_because"].as_str().expect("why");
        assert!(because.starts_with("case 2") && because.contains("`form`"), "{because}");
    }
}

#[tokio::test]
async fn who_may_change_a_pattern_gives_it_its_cases() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, member) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Member));
        let viewer = room.somebody(&org, Role::Viewer);
        room.taught(&member, "hours", "When are you open?", "9 to 5.").await;
        let put = async |caller| {
            room.ask(caller, "PUT", "/api/patterns/hours/cases", expects("9 to 5")).await.0
        };
        assert_eq!((put(&viewer).await, put(&member).await), (403, 200));
        assert_eq!(room.get(&viewer, "/api/patterns/hours/cases").await.0, 200);
        room.ask(&admin, "POST", "/api/patterns/hours/publish", json!({})).await;
        assert_eq!(put(&member).await, 403, "what answers is no longer the member's to change");
        let events = room.events(&org).await.len();
        assert_eq!(put(&admin).await, 200);
        assert_eq!(room.events(&org).await.len(), events, "the same cases change nothing");

        let (status, problem) = room
            .ask(
                &admin,
                "PUT",
                "/api/patterns/hours/cases",
                json!({ "cases": [{ "ask": "", "expect": "match" }] }),
            )
            .await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/cases/0/ask")));
        let many: Vec<_> = (0..101).map(|_| json!({ "ask": "x", "expect": "match" })).collect();
        let (status, problem) =
            room.ask(&admin, "PUT", "/api/patterns/hours/cases", json!({ "cases": many })).await;
        assert_eq!((status, &problem["param"]), (422, &json!("cases")));
        let stranger = room.somebody(&room.org(), Role::Owner);
        assert_eq!(put(&stranger).await, 404);
        assert_eq!(room.get(&stranger, "/api/patterns/hours/cases").await.0, 404);
    }
}
