//! The room in the console.

use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::{Act, Hook};

#[tokio::test]
async fn a_stream_is_made_watched_and_mended_on_its_pages() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let key = &org.owner.key;
        assert!(room.get(key, "/streams").await.text.contains("No streams yet"));
        let kinds = room.get(key, "/streams/new").await.text;
        for kind in ["webhook", "splunk", "datadog", "s3", "syslog", "sentinel"] {
            assert!(kinds.contains(&format!("/streams/new?kind={kind}")), "{kind}");
            let form = room.get(key, &format!("/streams/new?kind={kind}")).await.text;
            assert!(form.contains("name=\"target."), "{kind}: {form}");
        }
        let wrong = "kind=webhook&name=SIEM&target.url=ftp%3A%2F%2Fx&secret=&format=&from=";
        let wrong = room.post(key, "/streams/new", Value::from(wrong)).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("Address the address must begin with"), "{}", wrong.text);
        assert!(wrong.text.contains("value=\"ftp://x\""), "what was typed is still there");
        let url = hook.url.replace(':', "%3A").replace('/', "%2F");
        let right = format!("kind=webhook&name=SIEM&target.url={url}&secret=&format=ocsf&from=0");
        let made = room.post(key, "/streams/new", Value::from(right)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert!(made.text.contains("whsec_"), "{}", made.text);
        let id = room.get(key, "/api/streams").await.json()["items"][0]["id"].clone();
        let id = id.as_str().expect("an id").to_owned();
        let page = format!("/streams/{id}");
        assert!(!room.get(key, &page).await.text.contains("whsec_"), "shown once");

        hook.will([Act::Say(500, "", "<b>down</b>")]);
        room.streams.deliver().await.expect("delivers");
        let text = room.get(key, &page).await.text;
        assert!(text.contains("Failing") && text.contains("Try again now"), "{text}");
        assert!(
            text.contains("&#60;b&#62;down") && !text.contains("<b>down"),
            "text stays text: {text}"
        );
        assert_eq!(room.post(key, &format!("{page}/retry"), Value::from("")).await.status, 303);
        hook.state().refuses = Some((format!("{}/2\"", org.id), Act::Say(400, "", "no")));
        for _ in 0..5 {
            room.streams.deliver().await.expect("delivers");
        }
        let text = room.get(key, &page).await.text;
        assert!(text.contains("Blocked at 2") && text.contains("Set it aside"), "{text}");
        assert!(room.get(key, "/streams").await.text.contains("Blocked"), "the list says so too");
        let aside = room.post(key, &format!("{page}/set-aside"), Value::from("item=2")).await;
        assert_eq!(aside.status, 303, "{}", aside.text);
        room.until_delivered(&org, &id).await;
        let tested = room.post(key, &format!("{page}/test"), Value::from("")).await;
        assert!(tested.text.contains("The sink took the test"), "{}", tested.text);
        for step in ["pause", "resume"] {
            assert_eq!(
                room.post(key, &format!("{page}/{step}"), Value::from("")).await.status,
                303
            );
        }
        let nonsense = room.post(key, &format!("{page}/replay"), Value::from("from=x")).await;
        assert_eq!(nonsense.status, 422);
        assert!(nonsense.text.contains("From event must be 0 to"), "{}", nonsense.text);
        assert_eq!(
            room.post(key, &format!("{page}/replay"), Value::from("from=0")).await.status,
            303
        );
        let rotated = room.post(key, &format!("{page}/rotate"), Value::from("")).await;
        assert!(rotated.status == 201 && rotated.text.contains("whsec_"), "{}", rotated.text);
        let changed = format!("name=Other&target.url={url}&secret=&format=cef");
        assert_eq!(room.post(key, &page, Value::from(changed)).await.status, 303);
        assert_eq!(room.shown(&org, &id).await["format"], "cef");
        assert_eq!(room.post(key, &format!("{page}/remove"), Value::from("")).await.status, 303);
        assert_eq!(room.get(key, &page).await.status, 404);
        assert_eq!(room.get(&org.admin.key, "/streams").await.status, 403);
    }
}

#[tokio::test]
async fn whoever_may_only_read_the_record_sees_streams_and_changes_none() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
        let role = json!({ "name": "auditor", "permissions": ["events:read"] });
        assert_eq!(room.post(&org.owner.key, "/api/roles", role).await.status, 201);
        let auditor = room.somebody(&org.operator, "ann@acme.example", "auditor").await;
        let text = room.get(&auditor.key, &format!("/streams/{id}")).await.text;
        assert!(text.contains("How it is") && !text.contains("<form"), "{text}");
        let text = room.get(&auditor.key, "/streams").await.text;
        assert!(text.contains("SIEM") && !text.contains("New stream"), "{text}");
        let refused =
            room.post(&auditor.key, &format!("/api/streams/{id}/test"), Value::Null).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
}
