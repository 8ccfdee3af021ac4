//! Databases that are away again, and snapshots where nodes share a region.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base::testing::Redis;
use gateway::testing::FakeProvider;
use serde_json::json;

use crate::crash::audit;
use crate::http::Http;
use crate::outage::{CHAT, ask, through_a_relay};
use crate::portico::{Org, Portico};
use crate::shelter::{gateway, journals, kept, limited};
use crate::until::until;

/// A call that goes into the journal; gives its receipt.
async fn journalled(portico: &Portico, org: &Org) -> String {
    let call = portico.http.post(&org.member, CHAT, &ask(false)).await;
    let record = call.headers.get("portico-record").map(axum::http::HeaderValue::as_bytes);
    assert_eq!((call.status, record), (200, Some(&b"journal"[..])), "{}", call.text);
    call.headers["portico-receipt"].to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_go_away_again_while_a_node_joins_send_it_back_to_its_snapshot() {
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let org = portico.org("acme", "eu");
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    limited(&portico, &org, json!({ "money_per_month": "1000.00" })).await;
    journals(&portico, &org).await;
    kept(&portico, &org).await;
    relay.cut().await;
    portico.kill();
    portico.serve().await;
    let mut seen = BTreeSet::new();
    // In the middle of the replay, and between the replay and the join.
    for said in ["INTO audit_journal", "INTO nodes_member"] {
        for _ in 0..3 {
            seen.insert(journalled(&portico, &org).await);
        }
        relay.restore_until(said).await;
        relay.was_cut().await;
        let ops = Http::new(&portico.ops);
        let again = async || ops.get("", "/readyz").await.text.contains("from a snapshot");
        until(again).await;
        seen.insert(journalled(&portico, &org).await);
    }
    relay.restore().await;
    until(async || portico.http.get(&org.owner, "/api/events").await.status == 200).await;
    let call = portico.http.post(&org.member, CHAT, &ask(false)).await;
    assert_eq!(call.status, 200, "{}", call.text);
    audit(&portico, &org, &seen).await;
    assert!(!portico.log().contains("panicked"), "{}", portico.log());
    assert!(portico.terminate(), "{}", portico.log());
}

/// Behind this nobody trusts what a node remembers.
const NEWS_MAX_AGE: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nodes_share_a_region_a_snapshot_lets_in_no_longer_than_a_node_may_remember() {
    let provider = FakeProvider::start().await;
    let Some(store) = Redis::start().await else { return };
    let config = format!(
        "[cell]\nshared = true\nnews_max_age_secs = {}\n[limits]\nstore = \"{}\"\n{}",
        NEWS_MAX_AGE.as_secs(),
        store.url(),
        gateway(&provider)
    );
    let Some(mut a) = Portico::on_postgres(&config).await else { return };
    let [org, spending] = ["acme", "initech"].map(|slug| a.org(slug, "eu"));
    let mut relay = through_a_relay(&a).await;
    let mut b = a.beside("portico-2");
    a.serve().await;
    b.serve().await;
    limited(&a, &org, json!({ "concurrency": 100 })).await;
    limited(&a, &spending, json!({ "money_per_month": "1000.00" })).await;
    journals(&a, &org).await;
    journals(&a, &spending).await;
    kept(&a, &org).await;
    let begun = Instant::now();
    relay.cut().await;
    a.kill();
    a.serve().await;
    let mut seen = BTreeSet::from([journalled(&a, &org).await]);
    let money = a.http.post(&spending.member, CHAT, &ask(false)).await;
    let code = money.json()["error"]["code"].clone();
    assert_eq!((money.status, code), (503, json!("counters_unavailable")), "of two nodes");

    // What it let in ends when it is as old as what a node may remember.
    let ops = Http::new(&a.ops);
    until(async || ops.get("", "/readyz").await.status == 503).await;
    assert!(begun.elapsed() < NEWS_MAX_AGE * 2, "{:?}", begun.elapsed());
    let ready = ops.get("", "/readyz").await;
    assert!(ready.text.contains("too old by now"), "{}", ready.text);
    let refused = a.http.post(&org.member, CHAT, &ask(false)).await;
    assert_eq!((refused.status, refused.text.contains("record_unavailable")), (503, true));

    // A start finds it too old, and waits.
    a.kill();
    a.wake().await;
    let log = a.log();
    assert!(log.contains("the snapshot is not used") && log.contains("12 are allowed"), "{log}");
    let ready = ops.get("", "/readyz").await;
    assert!(ready.text.contains("waits for its databases"), "{}", ready.text);

    relay.restore().await;
    a.ready().await;
    b.ready().await;
    for portico in [&a, &b] {
        let call = portico.http.post(&spending.member, CHAT, &ask(false)).await;
        assert_eq!(call.status, 200, "{}", call.text);
    }
    let call = b.http.post(&org.member, CHAT, &ask(false)).await;
    seen.insert(call.headers["portico-receipt"].to_str().expect("text").to_owned());
    let export = b.http.get(&org.owner, "/api/events.jsonl").await;
    for receipt in &seen {
        assert!(export.text.contains(receipt), "{receipt} was acknowledged and is lost");
    }
    drop(store);
}
