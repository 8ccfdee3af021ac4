//! The console's pages of one pattern.

use access::{Caller, Role};
use serde_json::{Value, json};

use crate::bench::{Room, text};

const SCRIPT: &str = "<script>alert('x')</script>";

async fn hours(room: &Room, admin: &Caller) -> String {
    let pattern = room.taught(admin, "hours", "When are you open?", "9 to 5.").await;
    format!("/patterns/{}", pattern["id"].as_str().expect("id"))
}

fn edited<'a>(answer: &'a str, version: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", "hours"),
        ("triggers", "When are you open?"),
        ("kind", "answer"),
        ("answer", answer),
        ("publish", "yes"),
        ("version", version),
    ]
}

#[tokio::test]
async fn script_in_a_pattern_is_shown_and_never_run() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let template = json!({
            "slug": "x", "name": SCRIPT, "triggers": [SCRIPT], "template": {
                "system": SCRIPT, "user": format!("{SCRIPT} {{{{a}}}}"), "model": SCRIPT,
                "variables": [{ "name": "a", "default": SCRIPT, "description": SCRIPT }],
                "settings": { "stop": [SCRIPT] }
            },
            "cases": [{ "ask": SCRIPT, "expect": "match", "contains": SCRIPT, "variables": { "a": SCRIPT } }],
        });
        let (status, pattern) = room.ask(&admin, "POST", "/api/patterns", template).await;
        assert_eq!((status, &pattern["state"]), (201, &json!("published")), "{pattern}");
        let next = json!({ "name": SCRIPT, "triggers": [SCRIPT, "more"], "answer": SCRIPT });
        room.ask(&admin, "PUT", "/api/patterns/x", next).await;
        for path in [
            "",
            "/x",
            "/x/edit",
            "/x/cases",
            "/x/versions",
            "/x/versions/1",
            "/x/versions/2",
            "/x/diff",
            "/x/diff?from=2&to=1",
        ] {
            let (status, page) = room.page(&admin, &format!("/patterns{path}")).await;
            assert_eq!(status, 200, "{path}: {page}");
            assert!(
                !page.contains("<script>") && page.contains("&#60;script&#62;"),
                "{path}: {page}"
            );
        }
    }
}

#[tokio::test]
async fn a_viewer_sees_no_button_and_is_refused_when_posting() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        let hours = hours(&room, &admin).await;
        room.submit(&admin, &hours, &[edited("8 to 6.", "1"), vec![]].concat()).await;
        for (path, buttons) in [
            ("/patterns".to_owned(), &["/patterns/new", "/patterns/import"][..]),
            (hours.clone(), &["/edit\"", "Retire ", "<form"]),
            (format!("{hours}/versions/1"), &["Publish", "<form"]),
            (format!("{hours}/cases"), &["Save", "method=\"post\""]),
        ] {
            let (_, shown) = room.page(&admin, &path).await;
            let (status, hidden) = room.page(&viewer, &path).await;
            assert_eq!(status, 200, "{path}");
            for button in buttons {
                assert!(shown.contains(button), "{path} {button}: {shown}");
                assert!(!hidden.contains(button), "{path} {button}: {hidden}");
            }
        }
        for (path, form) in [
            ("/patterns".to_owned(), edited("x", "1")),
            (hours.clone(), edited("x", "2")),
            (format!("{hours}/publish"), vec![("version", "1")]),
            (format!("{hours}/retire"), vec![]),
            (format!("{hours}/cases"), vec![("ask", "x"), ("expect", "match"), ("contains", "")]),
        ] {
            let form: Vec<_> = form
                .into_iter()
                .filter(|(name, _)| path != "/patterns" || *name != "version")
                .collect();
            assert_eq!(room.submit(&viewer, &path, &form).await.0, 403, "{path}");
        }
        for path in ["/patterns/new".to_owned(), format!("{hours}/edit")] {
            assert_eq!(room.page(&viewer, &path).await.0, 403, "{path}");
        }
        assert_eq!(text(room.says(&viewer, "patterns", "When are you open?").await), "8 to 6.");
    }
}

