//! The pages, as a browser without script uses them.

use access::{Caller, Role};
use axum::body::Body;
use axum::http::{Request, header};
use gateway::testing::HELLO;
use serde_json::json;
use tower::ServiceExt;

use crate::bench::{Room, text_of};

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";

struct Page {
    status: u16,
    to: String,
    said: String,
    text: String,
}

async fn browse(room: &Room, caller: &Caller, request: Request<Body>) -> Page {
    let (routes, _) = chat::pages(room.chat.clone()).split_for_parts();
    let routes = routes.layer(axum::Extension(caller.clone()));
    let response = routes.oneshot(request).await.expect("infallible");
    let (status, headers, text) = text_of(response).await;
    let header = |name| headers.get(name).map(|value| value.to_str().expect("text").to_owned());
    let to = header(header::LOCATION).unwrap_or_default();
    Page { status, to, said: header(header::SET_COOKIE).unwrap_or_default(), text }
}

async fn get(room: &Room, caller: &Caller, path: &str) -> Page {
    browse(room, caller, Request::get(path).body(Body::empty()).expect("a request")).await
}

async fn post(room: &Room, caller: &Caller, path: &str, form: &[(&str, &str)]) -> Page {
    let part = base::page::filters::percent_encoded;
    let form: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", part(value))).collect();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.join("&")));
    browse(room, caller, request.expect("a request")).await
}

/// The page's own path, without the place in it.
fn path(to: &str) -> &str {
    to.split('#').next().expect("a path")
}

#[tokio::test]
async fn without_script_a_form_gives_the_whole_answer() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let empty = get(&room, &member, "/chat").await;
        assert!(empty.text.contains("Ask a question"), "{}", empty.text);
        assert!(empty.text.contains("<option value=\"fake\" selected>"), "{}", empty.text);
        let first = [("text", "How do I\nreset it?"), ("model", "fake")];
        let sent = post(&room, &member, "/chat", &first).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        assert!(sent.to.ends_with("#m-2"), "{}", sent.to);
        let page = get(&room, &member, path(&sent.to)).await;
        for part in
            [HELLO, "How do I", "by fake", ">eu<", "Price", "0.000022", "call_", "Copy answer"]
        {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
        let messages = format!("{}/messages", path(&sent.to));
        let next = [("text", "and then?"), ("model", "fake"), ("after", "2")];
        let sent = post(&room, &member, &messages, &next).await;
        assert_eq!((sent.status, sent.to.ends_with("#m-4")), (303, true), "{}", sent.text);
        let again = post(&room, &member, &messages, &next).await;
        assert_eq!(again.status, 422, "the conversation has gone on");
        assert!(again.text.contains("and then?") && again.text.contains("gone on to message 4"));
        let conversation = path(&sent.to).to_owned();
        let edit = [("position", "1"), ("text", "better"), ("after", "4")];
        let edited = post(&room, &member, &format!("{conversation}/edit"), &edit).await;
        assert!(edited.to.ends_with("#m-2"), "{}", edited.text);
        let retried =
            post(&room, &member, &format!("{conversation}/retry"), &[("after", "2")]).await;
        assert!(retried.to.ends_with("#m-2"), "{}", retried.text);
        let rename = [("title", HOSTILE)];
        let renamed = post(&room, &member, &format!("{conversation}/rename"), &rename).await;
        assert_eq!(renamed.status, 303, "{}", renamed.text);
        let page = get(&room, &member, &conversation).await;
        assert!(!page.text.contains("<script>") && !page.text.contains("<img"), "{}", page.text);
        let deleted = post(&room, &member, &format!("{conversation}/delete"), &[]).await;
        assert_eq!((deleted.status, deleted.to.as_str()), (303, "/chat"));
        assert_eq!(get(&room, &member, &conversation).await.status, 404);
    }
}

#[tokio::test]
async fn who_deletes_what_must_be_kept_is_told_on_the_page() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let sent = post(&room, &member, "/chat", &[("text", "hi"), ("model", "fake")]).await;
        let conversation = path(&sent.to).to_owned();
        let hold = room.hold(&member.org, Some(&member)).await;
        let refused = post(&room, &member, &format!("{conversation}/delete"), &[]).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let said = "This conversation must be kept: a legal hold blocks deleting it";
        assert!(refused.text.contains(said) && refused.text.contains(HELLO), "{}", refused.text);
        assert!(!refused.text.contains("Globex"), "{}", refused.text);
        room.lift(&member.org, &hold).await;
        let deleted = post(&room, &member, &format!("{conversation}/delete"), &[]).await;
        assert_eq!((deleted.status, deleted.to.as_str()), (303, "/chat"));
    }
}

#[tokio::test]
async fn what_was_said_is_text_on_the_page() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let taught = json!({ "slug": "evil", "name": "Evil", "answer": HOSTILE,
                             "triggers": ["evil question"] });
        let taught = serde_json::from_value(taught).expect("a pattern");
        room.patterns.teach(&admin, taught).await.expect("taught");
        let ask = [("text", "evil question <script>alert(3)</script>"), ("model", "pattern/evil")];
        let sent = post(&room, &admin, "/chat", &ask).await;
        let page = get(&room, &admin, path(&sent.to)).await.text;
        assert!(page.contains("alert(1)") && page.contains("alert(3)") && page.contains("evil@1"));
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        let found = get(&room, &admin, "/chat?q=alert").await.text;
        assert!(found.contains("1</data> found") && !found.contains("<script"), "{found}");
    }
}

