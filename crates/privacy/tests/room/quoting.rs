//! Somebody is erased whom a sink of the record quoted.

use std::sync::Arc;

use access::Region;
use axum::Router;
use axum::http::StatusCode;
use base::fetch::{Fetch, FetchConfig};
use base::metrics::Metrics;
use base::tasks::Tasks;
use privacy::Ask;
use serde_json::{Value, json};
use streams::{NewSink, SetAside, SinkId, State, Streams, Target};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::bench::{ADDRESS, AGENT, House, TRACES};
use crate::searching::{bytes_below, traces_in, traces_in_database, unpacked};

/// A sink that refuses what came from an address, and quotes it.
#[derive(Clone)]
struct Quoting {
    url: String,
    /// It was sent one event alone that it refuses.
    came: Arc<Notify>,
    /// How often it answers to that.
    answers: Arc<Semaphore>,
}

impl Quoting {
    async fn listening(answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::new(Semaphore::new(answers));
        let quoting = Self { url, came: Arc::default(), answers };
        let serving = quoting.clone();
        let routes = Router::new().fallback(move |body: String| {
            let serving = serving.clone();
            async move { serving.answer(&body).await }
        });
        Tasks::new().spawn(async move { drop(axum::serve(listener, routes).await) });
        quoting
    }

    async fn answer(&self, body: &str) -> (StatusCode, String) {
        if !body.contains(ADDRESS) {
            return (StatusCode::OK, String::new());
        }
        let items: Vec<Value> = serde_json::from_str(body).expect("an array");
        if items.len() == 1 {
            self.came.notify_one();
            self.answers.acquire().await.expect("is open").forget();
        }
        let quoted = json!({ "invalid": { "ipAddress": ADDRESS, "userAgent": AGENT } });
        (StatusCode::BAD_REQUEST, quoted.to_string())
    }

    /// The record of a house flows into it.
    async fn of(&self, house: &House) -> (Streams, SinkId) {
        let config =
            FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() };
        let streams = Streams::open(streams::Needs {
            databases: house.databases.clone(),
            clock: house.clock.shared(),
            record: house.record.clone(),
            roots: &house.roots,
            fetch: Fetch::new(config).expect("a client"),
            tasks: Tasks::new(),
            metrics: &Metrics::new(),
            node: "n1",
        });
        let streams = streams.expect("opens");
        let new = NewSink {
            name: "SIEM".to_owned(),
            target: Target::Webhook { url: self.url.clone() },
            format: None,
            secret: None,
            from: None,
        };
        let made = streams.create(&house.acme.operator, new).await.expect("a sink");
        (streams, made.sink.id)
    }
}

#[tokio::test]
async fn what_a_sink_quoted_of_whoever_is_erased_is_gone_too() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let quoting = Quoting::listening(Semaphore::MAX_PERMITS).await;
        let (streams, sink) = quoting.of(&house).await;
        let ours = &house.acme.operator;
        streams.deliver().await.expect("delivers");
        let item = streams.get(ours, &sink).await.expect("a sink").blocked_at.expect("an item");
        streams.set_aside(ours, &sink, &SetAside { item }).await.expect("sets it aside");
        streams.deliver().await.expect("delivers");
        let before = streams.get(ours, &sink).await.expect("a sink");
        assert_eq!(before.state, State::Blocked);
        let said = before.error.expect("an error");
        assert!(said.contains(AGENT) && said.contains(ADDRESS), "an admin reads it: {said}");
        let column = format!("{AGENT} in streams_position.why");
        let found = traces_in_database(&house.bench, &[AGENT]).await;
        assert!(found.iter().any(|trace| *trace == AGENT || *trace == column), "{found:?}");
        // Events say what it was in our words.
        let events = house.events(&house.acme).await;
        let told: Vec<_> = events.iter().filter(|it| it["resourceType"] == "sink").collect();
        let actions: Vec<_> = told.iter().map(|event| event["action"].clone()).collect();
        let [added, blocked, aside] = ["added", "blocked", "set_aside"];
        let expected = [added, blocked, aside, blocked].map(|it| format!("streams.sink.{it}"));
        assert_eq!(actions, expected);
        assert_eq!(told[1]["reason"]["detail"], "answered 400 Bad Request");
        let told = json!(told).to_string();
        assert_eq!(traces_in(told.as_bytes(), &TRACES), Vec::<String>::new(), "{told}");

        let privacy = house.with(Arc::new(streams.clone()));
        let located = privacy.locate(ours, &id).await.expect("locates");
        let held = located.stores.iter().find(|held| held.store == "streams_position");
        assert_eq!(held.expect("is named").rows, Some(1));
        privacy.erase(ours, &Ask { person: id }).await.expect("erases");

        assert_eq!(traces_in_database(&house.bench, &TRACES).await, Vec::<String>::new());
        let shown = house.get(&house.acme.owner.key, "/api/events?limit=200").await.text;
        assert!(shown.contains("streams.sink.set_aside"), "{shown}");
        assert_eq!(traces_in(shown.as_bytes(), &TRACES), Vec::<String>::new());
        house.log.publish(Region::Eu).await.expect("publishes");
        let bundle = unpacked(&house.bundle().await);
        assert_eq!(traces_in(&bundle, &TRACES), Vec::<String>::new());
        let published = bytes_below(house.published.path());
        assert_eq!(traces_in(&published, &TRACES), Vec::<String>::new());
        let after = streams.get(ours, &sink).await.expect("a sink");
        assert_eq!((after.state, after.error), (State::Blocked, None), "it waits as before");
    }
}

#[tokio::test]
async fn an_answer_that_was_under_way_at_an_erasure_is_not_kept() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let quoting = Quoting::listening(0).await;
        let (streams, sink) = quoting.of(&house).await;
        let privacy = house.with(Arc::new(streams.clone()));
        let ours = &house.acme.operator;
        let (delivered, ()) = tokio::join!(streams.deliver(), async {
            quoting.came.notified().await;
            privacy.erase(ours, &Ask { person: id }).await.expect("erases");
            quoting.answers.add_permits(1);
        });
        delivered.expect("ends");
        assert_eq!(traces_in_database(&house.bench, &TRACES).await, Vec::<String>::new());
        let after = streams.get(ours, &sink).await.expect("a sink");
        assert_eq!((after.state, after.error), (State::Delivering, None));
        // It is sent again, as it is now.
        streams.deliver().await.expect("delivers");
        let after = streams.get(ours, &sink).await.expect("a sink");
        assert_eq!((after.state, after.lag_events), (State::Delivering, 0));
    }
}
