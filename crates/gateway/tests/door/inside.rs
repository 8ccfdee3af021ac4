//! Asking from inside the process.

use access::Role;
use audit::Outcome;
use bytes::Bytes;
use gateway::testing::HELLO;
use gateway::{Choice, Piece};
use serde_json::json;

use crate::bench::{Door, PLAIN};

fn ask(model: &str) -> Bytes {
    let messages = json!([{ "role": "user", "content": "hi" }]);
    let ask = json!({ "model": model, "stream": true, "messages": messages,
                      "stream_options": { "include_usage": true } });
    Bytes::from(ask.to_string())
}

#[tokio::test]
async fn an_answer_heard_inside_says_what_the_record_says() {
    for door in Door::on_each_engine().await {
        let caller = door.member();
        for model in ["fake", "claude", "patterns"] {
            let mut hearing = door.gateway.chat(&caller, ask(model)).await.expect("an answer");
            let receipt = hearing.receipt().to_owned();
            let (mut text, mut complete) = (String::new(), false);
            while let Some(piece) = hearing.next().await {
                assert!(!complete, "nothing comes behind the end");
                match piece {
                    Piece::Text(more) => text.push_str(&more),
                    Piece::Complete => complete = true,
                    Piece::Alive => {}
                    Piece::Broken { code, .. } => panic!("{code}"),
                }
            }
            let said = if model == "patterns" { "nothing matches" } else { HELLO };
            assert!(complete && text == said, "{model}: {text}");
            let ended = hearing.end().expect("it ended");
            assert_eq!(ended.outcome, Outcome::Success);
            let events = door.events(&caller.org).await;
            let outcome = events.last().expect("events");
            assert_eq!(outcome["resourceId"], receipt);
            assert_eq!(outcome["call"], serde_json::to_value(&ended.facts).expect("json"));
        }
    }
}

#[tokio::test]
async fn a_hearing_that_is_given_up_settles_what_was_produced() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let mut hearing = door.gateway.chat(&caller, ask("endless")).await.expect("an answer");
    while !matches!(hearing.next().await.expect("a piece"), Piece::Text(_)) {}
    let ended = hearing.end().expect("it ended");
    assert_eq!(ended.outcome, Outcome::Aborted);
    assert!(ended.facts.price_nanocents > 0 && ended.facts.estimated);
    let events = door.events_once(&caller.org, 2).await;
    assert_eq!(events[1]["outcome"], "aborted");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_heard_to_break() {
    let door = Door::on_sqlite(PLAIN).await;
    let caller = door.member();
    let mut hearing = door.gateway.chat(&caller, ask("cut")).await.expect("an answer");
    let mut pieces = Vec::new();
    while let Some(piece) = hearing.next().await {
        pieces.push(piece);
    }
    let last = pieces.last().expect("pieces");
    assert!(matches!(last, Piece::Broken { code, .. } if code == "provider_failed"), "{last:?}");
    assert_eq!(hearing.end().expect("it ended").outcome, Outcome::Failed);
    let refused = door.gateway.chat(&caller, ask("picky")).await.expect_err("refused");
    assert_eq!(gateway::provider_words(&refused).as_deref(), Some("not like this"));
    assert!(refused.headers().iter().any(|(name, _)| name == "portico-receipt"));
}

#[tokio::test]
async fn choices_are_what_the_caller_may_chat_with() {
    let door = Door::on_sqlite(&format!("default_model = \"fake\"\n{PLAIN}")).await;
    let viewer = door.somebody(door.member().org.clone(), Role::Viewer, None);
    let choices = door.gateway.choices(&viewer).await.expect("choices");
    let patterns = Choice { name: "patterns".to_owned(), embedded: true, default: false };
    assert_eq!(choices, std::slice::from_ref(&patterns));
    let choices = door.gateway.choices(&door.member()).await.expect("choices");
    assert_eq!(choices.first(), Some(&patterns));
    assert!(choices.contains(&Choice { name: "fake".into(), embedded: false, default: true }));
    let embeddings = choices.iter().any(|choice| choice.name == "embed");
    assert!(!embeddings, "nobody chats with embeddings");
}