#[tokio::test]
async fn everybody_sees_what_they_may_do() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        for (role, teaches, reads) in [
            (Role::Viewer, false, false),
            (Role::Member, true, false),
            (Role::Admin, true, false),
            (Role::Owner, true, true),
        ] {
            let who = room.somebody(&org, role);
            let ask = [("text", "hi"), ("model", "patterns")];
            let sent = post(&room, &who, "/chat", &ask).await;
            assert_eq!(sent.status, 303, "{role}: {}", sent.text);
            let page = get(&room, &who, path(&sent.to)).await.text;
            assert_eq!(page.contains("action=\"/patterns/draft"), teaches, "{role}");
            assert_eq!(page.contains("/record?resource=call_"), reads, "{role}");
            assert_eq!(page.contains("Copy receipt"), !reads, "{role}");
            let retention = get(&room, &who, "/settings/retention").await;
            let (may, status) =
                if teaches && role != Role::Member { (true, 200) } else { (false, 403) };
            assert_eq!(retention.status, status, "{role}");
            assert_eq!(retention.text.contains(">Save<"), may, "{role}");
        }
        let nobody = room.granted(&org, &["settings:read"]);
        let page = get(&room, &nobody, "/chat").await;
        assert!(page.text.contains("Ask an administrator") && !page.text.contains("data-send"));
        let ask = [("text", "hi"), ("model", "patterns")];
        assert_eq!(post(&room, &nobody, "/chat", &ask).await.status, 403);
        let only_reads = get(&room, &nobody, "/settings/retention").await.text;
        assert!(only_reads.contains("settings:update") && !only_reads.contains(">Save<"));
    }
}

#[tokio::test]
async fn a_page_shows_a_refusal_in_words_to_act_on() {
    for room in Room::on_each_engine().await {
        let viewer = room.somebody(&room.org(), Role::Viewer);
        for (model, advice) in
            [("fake", "Choose a pattern instead"), ("gone", "Choose another model")]
        {
            let sent =
                post(&room, &viewer, "/chat", &[("text", "my words"), ("model", model)]).await;
            assert_eq!(sent.status, 303, "{}", sent.text);
            assert!(sent.said.contains("There%20is%20no%20new%20answer"), "{}", sent.said);
            let page = get(&room, &viewer, path(&sent.to)).await.text;
            for part in ["my words", "There is no answer.", advice, "Ask again", "(not available)"]
            {
                assert!(page.contains(part), "{part}: {page}");
            }
        }
        for (form, words) in [
            ([("text", " "), ("model", "patterns")], "Write a question."),
            ([("text", "my words"), ("model", "")], "Choose a model or a pattern."),
        ] {
            let page = post(&room, &viewer, "/chat", &form).await;
            assert_eq!(page.status, 422);
            assert!(page.text.contains(words) && page.text.contains(form[0].1), "{}", page.text);
        }
        let (_, list) = room.get(&viewer, "/api/conversations").await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(2), "nothing was started in vain");
    }
}

#[tokio::test]
async fn the_retention_is_set_on_its_page() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let page = get(&room, &admin, "/settings/retention").await.text;
        assert!(page.contains("This is the default.") && page.contains("value=\"90\""), "{page}");
        for wrong in ["0", "soon", "99999"] {
            let page = post(&room, &admin, "/settings/retention", &[("days", wrong)]).await;
            assert_eq!(page.status, 422);
            let kept = format!("value=\"{wrong}\"");
            assert!(
                page.text.contains(&kept) && page.text.contains("aria-invalid"),
                "{}",
                page.text
            );
        }
        let set = post(&room, &admin, "/settings/retention", &[("days", "30")]).await;
        assert_eq!((set.status, set.to.as_str()), (303, "/settings/retention"));
        let chat = get(&room, &admin, "/chat").await.text;
        assert!(chat.contains(">30</data> days after"), "{chat}");
    }
}

#[tokio::test]
async fn a_long_conversation_is_shown_from_its_end_and_the_rest_is_a_link_away() {
    let long = "\"".repeat(32 << 10);
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "patterns").await;
        for _ in 0..18 {
            room.says(&member, &path, &long).await;
        }
        let mut here = path.replace("/api/conversations/", "/chat/");
        let mut questions = 0;
        loop {
            let page = get(&room, &member, &here).await;
            assert_eq!(page.status, 200, "{}", page.text);
            assert!(page.text.len() < 6 << 20, "{} bytes", page.text.len());
            questions += page.text.matches("aria-label=\"Question\"").count();
            let Some((before, _)) = page.text.split_once("\">Show earlier messages") else { break };
            here = before.rsplit('"').next().expect("an address").to_owned();
        }
        assert_eq!(questions, 18, "each on one page");
    }
}
