//! Import and export.

use access::{Caller, Role};
use axum::body::Body;
use axum::http::{Request, header};
use patterns::engine::{self, seeds};
use serde_json::json;

use crate::bench::{Room, text};

async fn exported(room: &Room, caller: &Caller, path: &str) -> String {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let (status, yaml) = room.send(caller, request).await;
    assert_eq!(status, 200, "{yaml}");
    yaml
}

#[tokio::test]
async fn a_file_comes_out_as_it_went_in() {
    for room in Room::on_each_engine().await {
        for seed in [seeds::EU, seeds::US, seeds::APAC] {
            let org = room.org();
            let admin = room.somebody(&org, Role::Admin);
            let mut drafts = engine::import(seed).expect("a good file");
            let (status, report) = room.import(&admin, seed).await;
            assert_eq!(status, 200, "{report}");
            assert_eq!(report["created"].as_array().expect("created").len(), drafts.len());
            let answer = text(room.says(&admin, "patterns", "How do I reset my password?").await);
            assert!(!answer.starts_with("nothing"), "{answer}");

            let yaml = exported(&room, &admin, "/api/patterns.yaml").await;
            drafts.sort_by(|one, other| one.draft.slug.cmp(&other.draft.slug));
            assert_eq!(engine::import(&yaml).expect("a good file"), drafts);

            // A second time, nothing happens, in the record neither.
            let events = room.events(&org).await.len();
            let (_, report) = room.import(&admin, &yaml).await;
            assert_eq!((&report["created"], &report["updated"]), (&json!([]), &json!([])));
            assert_eq!(report["unchanged"].as_array().expect("unchanged").len(), drafts.len());
            assert_eq!(room.events(&org).await.len(), events);
        }
    }
}

const TWO: &str = "patterns:
  - { slug: hours, name: Hours, triggers: [When are you open?], answer: 8 to 6. }
  - { slug: lunch, name: Lunch, triggers: [What is for lunch?], answer: Soup. }
";

#[tokio::test]
async fn a_known_slug_gets_a_new_version() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, member) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Member));
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        assert_eq!(room.import(&member, TWO).await.0, 403, "a member may not change what answers");
        assert_eq!(room.get(&admin, "/api/patterns/lunch").await.0, 404, "nothing of it is kept");

        let (status, report) = room.import(&admin, TWO).await;
        assert_eq!(
            (status, &report["created"], &report["updated"]),
            (200, &json!(["lunch"]), &json!(["hours"]))
        );
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "8 to 6.");
        let (_, hours) = room.get(&admin, "/api/patterns/hours").await;
        assert_eq!((&hours["version"], &hours["published_version"]), (&json!(2), &json!(2)));

        room.ask(&admin, "POST", "/api/patterns/lunch/retire", json!({})).await;
        room.import(&admin, &TWO.replace("Soup", "Salad")).await;
        let (_, lunch) = room.get(&admin, "/api/patterns/lunch").await;
        assert_eq!((&lunch["version"], &lunch["state"]), (&json!(2), &json!("retired")));
        assert!(!exported(&room, &admin, "/api/patterns.yaml").await.contains("Salad"));
        assert!(exported(&room, &admin, "/api/patterns.yaml?state=all").await.contains("Salad"));
        let drafts = room.import(&room.somebody(&room.org(), Role::Member), TWO).await.1;
        assert_eq!(drafts["created"], json!(["hours", "lunch"]));
    }
}

#[tokio::test]
async fn a_file_with_a_flaw_changes_nothing() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let (status, problem) = room.import(&admin, &TWO.replace("lunch", "Lunch!")).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/patterns/1/slug")));
        assert!(
            problem["errors"][0]["detail"].as_str().expect("text").starts_with("line 3"),
            "{problem}"
        );
        let (status, problem) = room.import(&admin, "patterns:\n  - slug: [x\n").await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_yaml")), "{problem}");
        assert!(problem["line"].is_u64(), "{problem}");
        let large = format!("{TWO}#{}", "x".repeat(1024 * 1024));
        assert_eq!(room.import(&admin, &large).await.0, 413);
        let request = Request::post("/api/patterns/import")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from("{}"))
            .expect("a request");
        assert_eq!(room.send(&admin, request).await.0, 415);
        assert_eq!(room.get(&admin, "/api/patterns").await.1["items"], json!([]));
        assert_eq!(room.events(&org).await.len(), 0);
    }
}

