//! Questions and their whole answers.

use access::Role;
use gateway::testing::HELLO;
use serde_json::{Value, json};

use crate::bench::Room;

#[tokio::test]
async fn an_answer_carries_its_receipt_and_its_price() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        let answer = room.says(&member, &path, "How do I reset it?").await;
        assert_eq!(answer["text"], HELLO);
        let from = &answer["answer"];
        assert_eq!((&from["ending"], &from["model"]), (&json!("complete"), &json!("fake")));
        assert_eq!((&from["provider"], &from["region"]), (&json!("fake"), &json!("eu")));
        assert_eq!((&from["tokens_in"], &from["tokens_out"]), (&json!(12), &json!(5)));
        // 12 tokens at 1.00 and 5 at 2.00 per million.
        assert_eq!(from["price"], "0.000022");
        let events = room.events(&member.org).await;
        let outcome = events.iter().find(|event| event["action"] == "gateway.call.ended");
        let outcome = outcome.expect("an outcome");
        assert_eq!(outcome["resourceId"], from["receipt"]);
        assert_eq!(outcome["call"]["priceNanocents"], 2_200_000);
        assert_eq!(room.messages(&member, &path).await[1], answer, "and is kept so");
        let (_, conversation) = room.get(&member, &path).await;
        assert_eq!(conversation["title"], "How do I reset it?");
        assert_eq!(
            (&conversation["messages"], &conversation["answering"]),
            (&json!(2), &json!(false))
        );
    }
}

#[tokio::test]
async fn an_approved_answer_names_its_pattern_and_costs_nothing() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let taught = json!({ "slug": "hours", "name": "Hours", "answer": "9 to 5.",
                             "triggers": ["When are you open?"] });
        let taught = serde_json::from_value(taught).expect("a pattern");
        room.patterns.teach(&admin, taught).await.expect("taught");
        let path = room.started(&admin, "patterns").await;
        let answer = room.says(&admin, &path, "When are you open?").await;
        assert_eq!(answer["text"], "9 to 5.");
        let from = &answer["answer"];
        assert_eq!((&from["pattern"], &from["provider"]), (&json!("hours@1"), &json!("portico")));
        assert_eq!((&from["price"], &from["region"]), (&json!("0.00"), &json!("eu")));
        assert!(from["receipt"].as_str().is_some_and(|id| id.starts_with("call_")), "{from}");
    }
}

#[tokio::test]
async fn a_model_is_sent_what_was_said_before() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        room.says(&member, &path, "one").await;
        room.says(&member, &path, "two").await;
        let (_, body) = room.provider.last().expect("was called");
        let body: Value = serde_json::from_slice(&body).expect("json");
        let sent = json!([
            { "role": "user", "content": "one" },
            { "role": "assistant", "content": HELLO },
            { "role": "user", "content": "two" },
        ]);
        assert_eq!(body["messages"], sent);
    }
}

#[tokio::test]
async fn a_new_answer_takes_the_place_of_the_last_one() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "patterns").await;
        let first = room.says(&member, &path, "hi").await;
        let body = json!({ "model": "fake" });
        let (status, again) = room.ask(&member, "POST", &format!("{path}/retry"), &body).await;
        assert_eq!(status, 200, "{again}");
        assert_eq!(
            (&again["answer"]["text"], &again["answer"]["position"]),
            (&json!(HELLO), &json!(2))
        );
        assert_ne!(again["answer"]["id"], first["id"]);
        let said = room.said(&member, &path).await;
        assert_eq!(said, [("user".into(), "hi".into()), ("assistant".into(), HELLO.into())]);
        let (_, conversation) = room.get(&member, &path).await;
        assert_eq!(
            (&conversation["model"], &conversation["messages"]),
            (&json!("fake"), &json!(2))
        );
        let empty = room.started(&member, "fake").await;
        let (status, _) = room.ask(&member, "POST", &format!("{empty}/retry"), &json!({})).await;
        assert_eq!(status, 404, "nothing was asked");
    }
}

#[tokio::test]
async fn an_edited_question_cuts_what_followed_it() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        for text in ["one", "two", "three"] {
            room.says(&member, &path, text).await;
        }
        let edit = json!({ "text": "two, but better" });
        let (status, answered) =
            room.ask(&member, "PUT", &format!("{path}/messages/3"), &edit).await;
        assert_eq!(status, 200, "{answered}");
        let said: Vec<_> =
            room.said(&member, &path).await.into_iter().map(|(_, text)| text).collect();
        assert_eq!(said, ["one", HELLO, "two, but better", HELLO]);
        for wrong in ["2", "9", "0", "-1"] {
            let place = format!("{path}/messages/{wrong}");
            let (status, problem) = room.ask(&member, "PUT", &place, &edit).await;
            assert_eq!(status, 404, "{wrong}: {problem}");
        }
        assert_eq!(room.said(&member, &path).await.len(), 4, "nothing was cut in vain");
        let events = room.events(&member.org).await;
        let sent: Vec<_> =
            events.iter().filter(|event| event["action"] == "chat.message.sent").collect();
        assert_eq!(sent[3]["changes"]["replaced"], 4);
    }
}
