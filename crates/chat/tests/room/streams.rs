//! Answers as they come.

use axum::response::Response;
use gateway::testing::HELLO;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::bench::{Room, json_request, text_of};

async fn asked(room: &Room, caller: &access::Caller, path: &str, text: &str) -> Response {
    let body = json!({ "text": text, "stream": true });
    room.open(caller, json_request("POST", &format!("{path}/messages"), &body)).await
}

/// The events of a stream: their names and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let read = |event: &str| {
        let data = field(event, "data:")?;
        Some((field(event, "event:")?, serde_json::from_str(&data).expect("json")))
    };
    text.split("\n\n").filter_map(read).collect()
}

#[tokio::test]
async fn an_answer_comes_as_it_is_written_and_ends_as_it_is_kept() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        let response = asked(&room, &member, &path, "hi").await;
        let (status, headers, text) = text_of(response).await;
        assert_eq!(
            (status, headers["content-type"].as_bytes()),
            (200, b"text/event-stream".as_slice())
        );
        let events = events(&text);
        let (first, last) = (&events[0], events.last().expect("events"));
        assert_eq!((first.0.as_str(), &first.1["message"]["text"]), ("question", &json!("hi")));
        let texts = events.iter().filter(|(name, _)| name == "text");
        let said: String = texts.map(|(_, data)| data["text"].as_str().expect("text")).collect();
        assert_eq!(said, HELLO);
        assert_eq!(last.0, "end");
        assert_eq!(last.1["message"], room.messages(&member, &path).await[1]);
    }
}

#[tokio::test]
async fn a_stopped_answer_keeps_what_was_shown() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "endless").await;
        let mut body = asked(&room, &member, &path, "hi").await.into_body();
        let mut shown = String::new();
        while !shown.contains("event: text") {
            let frame = body.frame().await.expect("more").expect("a frame");
            shown.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
        }
        let (_, busy) = room.get(&member, &path).await;
        assert_eq!(busy["answering"], true);
        let ask = json!({ "text": "and?" });
        let (status, problem) = room.ask(&member, "POST", &format!("{path}/messages"), &ask).await;
        assert_eq!((status, &problem["code"]), (409, &json!("answer_under_way")));
        drop(body);
        let messages = room.messages_once(&member, &path, 2).await;
        let answer = &messages[1];
        assert_eq!(answer["answer"]["ending"], "stopped");
        let text = answer["text"].as_str().expect("text");
        assert!(!text.is_empty() && HELLO.starts_with(text), "{text}");
        assert!(answer["answer"]["price"] != "0.00", "what was produced is paid: {answer}");
        let receipt = &answer["answer"]["receipt"];
        let aborted =
            |event: &Value| &event["resourceId"] == receipt && event["outcome"] == "aborted";
        let begun = std::time::Instant::now();
        while !room.events(&member.org).await.iter().any(aborted) {
            assert!(begun.elapsed().as_secs() < 15, "the call is recorded as aborted");
            tokio::task::yield_now().await;
        }
        let (_, idle) = room.get(&member, &path).await;
        assert_eq!((&idle["answering"], &idle["messages"]), (&json!(false), &json!(2)));
    }
}

#[tokio::test]
async fn an_answer_ends_with_the_session_it_was_asked_in() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "paced").await;
        let mut body = asked(&room, &member, &path, "hi").await.into_body();
        let mut shown = String::new();
        while !shown.contains("event: text") {
            let frame = body.frame().await.expect("more").expect("a frame");
            shown.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
        }
        member.standing.life.end();
        let rest = body.collect().await.expect("a whole stream").to_bytes();
        let rest = events(&String::from_utf8_lossy(&rest));
        assert_eq!(rest.len(), 1, "nothing of the answer comes any more: {rest:?}");
        assert_eq!(
            (rest[0].0.as_str(), &rest[0].1["code"]),
            ("problem", &json!("credentials_ended"))
        );
        // The same person, signed in anew, finds what was shown, and why it stops there.
        let again = Room::same(&member);
        let answer = room.messages_once(&again, &path, 2).await[1].clone();
        assert_eq!(answer["answer"]["ending"], "stopped");
        assert_eq!(answer["answer"]["code"], "credentials_ended");
        let receipt = &answer["answer"]["receipt"];
        let begun = std::time::Instant::now();
        let cut = |event: &Value| {
            &event["resourceId"] == receipt && event["reason"]["code"] == "credentials_ended"
        };
        while !room.events(&member.org).await.iter().any(cut) {
            assert!(begun.elapsed().as_secs() < 15, "the call is recorded as aborted");
            tokio::task::yield_now().await;
        }
        // Whoever waits for the whole answer gets none of it.
        let late = Room::same(&member);
        let path = room.started(&late, "paced").await;
        let calls = room.provider.calls();
        let end = async {
            while room.provider.calls() == calls {
                tokio::task::yield_now().await;
            }
            late.standing.life.end();
        };
        let question = json!({ "text": "hi" });
        let path = format!("{path}/messages");
        let ask = room.ask(&late, "POST", &path, &question);
        let ((status, problem), ()) = tokio::join!(ask, end);
        assert_eq!((status, &problem["code"]), (401, &json!("credentials_ended")), "{problem}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_keeps_what_was_shown_and_says_why() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "cut").await;
        let (_, _, text) = text_of(asked(&room, &member, &path, "hi").await).await;
        let events = events(&text);
        let (name, data) = events.last().expect("events");
        assert_eq!(name, "end");
        let from = &data["message"]["answer"];
        assert_eq!((&from["ending"], &from["code"]), (&json!("broken"), &json!("provider_failed")));
        assert_eq!(data["message"]["text"], HELLO);
    }
}

#[tokio::test]
async fn a_refusal_before_the_first_word_is_no_stream() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "gone").await;
        let (status, headers, text) = text_of(asked(&room, &member, &path, "hi").await).await;
        assert_eq!(
            (status, headers["content-type"].as_bytes()),
            (404, b"application/problem+json".as_slice())
        );
        assert!(text.contains("model_not_found"), "{text}");
        assert_eq!(room.messages(&member, &path).await.len(), 2);
    }
}

#[tokio::test]
async fn an_answer_to_a_deleted_conversation_is_not_kept() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "endless").await;
        let response = asked(&room, &member, &path, "hi").await;
        assert_eq!(room.ask(&member, "DELETE", &path, &Value::Null).await.0, 204);
        drop(response);
        assert_eq!(room.get(&member, &path).await.0, 404);
        let count = room.kept().await;
        assert!(count.is_empty(), "nothing is left");
    }
}
