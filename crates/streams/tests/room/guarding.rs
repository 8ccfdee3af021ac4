//! Who may what, and what never leaks.

use base::fetch::FetchConfig;
use serde_json::{Value, json};
use streams::SinkId;
use tokio::net::{TcpListener, TcpStream};

use crate::bench::Room;
use crate::hook::Hook;

#[tokio::test]
async fn two_orgs_see_nothing_of_each_other() {
    for room in Room::on_each_engine().await {
        let (ours, theirs) = (room.org("acme").await, room.org("globex").await);
        let hook = Hook::listening().await;
        let id = room.sink(&ours, json!({ "kind": "webhook", "url": hook.url })).await;
        for (method, path) in [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/rotate"),
            ("POST", "/test"),
            ("POST", "/retry"),
            ("POST", "/set-aside"),
            ("POST", "/replay"),
        ] {
            let body = match (method, path) {
                ("PATCH", _) => json!({ "name": "mine" }),
                (_, "/set-aside") => json!({ "item": "0" }),
                (_, "/replay") => json!({}),
                _ => Value::Null,
            };
            let path = format!("/api/streams/{id}{path}");
            let answer = room.ask(&theirs.owner.key, method, &path, body.clone()).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
            let answer = room.ask(&ours.admin.key, method, &path, body).await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
        }
        let list = room.get(&theirs.owner.key, "/api/streams").await;
        assert_eq!(list.json(), json!({ "items": [] }));
        room.until_delivered(&ours, &id).await;
        assert!(!hook.items().iter().any(|item| item.to_string().contains(theirs.id.as_str())));
    }
}

#[tokio::test]
async fn support_leaves_no_stream_behind_whatever_it_was_allowed() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let id = room.sink(&org, json!({ "kind": "webhook", "url": hook.url })).await;
        let mut who = (*org.operator).clone();
        who.standing.session = Some(access::ShownSession {
            id: "sup_1".to_owned(),
            method: access::Method::Support,
            factor_at: who.standing.at,
            factor_due: false,
            confined: false,
        });
        let visitor = access::Caller::identified(who);
        let id: streams::SinkId = id.parse().expect("an id");
        let tried = room.streams.remove(&visitor, &id).await;
        assert!(matches!(tried, Err(streams::Error::Visiting)), "{tried:?}");
        room.streams.remove(&org.operator, &id).await.expect("is nobody's visit");
    }
}