#[tokio::test]
async fn a_failing_case_blocks_publishing_and_names_itself() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let hours = hours(&room, &admin).await;
        let cases = format!("{hours}/cases");
        assert!(room.page(&admin, &cases).await.1.contains("No cases yet"));
        let rows = [
            ("ask", "when are you open"),
            ("expect", "match"),
            ("contains", "9 to 5"),
            ("ask", ""),
            ("expect", "match"),
            ("contains", "forgotten"),
            ("ask", "Where can I park?"),
            ("expect", "no_match"),
            ("contains", ""),
        ];
        let (status, location, _) = room.submit(&admin, &cases, &rows).await;
        assert_eq!((status, &location), (303, &cases));
        let (_, page) = room.page(&admin, &cases).await;
        assert!(page.contains("All pass") && !page.contains("forgotten"), "{page}");

        // A new version that fails is kept and waits; the page says where to look.
        let (status, location, _) = room.submit(&admin, &hours, &edited("8 to 6.", "1")).await;
        assert_eq!((status, &location), (303, &hours));
        let (_, page) = room.page(&admin, &hours).await;
        assert!(page.contains("Version 1 answers, version 2 waits."), "{page}");
        let (status, _, page) =
            room.submit(&admin, &format!("{hours}/publish"), &[("version", "2")]).await;
        assert_eq!(status, 422);
        assert!(page.contains("case 1 of `hours`, `when are you open`"), "{page}");
        let (_, page) = room.page(&admin, &cases).await;
        assert!(page.contains("1 of 2 fail") && page.contains("it does not contain"), "{page}");
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "9 to 5.");

        // What cannot be kept is named beside its row, and what was typed stays.
        let mut wrong = rows.to_vec();
        wrong[8] = ("contains", "behind the house");
        let (status, _, page) = room.submit(&admin, &cases, &wrong).await;
        assert_eq!(status, 422);
        assert!(page.contains("is for questions that the pattern is to answer"), "{page}");
        assert!(page.contains("value=\"behind the house\""), "{page}");
    }
}

#[tokio::test]
async fn a_change_made_meanwhile_is_shown_and_not_overwritten() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let hours = hours(&room, &admin).await;
        assert!(room.page(&admin, &format!("{hours}/edit")).await.1.contains("value=\"1\""));
        room.submit(&admin, &hours, &edited("8 to 6.", "1")).await;
        let (status, _, page) = room.submit(&admin, &hours, &edited("7 to 7.", "1")).await;
        assert_eq!(status, 409);
        assert!(page.contains("Somebody taught version 2"), "{page}");
        assert!(
            page.contains("<strong>8</strong>") && page.contains("7 to 7.</textarea>"),
            "{page}"
        );
        assert!(page.contains("name=\"version\" value=\"2\""), "saved once more, it is meant");
        assert_eq!(room.submit(&admin, &hours, &edited("7 to 7.", "2")).await.0, 303);
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "7 to 7.");
    }
}

#[tokio::test]
async fn versions_are_compared_published_and_retired_by_forms() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let hours = hours(&room, &admin).await;
        room.submit(&admin, &hours, &edited("8 to 5.", "1")).await;
        let (_, page) = room.page(&admin, &format!("{hours}/versions")).await;
        assert!(page.contains("Version 1</a>") && page.contains("from=1&amp;to=2"), "{page}");
        let (_, page) = room.page(&admin, &format!("{hours}/diff?from=1&to=2")).await;
        assert!(page.contains("<del>") && page.contains("<strong>9</strong>"), "{page}");
        assert!(page.contains("<ins>") && page.contains("<strong>8</strong> to 5."), "{page}");
        let (status, ..) =
            room.submit(&admin, &format!("{hours}/publish"), &[("version", "1")]).await;
        assert_eq!(status, 303);
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "9 to 5.");
        let (status, ..) = room.submit(&admin, &format!("{hours}/retire"), &[]).await;
        assert_eq!(status, 303);
        let (_, page) = room.page(&admin, &hours).await;
        assert!(page.contains("It was withdrawn") && !page.contains("Retire "), "{page}");
        // The checkbox means what it says, of a retired pattern too.
        room.submit(&admin, &hours, &edited("6 to 6.", "2")).await;
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "6 to 6.");
        let stranger = room.somebody(&room.org(), Role::Owner);
        for end in ["", "/edit", "/cases", "/versions", "/versions/1", "/diff"] {
            assert_eq!(room.page(&stranger, &format!("{hours}{end}")).await.0, 404, "{end}");
        }
        assert_eq!(
            room.events(&org).await.last().map(|(_, event)| event["action"].clone()),
            Some(Value::from("patterns.pattern.changed"))
        );
    }
}