#[tokio::test]
async fn a_file_carries_cases_in_and_out() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let with_cases = "patterns:
  - slug: hours
    name: Hours
    triggers: [When are you open?]
    answer: 8 to 6.
    cases:
      - { ask: when are you open, expect: match, contains: 8 to 6 }
      - { ask: What is for lunch?, expect: no_match }
";
        assert_eq!(room.import(&admin, with_cases).await.0, 200);
        let (_, cases) = room.get(&admin, "/api/patterns/hours/cases").await;
        assert_eq!(cases["cases"].as_array().map(Vec::len), Some(2), "{cases}");
        let yaml = exported(&room, &admin, "/api/patterns.yaml").await;
        assert_eq!(engine::import(&yaml), engine::import(with_cases), "{yaml}");
        let (_, report) = room.import(&admin, &yaml).await;
        assert_eq!(report["unchanged"], json!(["hours"]));

        // A file that does not speak of cases leaves them; one that does replaces them.
        room.import(&admin, TWO).await;
        let (_, cases) = room.get(&admin, "/api/patterns/hours/cases").await;
        assert_eq!(cases["cases"].as_array().map(Vec::len), Some(2), "{cases}");
        let none = TWO.replace("8 to 6. }", "8 to 6., cases: [] }");
        let (_, report) = room.import(&admin, &none).await;
        assert_eq!(
            (&report["updated"], &report["unchanged"]),
            (&json!(["hours"]), &json!(["lunch"]))
        );
        let (_, hours) = room.get(&admin, "/api/patterns/hours").await;
        assert_eq!((&hours["cases"], &hours["version"]), (&json!(0), &json!(1)), "no new version");
        let events = room.events(&org).await;
        let (_, imported) = &events[events.len() - 1];
        assert_eq!(imported["changes"]["cases"][0]["cases"], json!({ "from": 2, "to": 0 }));
    }
}

#[tokio::test]
async fn a_file_with_a_failing_case_changes_nothing() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, member) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Member));
        let failing = TWO.replace(
            "Soup. }",
            "Soup., cases: [{ ask: When are you open?, expect: no_match }, { ask: lunch?, expect: match, contains: Salad }] }",
        );
        let (status, problem) = room.import(&admin, &failing).await;
        assert_eq!((status, &problem["code"]), (422, &json!("cases_failed")), "{problem}");
        assert_eq!(problem["failed"][0]["slug"], "lunch");
        assert_eq!(
            problem["failed"][0]["number"], 2,
            "the others pass beside what the file brings"
        );
        assert_eq!(room.get(&admin, "/api/patterns").await.1["items"], json!([]));
        assert_eq!(room.events(&org).await.len(), 0);
        // Who may not publish brings drafts, and nothing stands in their way.
        assert_eq!(room.import(&member, &failing).await.0, 200);
        let broken = failing.replace("no_match", "perhaps");
        assert_eq!(room.import(&admin, &broken).await.1["code"], "invalid_yaml");
    }
}

#[tokio::test]
async fn an_import_keeps_nobody_waiting_while_its_cases_are_judged() {
    let triggers = |nth: usize| (0..10).map(move |word| format!("where is thing{nth}of{word}"));
    let pattern = |nth: usize| {
        let cases = triggers(nth).map(|ask| json!({ "ask": ask, "expect": "match" }));
        json!({ "slug": format!("thing-{nth}"), "name": format!("Thing {nth}"),
            "triggers": triggers(nth).collect::<Vec<_>>(), "answer": "There.",
            "cases": cases.collect::<Vec<_>>() })
    };
    let patterns: Vec<_> = (0..200).map(pattern).collect();
    let yaml = serde_json::to_string(&json!({ "patterns": patterns })).expect("json is yaml");
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, other) =
            (room.somebody(&org, Role::Admin), room.somebody(&room.org(), Role::Admin));
        let mut import = Box::pin(room.patterns.import(&admin, &yaml));
        let others = async {
            for nth in 0..3 {
                for one in [&admin, &other] {
                    room.taught(one, &format!("lunch-{nth}"), "What is for lunch?", "Soup.").await;
                }
            }
        };
        tokio::select! {
            biased;
            early = &mut import => panic!("they waited for it: {early:?}"),
            () = others => {}
        }
        // It is judged anew, beside what was taught meanwhile.
        let imported = import.await.expect("imported");
        assert_eq!(imported.created.len(), patterns.len());
    }
}
