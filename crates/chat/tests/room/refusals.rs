//! What is refused, and what is kept all the same.

use access::Role;
use limits::{Ceiling, Level};
use serde_json::{Value, json};

use crate::bench::Room;

#[tokio::test]
async fn a_refusal_is_shown_and_the_question_is_kept() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let one = Ceiling { requests_per_minute: Some(1), ..Ceiling::default() };
        room.limits.set(&admin, Level::Org, "org", one).await.expect("set");
        let member = room.somebody(&org, Role::Member);
        let path = room.started(&member, "fake").await;
        room.says(&member, &path, "one").await;
        let ask = json!({ "text": "two" });
        let (status, problem) = room.ask(&member, "POST", &format!("{path}/messages"), &ask).await;
        assert_eq!(status, 429, "{problem}");
        let messages = room.messages(&member, &path).await;
        assert_eq!((&messages[2]["text"], messages.len()), (&json!("two"), 4));
        let refused = &messages[3]["answer"];
        assert_eq!(refused["ending"], "refused");
        assert_eq!((&refused["code"], &refused["detail"]), (&problem["code"], &problem["detail"]));
        // The same question, when there is room again.
        room.clock.advance(jiff::SignedDuration::from_mins(2));
        let (status, again) = room.ask(&member, "POST", &format!("{path}/retry"), &json!({})).await;
        assert_eq!((status, &again["answer"]["position"]), (200, &json!(4)), "{again}");
        // A refusal does not take the place of an answer.
        let (status, _) = room.ask(&member, "POST", &format!("{path}/retry"), &json!({})).await;
        assert_eq!(status, 429);
        assert_eq!(room.messages(&member, &path).await[3], again["answer"]);
    }
}

#[tokio::test]
async fn words_of_a_refusal_say_what_to_do() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (member, viewer) =
            (room.somebody(&org, Role::Member), room.somebody(&org, Role::Viewer));
        for (who, model, status, code, words) in [
            (&member, "gone", 404, "model_not_found", "the model `gone` does not exist"),
            (&member, "picky", 400, "provider_refused", "not like this"),
            (&viewer, "fake", 403, "permission_denied", "`models:invoke` is required"),
        ] {
            let path = room.started(who, model).await;
            let ask = json!({ "text": "hi" });
            let (got, problem) = room.ask(who, "POST", &format!("{path}/messages"), &ask).await;
            assert_eq!((got, &problem["code"]), (status, &json!(code)), "{problem}");
            let messages = room.messages(who, &path).await;
            assert_eq!(messages[0]["text"], "hi");
            let told = messages[1]["answer"]["detail"].as_str().expect("words");
            assert!(told.contains(words), "{told}");
        }
    }
}

#[tokio::test]
async fn a_question_sent_twice_is_asked_once() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        let place = format!("{path}/messages");
        let ask = json!({ "text": "hi", "after": 0 });
        let (one, two) = tokio::join!(
            room.ask(&member, "POST", &place, &ask),
            room.ask(&member, "POST", &place, &ask)
        );
        let mut statuses = [one.0, two.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {two:?}");
        let (status, problem) = room.ask(&member, "POST", &place, &ask).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conversation_moved")));
        assert_eq!(problem["messages"], 2);
        assert_eq!(room.said(&member, &path).await.len(), 2);
        assert_eq!(room.provider.calls(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_its_field() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        let messages = format!("{path}/messages");
        let long = "x".repeat(32 * 1024 + 1);
        for (method, place, body, field) in [
            ("POST", "/api/conversations", json!({ "model": " " }), "model"),
            ("POST", "/api/conversations", json!({ "model": "m", "title": "" }), "title"),
            ("PATCH", &path, json!({ "title": "x".repeat(121) }), "title"),
            ("PATCH", &path, json!({}), "title"),
            ("POST", &messages, json!({ "text": "  \n" }), "text"),
            ("POST", &messages, json!({ "text": long }), "text"),
            ("POST", &messages, json!({ "text": "x", "model": "a\nb" }), "model"),
            ("POST", &messages, json!({ "text": "x", "temperature": 1 }), "temperature"),
        ] {
            let (status, problem) = room.ask(&member, method, place, &body).await;
            assert_eq!((status, &problem["param"]), (422, &json!(field)), "{body}: {problem}");
        }
        assert_eq!(room.messages(&member, &path).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn without_its_database_nothing_is_asked() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let path = room.started(&member, "fake").await;
        room.bench.db.close().await;
        let ask = json!({ "text": "hi" });
        let (status, problem) = room.ask(&member, "POST", &format!("{path}/messages"), &ask).await;
        assert_eq!((status, &problem["code"]), (503, &json!("database_unavailable")));
        assert_eq!(room.provider.calls(), 0);
    }
}
