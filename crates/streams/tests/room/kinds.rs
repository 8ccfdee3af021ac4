//! Splunk, Datadog and Sentinel, by small servers that answer as theirs do.

use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::{Act, Hook};

/// The JSON objects that stand one behind the other in a body.
fn objects(body: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(body).into_iter().map(|one| one.expect("JSON")).collect()
}

#[tokio::test]
async fn splunk_is_believed_by_the_code_in_its_answer_alone() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        room.grow(&org, 20).await;
        let target = json!({ "kind": "splunk", "url": hook.url, "index": "audit" });
        let new = json!({ "name": "S", "target": target, "secret": "11111111-2222" });
        let made = room.made(&org, new).await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        hook.state().says = Some((200, r#"{"text":"Success","code":0}"#.to_owned()));
        for (act, said) in [
            (Act::Say(200, "", r#"{"text":"Server is busy","code":9}"#), "without code 0"),
            (Act::Say(200, "", "<html>a proxy</html>"), "without code 0"),
            (Act::Say(503, "retry-after: 1\r\n", r#"{"text":"Server is busy","code":9}"#), "503"),
            (Act::Say(403, "", r#"{"text":"Invalid token","code":4}"#), "Invalid token"),
            (Act::Say(400, "", r#"{"text":"Incorrect index","code":7}"#), "Incorrect index"),
        ] {
            hook.will([act]);
            room.pass(700);
            room.streams.deliver().await.expect("delivers");
            let shown = room.shown(&org, &id).await;
            assert_eq!((&shown["state"], &shown["next"]), (&json!("failing"), &json!(0)), "{said}");
            assert!(shown["error"].as_str().expect("an error").contains(said), "{shown}");
        }
        // One of the events is wrong: found by halving, and blocked with Splunk's own words.
        let poison = format!("{}/9\"", org.id);
        let invalid = r#"{"text":"Invalid data format","code":6,"invalid-event-number":0}"#;
        hook.state().refuses = Some((poison, Act::Say(400, "", invalid)));
        for _ in 0..8 {
            room.pass(700);
            room.streams.deliver().await.expect("delivers");
        }
        let shown = room.shown(&org, &id).await;
        assert_eq!((&shown["state"], &shown["blocked_at"]), (&json!("blocked"), &json!("9")));
        let told = room.events(&org, "streams.sink.blocked").await;
        assert_eq!(told[0]["reason"]["detail"], "answered 400 Bad Request with code 6");
        hook.state().refuses = None;
        room.does(&org, &id, "retry", Value::Null).await;
        room.until_delivered(&org, &id).await;
        let kept = hook.state().kept.clone();
        let mut next = 0;
        for heard in &kept {
            assert_eq!(heard.path, "/services/collector/event");
            assert_eq!(heard.header("authorization"), "Splunk 11111111-2222");
            for event in objects(&heard.body) {
                assert_eq!(event["fields"]["portico_key"], format!("{}/{next}", org.id));
                assert_eq!(event["event"]["metadata"]["sequence"], next);
                assert_eq!(
                    (&event["index"], &event["sourcetype"]),
                    (&json!("audit"), &json!("portico:ocsf"))
                );
                let time: f64 = event["time"].as_str().expect("a time").parse().expect("seconds");
                assert!(time > 1.7e9);
                next += 1;
            }
        }
        assert_eq!(next, room.size(&org).await);
    }
}

#[tokio::test]
async fn datadog_gets_less_than_a_megabyte_and_late_events_say_so() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        hook.state().says = Some((202, "{}".to_owned()));
        // Bodies that would be cut off, were they sent at once.
        for place in 0..60 {
            let event = audit::Event::done("limits.limit.set", "limit", format!("member:{place}"));
            let event = event.changes(json!({ "note": { "to": "x".repeat(20_000) } }));
            room.record.note(&org.operator, &event).await.expect("is on disk");
        }
        let late = room.size(&org).await;
        room.pass(19 * 3_600);
        room.grow(&org, 5).await;
        let target = json!({ "kind": "datadog", "site": hook.url });
        let made = room
            .made(&org, json!({ "name": "D", "target": target, "secret": "key-of-datadog" }))
            .await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        room.until_delivered(&org, &id).await;
        let kept = hook.state().kept.clone();
        assert!(kept.len() > 2, "several deliveries: {}", kept.len());
        for heard in &kept {
            assert_eq!(
                (heard.path.as_str(), heard.header("dd-api-key")),
                ("/api/v2/logs", "key-of-datadog")
            );
            assert!(heard.body.len() < 1_000_000, "{}", heard.body.len());
        }
        let items = hook.items();
        assert_eq!(i64::try_from(items.len()), Ok(room.size(&org).await));
        for (place, item) in items.iter().enumerate() {
            let is_late = i64::try_from(place).expect("few") < late;
            let tags = item["ddtags"].as_str().expect("tags");
            assert_eq!(tags.contains("portico_late:true"), is_late, "{place}: {tags}");
            assert_eq!(item.get("timestamp").is_none(), is_late, "{place}");
            assert_eq!(item["portico"]["key"], format!("{}/{place}", org.id));
            let event: Value =
                serde_json::from_str(item["message"].as_str().expect("text")).expect("JSON");
            assert_eq!(event["unmapped"]["portico"]["sequence"], place);
        }
    }
}

#[tokio::test]
async fn sentinel_is_asked_with_a_token_that_is_renewed() {
    for room in Room::on_each_engine().await {
        let org = room.org("acme").await;
        let (login, hook) = (Hook::listening().await, Hook::listening().await);
        let token = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"token-one"}"#;
        login.state().says = Some((200, token.to_owned()));
        hook.state().says = Some((204, String::new()));
        let target = json!({ "kind": "sentinel", "endpoint": hook.url, "rule": "dcr-0123",
            "stream": "Custom-Portico_CL", "tenant": "1111-2222", "client_id": "3333",
            "login": login.url });
        let made = room
            .made(&org, json!({ "name": "M", "target": target, "secret": "client~secret" }))
            .await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        room.until_delivered(&org, &id).await;
        let asked = login.state().heard[0].clone();
        assert_eq!(asked.path, "/1111-2222/oauth2/v2.0/token");
        assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
        for part in [
            "grant_type=client_credentials",
            "client_id=3333",
            "client_secret=client%7Esecret",
            "scope=https%3A%2F%2Fmonitor.azure.com%2F%2F.default",
        ] {
            assert!(
                asked.body.contains(part) || asked.body.contains(&part.replace("%7E", "~")),
                "{part}: {}",
                asked.body
            );
        }
        let heard = hook.state().heard[0].clone();
        assert_eq!(
            heard.path,
            "/dataCollectionRules/dcr-0123/streams/Custom-Portico_CL?api-version=2023-01-01"
        );
        assert_eq!(heard.header("authorization"), "Bearer token-one");
        for (place, item) in hook.items().iter().enumerate() {
            assert_eq!(item["Key"], format!("{}/{place}", org.id));
            assert_eq!(item["Event"]["metadata"]["sequence"], place);
            assert!(item["TimeGenerated"].is_string() && item["Kind"] == "event");
        }
        // The token is kept, renewed before it ends, and when it is refused.
        room.grow(&org, 1).await;
        room.until_delivered(&org, &id).await;
        assert_eq!(login.state().heard.len(), 1);
        room.pass(3_400);
        room.grow(&org, 1).await;
        room.until_delivered(&org, &id).await;
        assert_eq!(login.state().heard.len(), 2);
        hook.will([Act::Say(401, "", r#"{"error":{"code":"InvalidToken"}}"#)]);
        room.grow(&org, 1).await;
        room.until_delivered(&org, &id).await;
        assert_eq!(login.state().heard.len(), 3);
        // No token: said in the words of the login, and never with the secret.
        login.state().says = Some((
            401,
            r#"{"error":"invalid_client","error_description":"client~secret is wrong"}"#.to_owned(),
        ));
        room.pass(7_200);
        room.grow(&org, 1).await;
        room.streams.deliver().await.expect("delivers");
        let shown = room.shown(&org, &id).await;
        let error = shown["error"].as_str().expect("an error");
        assert!(error.starts_with("no token: ") && error.contains("invalid_client"), "{error}");
        assert!(!error.contains("client~secret"), "{error}");
    }
}

#[tokio::test]
async fn what_is_larger_than_a_sink_takes_blocks_it_and_is_never_cut_off() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let event = audit::Event::done("limits.limit.set", "limit", "member:1");
        let event = event.changes(json!({ "note": { "to": "x".repeat(1_000_000) } }));
        let large = room
            .record
            .note(&org.operator, &event)
            .await
            .expect("is on disk")
            .seq()
            .expect("in the record");
        let target = json!({ "kind": "datadog", "site": hook.url });
        let made = room
            .made(&org, json!({ "name": "D", "target": target, "secret": "key-of-datadog" }))
            .await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        for _ in 0..3 {
            room.streams.deliver().await.expect("delivers");
        }
        let shown = room.shown(&org, &id).await;
        assert_eq!(
            (&shown["state"], &shown["blocked_at"]),
            (&json!("blocked"), &json!(large.to_string()))
        );
        assert!(shown["error"].as_str().expect("an error").contains("larger than"), "{shown}");
        assert!(hook.state().heard.iter().all(|heard| heard.body.len() < 1_000_000));
    }
}
