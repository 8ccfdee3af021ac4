//! Whom a secret is told to, and who repeats it.

use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::Hook;

/// Secrets of webhooks.
const SIGNING: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_plJ3nmyCDGBKInavdOK15jsl0uWuTlgw"];

fn sentinel(endpoint: &str, login: &str, tenant: &str) -> Value {
    json!({ "kind": "sentinel", "endpoint": endpoint, "rule": "dcr-1", "stream": "Custom-P",
            "tenant": tenant, "client_id": "c", "login": login })
}

#[tokio::test]
async fn a_secret_is_not_sent_to_a_host_it_was_not_given_for() {
    for room in Room::on_each_engine().await {
        let org = room.org("acme").await;
        let (hook, other) = (Hook::listening().await, Hook::listening().await);
        let (ours, theirs) = (hook.url.as_str(), other.url.as_str());
        let splunk =
            |url: &str, index: &str| json!({ "kind": "splunk", "url": url, "index": index });
        let datadog = |url: &str| json!({ "kind": "datadog", "site": url });
        let s3 = |url: &str| {
            json!({ "kind": "s3", "bucket": "b", "prefix": "", "region": "r", "endpoint": url,
                    "access_key_id": "id" })
        };
        let webhook = |url: &str| json!({ "kind": "webhook", "url": url });
        for (before, after, field) in [
            (webhook(ours), webhook(theirs), "target.url"),
            (splunk(ours, "a"), splunk(theirs, "a"), "target.url"),
            (datadog(ours), datadog(theirs), "target.site"),
            (s3(ours), s3(theirs), "target.endpoint"),
            (sentinel(ours, ours, "t"), sentinel(theirs, ours, "t"), "target.endpoint"),
            (sentinel(ours, ours, "t"), sentinel(ours, theirs, "t"), "target.login"),
            (sentinel(ours, ours, "t"), sentinel(ours, ours, "u"), "target.tenant"),
        ] {
            let signs = before["kind"] == "webhook";
            let [former, anew] = if signs { SIGNING } else { ["s3cret-enough", "another-secret"] };
            let new = json!({ "name": "S", "target": before, "secret": former });
            let id = room.made(&org, new).await["sink"]["id"].as_str().expect("an id").to_owned();
            let path = format!("/api/streams/{id}");
            let change = async |body: Value| room.ask(&org.owner.key, "PATCH", &path, body).await;
            let refused = change(json!({ "target": after })).await;
            assert_eq!((refused.status, refused.json()["param"].as_str()), (422, Some("secret")));
            assert!(refused.text.contains(&format!("`{field}`")), "{}", refused.text);
            assert_eq!(room.shown(&org, &id).await["target"], before);
            room.does(&org, &id, "test", Value::Null).await;
            assert!(other.state().heard.is_empty(), "{before}");
            let given = change(json!({ "target": after, "secret": anew })).await;
            assert_eq!((given.status, &given.json()["target"]), (200, &after), "{}", given.text);
            room.does(&org, &id, "test", Value::Null).await;
            let heard = std::mem::take(&mut other.state().heard);
            assert!(!heard.is_empty() || before["kind"] == "sentinel", "{before}");
            assert!(!format!("{heard:?}").contains(former), "{heard:?}");
            assert_eq!(room.ask(&org.owner.key, "DELETE", &path, Value::Null).await.status, 204);
        }
        // The same host with another index or path: as it is.
        for (before, after, secret) in [
            (splunk(ours, "a"), splunk(ours, "b"), Some("s3cret-enough")),
            (webhook(ours), webhook(&format!("{ours}/other")), None),
        ] {
            let new = json!({ "name": "S", "target": before, "secret": secret });
            let id = room.made(&org, new).await["sink"]["id"].as_str().expect("an id").to_owned();
            let path = format!("/api/streams/{id}");
            let changed = room.ask(&org.owner.key, "PATCH", &path, json!({ "target": after }));
            assert_eq!(changed.await.status, 200, "{after}");
        }
    }
}

#[tokio::test]
async fn a_sink_that_repeats_a_secret_is_not_quoted_with_any_of_it() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let token = "Zq7-token-of-a-collector";
        let new = json!({ "name": "S", "secret": token,
                          "target": { "kind": "splunk", "url": hook.url } });
        let id = room.made(&org, new).await["sink"]["id"].as_str().expect("an id").to_owned();
        // Where the text is cut off, and what a code says beside.
        for before in (240..300).step_by(4) {
            let text = format!("{}{token}", "x".repeat(before));
            let coded = json!({ "code": 6, "text": text }).to_string();
            for body in [text, coded] {
                hook.state().says = Some((400, body));
                let trial = room.does(&org, &id, "test", Value::Null).await;
                assert!(!trial.text.contains("Zq7"), "{before}: {}", trial.text);
            }
        }
        // The former secret, which still signs for a day.
        let made = room
            .made(&org, json!({ "name": "W", "target": { "kind": "webhook", "url": hook.url } }))
            .await;
        let (id, first) = (made["sink"]["id"].as_str(), made["secret"].as_str());
        let (id, first) = (id.expect("an id"), first.expect("a secret"));
        assert_eq!(room.does(&org, id, "rotate", Value::Null).await.status, 200);
        hook.state().says = Some((400, format!("no longer {first}")));
        let said = room.does(&org, id, "test", Value::Null).await.json()["said"].clone();
        assert_eq!(said, "answered 400 Bad Request no longer [secret]");
        // A token that was had by the secret, from whoever takes logs and from the login.
        let login = Hook::listening().await;
        let token = r#"{"expires_in":3599,"access_token":"token-one"}"#;
        login.state().says = Some((200, token.to_owned()));
        hook.state().says = Some((400, "what is Bearer token-one?".to_owned()));
        let target = sentinel(&hook.url, &login.url, "t");
        let new = json!({ "name": "M", "target": target, "secret": "client~secret" });
        let id = room.made(&org, new).await["sink"]["id"].as_str().expect("an id").to_owned();
        let said = room.does(&org, &id, "test", Value::Null).await.json()["said"].clone();
        assert_eq!(said, "answered 400 Bad Request what is Bearer [secret]?");
        let warned = token.replace('}', r#","error":"soon"}"#);
        login.state().says = Some((200, warned));
        room.pass(3_600);
        let said = room.does(&org, &id, "test", Value::Null).await.text;
        assert!(said.contains("no token") && !said.contains("token-one"), "{said}");
    }
}
