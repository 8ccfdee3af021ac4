//! The console's pages: the list, the editor and the import.

use access::Role;
use serde_json::json;

use crate::bench::{Room, text};

const ASK: &str = "How do I reset my password?";

/// What a person fills in to teach an approved answer.
fn filled<'a>(name: &'a str, triggers: &'a str, answer: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", name),
        ("triggers", triggers),
        ("kind", "answer"),
        ("answer", answer),
        ("publish", "yes"),
    ]
}

#[tokio::test]
async fn an_empty_org_reads_what_a_pattern_is_and_takes_the_first_step() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        let (status, page) = room.page(&admin, "/patterns").await;
        assert_eq!(status, 200);
        assert!(page.contains("No patterns yet") && page.contains("Teach the first pattern"));
        let (_, page) = room.page(&viewer, "/patterns").await;
        assert!(page.contains("No patterns yet") && !page.contains("/patterns/new"), "{page}");
        let (_, page) = room.page(&admin, "/patterns?q=x").await;
        assert!(page.contains("No pattern fits"), "{page}");
    }
}

#[tokio::test]
async fn a_pattern_is_taught_by_a_form_and_answers_at_once() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        assert_eq!(room.page(&admin, "/patterns/new").await.0, 200);
        let form = filled(
            "Réset a password",
            "How do I reset my password?\r\n\r\n I forgot it ",
            "Open the portal.",
        );
        let (status, location, page) = room.submit(&admin, "/patterns", &form).await;
        assert_eq!(status, 303, "{page}");
        assert_eq!(text(room.says(&admin, "patterns", ASK).await), "Open the portal.");
        let (_, page) = room.page(&admin, &location).await;
        for part in
            ["<h1>Réset a password</h1>", "reset-a-password", "I forgot it", "Version 1 answers."]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        let (_, list) = room.page(&admin, "/patterns").await;
        assert!(
            list.contains(&format!("href=\"{location}\"")) && list.contains("value=\"1\">1<"),
            "{list}"
        );
        for (path, there) in [
            ("?q=forgot", true),
            ("?q=resE", true),
            ("?state=draft", false),
            ("?state=&q=&after=", true),
        ] {
            let (_, list) = room.page(&admin, &format!("/patterns{path}")).await;
            assert_eq!(list.contains(&location), there, "{path}");
        }
    }
}

#[tokio::test]
async fn a_template_is_taught_and_changed_by_a_form() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let mut form = filled("Letter", "Write a letter", "");
        form[2] = ("kind", "template");
        form.extend([
            ("user", "To {{to}}: {{question}}"),
            ("temperature", "0.2"),
            ("variable_name", "to"),
            ("variable_type", "text"),
            ("variable_choices", ""),
            ("variable_need", "optional"),
            ("variable_default", "Ada"),
            ("variable_description", ""),
            ("variable_name", ""),
            ("variable_type", "text"),
            ("variable_choices", ""),
            ("variable_need", "required"),
            ("variable_default", ""),
            ("variable_description", ""),
        ]);
        let (status, location, page) = room.submit(&admin, "/patterns", &form).await;
        assert_eq!(status, 303, "{page}");
        let said = text(room.says(&admin, "patterns", "Write a letter").await);
        assert!(said.contains("To Ada: Write a letter") && said.contains("0.2"), "{said}");
        let (_, page) = room.page(&admin, &format!("{location}/edit")).await;
        assert!(page.contains("value=\"to\"") && page.contains("value=\"Ada\""), "{page}");
        form.push(("version", "1"));
        let (status, ..) = room.submit(&admin, &location, &form).await;
        assert_eq!(status, 303);
        let (_, pattern) = room.get(&admin, "/api/patterns/letter").await;
        assert_eq!(pattern["version"], 1, "what was not changed is no new version");
    }
}

