//! The room over a fresh database, with a record that grows and is published.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use access::{Caller, Databases, Region};
use audit::{Event, Log, LogConfig, LogNeeds, Store};
use base::fetch::{Fetch, FetchConfig};
use base::metrics::Metrics;
use base::tasks::Tasks;
use futures_util::future::join_all;
use identity::testing::{Answer, House, Org, Plan};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use streams::{Needs, Streams};

use crate::archive::Shelf;

pub(crate) struct Room {
    house: House,
    pub(crate) streams: Streams,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
    pub(crate) shelf: Shelf,
    _folder: tempfile::TempDir,
}

impl Deref for Room {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

/// A client that may ask this machine.
pub(crate) fn permissive() -> FetchConfig {
    FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() }
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        Self::asking(permissive()).await
    }

    pub(crate) async fn asking(config: FetchConfig) -> Vec<Self> {
        let mut rooms = Vec::new();
        for house in Plan::of(streams::sql::MIGRATIONS).houses().await {
            let metrics = Metrics::new();
            let databases = house.databases.clone();
            let streams = open(&house, &metrics, "n1", databases, config.clone());
            let folder = tempfile::tempdir().expect("a folder");
            let shelf = Shelf::of(LogConfig::folder(folder.path(), Region::Eu));
            let log = Log::open(LogNeeds {
                record: house.record.clone(),
                roots: &house.roots,
                stores: BTreeMap::from([(Region::Eu, Arc::new(shelf.clone()) as Arc<dyn Store>)]),
                config: &LogConfig::default(),
                witnesses: Vec::new(),
                page: "",
                metrics: &Metrics::new(),
            });
            let log = log.expect("a log");
            let routes = streams::routes(streams.clone()).merge(streams::pages(streams.clone()));
            let house = house.serving(routes);
            rooms.push(Self { house, streams, metrics, log, shelf, _folder: folder });
        }
        rooms
    }

    /// The room with roots that are trusted beside the public ones.
    pub(crate) async fn trusting(root: CertificateDer<'static>) -> Vec<Self> {
        Self::asking(FetchConfig { extra_root_certificates: vec![root], ..permissive() }).await
    }

    /// Another node, or this one after a restart.
    pub(crate) fn node(&self, name: &str) -> Streams {
        open(&self.house, &Metrics::new(), name, self.house.databases.clone(), permissive())
    }

    /// A node that serves these databases.
    pub(crate) fn over(&self, databases: Databases) -> Streams {
        open(&self.house, &Metrics::new(), "n1", databases, permissive())
    }

    /// Adds so many events to the record.
    pub(crate) async fn grow(&self, org: &Org, events: usize) {
        let noted = (0..events).map(|place| {
            let event = Event::done("limits.limit.set", "limit", format!("member:{place}"));
            self.record.note(&org.operator, &event.changes(json!({ "rpm": { "to": place } })))
        });
        for durable in join_all(noted).await {
            durable.expect("is on disk");
        }
    }

    /// Signs a checkpoint of all that there is.
    pub(crate) async fn publish(&self) {
        self.log.publish(Region::Eu).await.expect("publishes");
    }

    pub(crate) async fn size(&self, org: &Org) -> i64 {
        let scope = Caller::node(org.id.clone(), Region::Eu, "test").itself();
        self.record.size(&scope).await.expect("reads")
    }

    /// Makes a sink and gives its id.
    pub(crate) async fn sink(&self, org: &Org, target: Value) -> String {
        let made = self.made(org, json!({ "name": "SIEM", "target": target })).await;
        made["sink"]["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn made(&self, org: &Org, new: Value) -> Value {
        let answer = self.post(&org.owner.key, "/api/streams", new).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn shown(&self, org: &Org, id: &str) -> Value {
        let answer = self.get(&org.owner.key, &format!("/api/streams/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn does(&self, org: &Org, id: &str, what: &str, body: Value) -> Answer {
        self.post(&org.owner.key, &format!("/api/streams/{id}/{what}"), body).await
    }

    /// Delivers until the sink has everything, whatever it takes; time passes meanwhile.
    pub(crate) async fn until_delivered(&self, org: &Org, id: &str) -> Value {
        for _ in 0..400 {
            let delivered = self.streams.deliver().await.expect("delivers");
            let shown = self.shown(org, id).await;
            if shown["lag_events"] == 0 && !delivered.more {
                return shown;
            }
            self.pass(660);
        }
        panic!("the sink is never done: {}", self.shown(org, id).await);
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, secs: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(secs));
    }
}

fn open(
    house: &House,
    metrics: &Metrics,
    node: &str,
    databases: Databases,
    config: FetchConfig,
) -> Streams {
    Streams::open(Needs {
        databases,
        clock: house.clock.shared(),
        record: house.record.clone(),
        roots: &house.roots,
        fetch: Fetch::new(config).expect("a client"),
        tasks: Tasks::new(),
        metrics,
        node,
    })
    .expect("opens")
}