#[tokio::test]
async fn a_sink_in_a_private_network_is_not_asked() {
    let strict = FetchConfig { plain_http: true, ..FetchConfig::default() };
    for room in Room::asking(strict).await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let port: u16 = hook.url.rsplit(':').next().expect("a port").parse().expect("a port");
        let s3 = json!({ "kind": "s3", "bucket": "b", "region": "r", "endpoint": hook.url,
                         "access_key_id": "id" });
        let sentinel = json!({ "kind": "sentinel", "endpoint": hook.url, "rule": "dcr-1",
                               "stream": "Custom-P", "tenant": "t", "client_id": "c",
                               "login": hook.url });
        for (target, secret) in [
            (json!({ "kind": "webhook", "url": hook.url }), None),
            (json!({ "kind": "splunk", "url": hook.url }), Some("s3cret-enough")),
            (json!({ "kind": "datadog", "site": hook.url }), Some("s3cret-enough")),
            (s3, Some("s3cret-enough")),
            (json!({ "kind": "syslog", "host": "127.0.0.1", "port": port }), None),
            (sentinel, Some("s3cret-enough")),
        ] {
            let new = json!({ "name": "inside", "target": target, "secret": secret });
            let made = room.made(&org, new).await;
            let id = made["sink"]["id"].as_str().expect("an id").to_owned();
            let trial = room.does(&org, &id, "test", Value::Null).await.json();
            assert_eq!(trial["taken"], false, "{target}");
            let said = trial["said"].as_str().expect("a text");
            assert!(said.contains("could not be found at a public address"), "{target}: {said}");
            room.streams.deliver().await.expect("delivers");
            assert_eq!(room.shown(&org, &id).await["state"], "failing", "{target}");
        }
        assert!(hook.state().heard.is_empty(), "nobody came");
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_lies_sealed() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let made = room
            .made(&org, json!({ "name": "A", "target": { "kind": "webhook", "url": hook.url } }))
            .await;
        let (id, secret) = (made["sink"]["id"].clone(), made["secret"].as_str().expect("a secret"));
        let id = id.as_str().expect("an id");
        assert!(secret.starts_with("whsec_") && secret.len() > 40, "{secret}");
        let token = "0123-splunk-token-4567";
        let splunk = json!({ "kind": "splunk", "url": hook.url });
        let new = json!({ "name": "B", "target": splunk, "secret": token });
        let splunk = room.made(&org, new).await;
        assert_eq!(splunk.get("secret"), None, "what was given is not given back");
        let splunk = splunk["sink"]["id"].as_str().expect("an id").to_owned();
        // A sink that repeats our token.
        hook.state().says = Some((400, format!(r#"{{"text":"bad {token}","code":4}}"#)));
        let trial = room.does(&org, &splunk, "test", Value::Null).await;
        assert!(trial.text.contains("[secret]") && !trial.text.contains(token), "{}", trial.text);
        let rotated = room.does(&org, id, "rotate", Value::Null).await.json();
        let second = rotated["secret"].as_str().expect("a secret").to_owned();
        assert_ne!(second, secret);
        let refused = room.does(&org, &splunk, "rotate", Value::Null).await;
        assert_eq!(refused.status, 409, "{}", refused.text);

        let mut shown = room.get(&org.owner.key, "/api/streams").await.text;
        for page in ["/streams".to_owned(), format!("/streams/{id}")] {
            shown.push_str(&room.get(&org.owner.key, &page).await.text);
        }
        shown.push_str(&json!(room.events(&org, "").await).to_string());
        for hidden in [secret, &second, token] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        let row = base::db::Statement::new(
            "read",
            "SELECT sealed, target FROM streams_sink WHERE org_id = $1",
        );
        let rows =
            room.bench.db.all(&base::db::Within::node(), row, base::args![org.id.as_str()]).await;
        for row in rows.expect("reads") {
            let mut at_rest = row.bytes("sealed").expect("bytes");
            at_rest.extend(row.text("target").expect("text").into_bytes());
            for hidden in [secret, &second, token] {
                assert!(!at_rest.windows(hidden.len()).any(|part| part == hidden.as_bytes()));
            }
        }
    }
}

#[tokio::test]
async fn nonsense_about_a_sink_is_refused_with_its_field() {
    for room in Room::asking(FetchConfig::default()).await {
        let org = room.org("acme").await;
        let url = "https://siem.example/in";
        let s3 = |field: &str, value: &str| {
            let mut target =
                json!({ "kind": "s3", "bucket": "b", "region": "r", "access_key_id": "i" });
            target[field] = value.into();
            target
        };
        for (target, secret, param) in [
            (json!({ "kind": "webhook", "url": "http://siem.example" }), None, "target.url"),
            (json!({ "kind": "webhook", "url": "https://a:b@siem.example" }), None, "target.url"),
            (json!({ "kind": "webhook", "url": url }), Some("whsec_c2hvcnQ="), "secret"),
            (json!({ "kind": "webhook", "url": url }), Some("nonsense"), "secret"),
            (json!({ "kind": "webhook", "url": url, "more": 1 }), None, "more"),
            (json!({ "kind": "fax", "url": url }), None, "target.kind"),
            (json!({ "kind": "splunk", "url": url }), None, "secret"),
            (
                json!({ "kind": "splunk", "url": url, "index": "a b" }),
                Some("token-1234"),
                "target.index",
            ),
            (json!({ "kind": "splunk", "url": url }), Some("long but spaced"), "secret"),
            (json!({ "kind": "splunk", "url": url }), Some("short"), "secret"),
            (
                json!({ "kind": "datadog", "site": "evil.example/x" }),
                Some("key-12345"),
                "target.site",
            ),
            (
                json!({ "kind": "datadog", "site": "evil.example:1" }),
                Some("key-12345"),
                "target.site",
            ),
            (s3("bucket", "a/../b"), Some("key-12345"), "target.bucket"),
            (s3("bucket", ".."), Some("key-12345"), "target.bucket"),
            (s3("prefix", "a b"), Some("key-12345"), "target.prefix"),
            (s3("endpoint", "ftp://x"), Some("key-12345"), "target.endpoint"),
            (json!({ "kind": "syslog", "host": "a/b" }), None, "target.host"),
            (json!({ "kind": "syslog", "host": "a.example" }), Some("key-12345"), "secret"),
        ] {
            let new = json!({ "name": "S", "target": target, "secret": secret });
            let answer = room.post(&org.owner.key, "/api/streams", new).await;
            assert_eq!(answer.status, 422, "{target}: {}", answer.text);
            let named = answer.json()["param"].as_str().unwrap_or_default().to_owned();
            assert!(named.ends_with(param), "{target}: {}", answer.text);
        }
        let new = |from: i64| json!({ "name": "S", "target": { "kind": "webhook", "url": url }, "from": from });
        for from in [-1, 1_000_000] {
            let answer = room.post(&org.owner.key, "/api/streams", new(from)).await;
            assert_eq!((answer.status, answer.json()["param"].as_str()), (422, Some("from")));
        }
        for _ in 0..streams::SINKS_MAX {
            room.made(&org, new(0)).await;
        }
        let more = room.post(&org.owner.key, "/api/streams", new(0)).await;
        assert_eq!((more.status, more.json()["code"].as_str()), (422, Some("too_many_sinks")));
    }
}

#[tokio::test]
async fn tests_of_a_slow_sink_take_an_org_no_more_than_its_share() {
    for room in Room::on_each_engine().await {
        let (ours, theirs) = (room.org("acme").await, room.org("globex").await);
        let (hook, silent) = (Hook::listening().await, Silent::listening().await);
        let slow: SinkId = room
            .sink(&ours, json!({ "kind": "webhook", "url": silent.url }))
            .await
            .parse()
            .expect("an id");
        let good = room.sink(&theirs, json!({ "kind": "webhook", "url": hook.url })).await;
        let mut under_way = Vec::new();
        for _ in 0..4 {
            let mut test = Box::pin(room.streams.test(&ours.operator, &slow));
            tokio::select! {
                said = &mut test => panic!("it never answers: {said:?}"),
                () = silent.accepted() => under_way.push(test),
            }
        }
        let one_more = room.does(&ours, slow.as_str(), "test", Value::Null).await;
        assert_eq!((one_more.status, one_more.code().as_str()), (503, "busy"), "{}", one_more.text);
        let tested = room.does(&theirs, &good, "test", Value::Null).await;
        assert_eq!(tested.json()["taken"], true, "{}", tested.text);
    }
}

/// Takes every connection, and says nothing.
struct Silent {
    url: String,
    listener: TcpListener,
    taken: std::sync::Mutex<Vec<TcpStream>>,
}

impl Silent {
    async fn listening() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        Self { url, listener, taken: std::sync::Mutex::default() }
    }

    async fn accepted(&self) {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        self.taken.lock().expect("a lock").push(stream);
    }
}
