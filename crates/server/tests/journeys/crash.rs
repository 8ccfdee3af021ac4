//! `kill -9` under load, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gateway::testing::FakeProvider;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::portico::{Org, Portico, text};
use crate::until::until;

/// On each engine; fifty in all.
const KILLS: u32 = 25;
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_loses_no_acknowledged_event() {
    let provider = FakeProvider::start().await;
    let gateway = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         [gateway.models.fixed]\nroutes = [{{ endpoint = \"fake\" }}]\n\
         prices = [{{ from = \"2025-01-01\", input_per_million = \"1.00\", output_per_million = \"2.00\" }}]\n",
        provider.base_url()
    );
    for mut portico in Portico::on_each_engine(&gateway).await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let ceiling = json!({ "money_per_month": "1000.00", "concurrency": 100 });
        let set = portico.http.ask("PUT", &org.owner, "/api/limits/org/org", Some(&ceiling)).await;
        assert!(set.status < 300, "{}", set.text);
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        for kill in 0..KILLS {
            let mut callers = JoinSet::new();
            for caller in 0..CALLERS {
                callers.spawn(call(
                    portico.http.clone(),
                    org.member.clone(),
                    caller % 2 == 0,
                    acknowledged.clone(),
                ));
            }
            // In the middle of calls, wherever that is.
            let before = acknowledged.lock().await.len();
            until(|| async { acknowledged.lock().await.len() > before + 3 }).await;
            tokio::time::sleep(Duration::from_millis(u64::from(kill % 7) * 20)).await;
            portico.kill();
            callers.join_all().await;
            portico.serve().await;
        }
        let acknowledged = acknowledged.lock().await;
        assert!(acknowledged.len() > 100, "{}", acknowledged.len());
        audit(&portico, &org, &acknowledged).await;
    }
}

/// Calls until the server is gone; remembers every call whose last byte arrived.
async fn call(
    http: crate::http::Http,
    key: String,
    stream: bool,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
) {
    let ask = json!({ "model": "fixed", "stream": stream,
                      "messages": [{ "role": "user", "content": "hi" }] });
    while let Some(answer) = http.try_ask("POST", &key, "/v1/chat/completions", Some(&ask)).await {
        let whole =
            if stream { answer.text.ends_with("[DONE]\n\n") } else { answer.text.ends_with('}') };
        if answer.status == 200 && whole {
            let receipt = answer.headers["portico-receipt"].to_str().expect("text").to_owned();
            acknowledged.lock().await.insert(receipt);
        }
    }
}

/// What an auditor checks.
pub(crate) async fn audit(portico: &Portico, org: &Org, acknowledged: &BTreeSet<String>) {
    let export = portico.http.get(&org.owner, "/api/events.jsonl").await;
    let mut events: Vec<Value> =
        export.text.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
    events.reverse();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], index, "no gap, nothing twice");
    }
    let mut ends: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    let mut begun = BTreeSet::new();
    for event in events.iter().filter(|event| event["call"].is_object()) {
        let id = text(&event["resourceId"]);
        if event["outcome"] == "started" {
            assert!(begun.insert(id), "an intent stands once");
        } else {
            ends.entry(id).or_default().push(event);
        }
    }
    for id in acknowledged {
        let end = ends.get(id).unwrap_or_else(|| unreachable!("{id} was acknowledged and is lost"));
        assert_eq!(end[0]["outcome"], "success", "{end:?}");
    }
    for id in &begun {
        assert!(ends.contains_key(id), "{id} began and never ended, not even as unknown");
    }
    assert!(ends.values().all(|end| end.len() == 1), "no call ends twice");
    let spent: i64 =
        ends.values().filter_map(|end| end[0]["call"]["priceNanocents"].as_i64()).sum();
    let month = portico.http.get(&org.owner, "/api/limits/org/org").await.json();
    let booked = text(&month["used"]["money_per_month"]);
    let booked: base::money::NanoCents = booked.parse().expect("money");
    assert_eq!(booked.0, spent, "the budget equals the sum of the events: {month}");
}