#[tokio::test]
async fn a_form_keeps_what_was_typed_and_names_the_field() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let form = filled("Reset", "ok\n?!", "  ");
        let (status, _, page) = room.submit(&admin, "/patterns", &form).await;
        assert_eq!(status, 422);
        assert!(page.contains("Questions (number 2) has no word to recognise"), "{page}");
        assert!(page.contains("Answer must not be empty") && page.contains("value=\"Reset\""));
        assert!(page.contains("ok\n?!</textarea>"), "{page}");
        let mut form = filled("Reset", ASK, "x");
        form.push(("slug", "reset"));
        assert_eq!(room.submit(&admin, "/patterns", &form).await.0, 303);
        let (status, _, page) = room.submit(&admin, "/patterns", &form).await;
        assert_eq!(status, 422);
        assert!(page.contains("Short name is taken by another pattern"), "{page}");
        form[2] = ("kind", "template");
        form.extend([("user", "{{question}}"), ("temperature", "warm")]);
        let (status, _, page) = room.submit(&admin, "/patterns", &form).await;
        assert!(status == 422 && page.contains("Temperature must be a number"), "{page}");
        assert!(page.contains("value=\"warm\""));
    }
}

#[tokio::test]
async fn a_draft_is_tried_beside_the_editor_without_script_and_nothing_is_kept() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        room.taught(&admin, "parking", "Where can I park?", "Behind.").await;
        let mut form = filled("Reset", ASK, "Open the <b>portal</b>.");
        form.push(("question", "reset my password please"));
        let (status, _, page) = room.submit(&admin, "/patterns/try", &form).await;
        assert_eq!(status, 200);
        assert!(page.contains(">Answers</span>") && page.contains("id=\"tried\""), "{page}");
        assert!(
            page.contains("Open the &#60;b&#62;portal") && !page.contains("<b>portal"),
            "{page}"
        );
        assert!(page.contains("value=\"Reset\"") && page.contains(ASK), "what was typed stays");
        form.pop();
        form.push(("question", "Where can I park?"));
        let (_, _, page) = room.submit(&admin, "/patterns/try", &form).await;
        assert!(page.contains("Does not answer") && page.contains(">parking</a>"), "{page}");
        let (_, _, page) = room.submit(&admin, "/patterns/try", &[("question", "x")]).await;
        assert!(
            page.contains("Before it can be kept") && page.contains("Name: must not be empty"),
            "{page}"
        );
        let (_, list) = room.get(&admin, "/api/patterns").await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(room.submit(&viewer, "/patterns/try", &form).await.0, 403);
    }
}

#[tokio::test]
async fn an_answer_of_a_chat_becomes_a_draft_in_the_editor() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (member, viewer) =
            (room.somebody(&org, Role::Member), room.somebody(&org, Role::Viewer));
        let form =
            [("trigger", "How do I\nreset it?"), ("answer", "Open </textarea><script>x</script>")];
        let (status, _, page) = room.submit(&member, "/patterns/draft", &form).await;
        assert_eq!(status, 200);
        assert!(
            page.contains("value=\"How do I reset it?\"") && !page.contains("<script>x"),
            "{page}"
        );
        assert!(page.contains("Open &#60;/textarea&#62;"), "{page}");
        assert!(!page.contains("name=\"publish\""), "a member may not publish");
        assert_eq!(room.get(&member, "/api/patterns").await.1["items"], json!([]));
        assert_eq!(room.submit(&viewer, "/patterns/draft", &form).await.0, 403);
    }
}

#[tokio::test]
async fn a_file_is_pasted_and_its_flaws_are_listed() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        assert!(room.page(&admin, "/patterns/import").await.1.contains("curl"));
        let yaml = "patterns:\n  - { slug: Hours, name: Hours, triggers: [When are you open?], answer: 8 to 6. }\n";
        let (status, _, page) = room.submit(&admin, "/patterns/import", &[("yaml", yaml)]).await;
        assert_eq!(status, 422);
        assert!(
            page.contains("line 2: must be lowercase") && page.contains("slug: Hours"),
            "{page}"
        );
        let good = yaml.replace("slug: Hours", "slug: hours");
        let (status, location, _) =
            room.submit(&admin, "/patterns/import", &[("yaml", &good)]).await;
        assert_eq!((status, location.as_str()), (303, "/patterns"));
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "8 to 6.");
        let failing =
            good.replace("8 to 6. }", "9 to 5., cases: [{ ask: Where?, expect: match }] }");
        let (status, _, page) =
            room.submit(&admin, "/patterns/import", &[("yaml", &failing)]).await;
        assert!(status == 422 && page.contains("case 1 of `hours`, `Where?`"), "{page}");
        assert_eq!(room.page(&viewer, "/patterns/import").await.0, 403);
        assert_eq!(room.submit(&viewer, "/patterns/import", &[("yaml", &good)]).await.0, 403);
    }
}
