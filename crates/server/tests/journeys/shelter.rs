//! A node starts while its databases are away.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use gateway::testing::FakeProvider;
use serde_json::json;

use crate::crash::audit;
use crate::http::Http;
use crate::outage::{CHAT, Seen, ask, load, through_a_relay};
use crate::portico::{Org, Portico, text};
use crate::until::until;

pub(crate) fn gateway(provider: &FakeProvider) -> String {
    let model = |name: &str| {
        format!(
            "[gateway.models.{name}]\nroutes = [{{ endpoint = \"fake\" }}]\n\
             prices = [{{ from = \"2025-01-01\", input_per_million = \"1.00\", output_per_million = \"2.00\" }}]\n"
        )
    };
    format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n{}{}",
        provider.base_url(),
        model("fixed"),
        model("held")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_without_its_databases_says_so_and_goes_on_when_they_are_back() {
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let org = portico.org("acme", "eu");
    let mut relay = through_a_relay(&portico).await;
    relay.cut().await;
    portico.wake().await;
    let ops = Http::new(&portico.ops);
    let ready = ops.get("", "/readyz").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)), "{}", ready.text);
    assert!(ready.text.contains("waits for its databases"), "{}", ready.text);
    let metrics = ops.get("", "/metrics").await.text;
    assert!(metrics.contains(r#"portico_start_without_database{state="waits"} 1"#), "{metrics}");
    let call = portico.http.post(&org.member, CHAT, &ask(false)).await;
    assert_eq!((call.status, &call.json()["error"]["code"]), (503, &json!("record_unavailable")));
    assert!(call.headers.contains_key("retry-after"));
    let api = portico.http.get(&org.owner, "/api/events").await;
    assert_eq!((api.status, &api.json()["code"]), (503, &json!("database_unavailable")));

    relay.restore().await;
    portico.ready().await;
    let call = portico.http.post(&org.member, CHAT, &ask(false)).await;
    assert_eq!(call.status, 200, "{}", call.text);
    assert!(!call.headers.contains_key("portico-record"), "it is in the record");
    assert!(!ops.get("", "/metrics").await.text.contains("start_without_database{"));

    // It can be stopped while it waits.
    assert!(portico.terminate());
    relay.cut().await;
    portico.wake().await;
    assert!(portico.terminate(), "{}", portico.log());
}

/// Where the snapshot is, and when it was written.
fn snapshot(portico: &Portico) -> (PathBuf, Option<SystemTime>) {
    let file = portico.folder().join("data/snapshot/portico-1-eu.snapshot");
    let written = std::fs::metadata(&file).and_then(|of| of.modified()).ok();
    (file, written)
}

/// Two snapshots of which nothing changed are further apart than this.
const AT_ONCE: Duration = Duration::from_secs(9);

/// Waits for a snapshot that was begun behind what was done before: a change, and the snapshot
/// behind it, which is begun when the one before is written. Each change brings one at once.
pub(crate) async fn kept(portico: &Portico, org: &Org) {
    let begun = Instant::now();
    for name in ["one", "two"] {
        let (_, before) = snapshot(portico);
        let new = json!({ "name": name });
        let made = portico.http.ask("POST", &org.owner, "/api/keys", Some(&new)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        until(|| async { snapshot(portico).1.is_some_and(|written| Some(written) != before) })
            .await;
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

pub(crate) async fn journals(portico: &Portico, org: &Org) {
    let chosen = json!({ "when_unrecorded": "journal" });
    let set = portico.http.ask("PATCH", &org.owner, "/api/org/settings", Some(&chosen)).await;
    assert_eq!(set.json()["when_unrecorded"], "journal", "{}", set.text);
}

pub(crate) async fn limited(portico: &Portico, org: &Org, ceiling: serde_json::Value) {
    let set = portico.http.ask("PUT", &org.owner, "/api/limits/org/org", Some(&ceiling)).await;
    assert!(set.status < 300, "{}", set.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_without_its_databases_goes_on_by_the_journal_from_its_snapshot() {
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let [ours, theirs, spending] =
        ["acme", "globex", "initech"].map(|slug| portico.org(slug, "eu"));
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    limited(&portico, &ours, json!({ "concurrency": 100 })).await;
    limited(&portico, &spending, json!({ "money_per_month": "1000.00" })).await;
    journals(&portico, &ours).await;
    journals(&portico, &spending).await;
    let new = json!({ "name": "to be revoked" });
    let made = portico.http.ask("POST", &ours.member, "/api/keys", Some(&new)).await.json();
    let (revoked, id) = (text(&made["secret"]), text(&made["id"]));
    assert_eq!(portico.http.post(&revoked, CHAT, &ask(false)).await.status, 200);
    kept(&portico, &ours).await;
    let gone = portico.http.ask("DELETE", &ours.member, &format!("/api/keys/{id}"), None).await;
    assert!(gone.status < 300, "{}", gone.text);
    kept(&portico, &ours).await;
    let (file, _) = snapshot(&portico);
    let bytes = std::fs::read(file).expect("reads");
    assert!(!bytes.windows(4).any(|some| some == b"acme"), "nothing is in clear");

    // It dies in the outage, and begins without its databases: twice, the second time with calls
    // in its journal of which one has no end.
    let seen = Arc::new(Seen::default());
    for outage in 0..2 {
        relay.cut().await;
        portico.kill();
        portico.serve().await;
        let ready = Http::new(&portico.ops).get("", "/readyz").await;
        assert!(ready.text.contains("from a snapshot"), "{}", ready.text);
        let call = portico.http.post(&ours.member, CHAT, &ask(false)).await;
        assert_eq!(
            (call.status, call.headers["portico-record"].as_bytes()),
            (200, &b"journal"[..]),
            "{}",
            call.text
        );
        let receipt = call.headers["portico-receipt"].to_str().expect("text").to_owned();
        seen.acknowledged.lock().await.insert(receipt);
        let told = async |key: &str| portico.http.post(key, CHAT, &ask(false)).await;
        let refused = told(&revoked).await;
        assert_eq!((refused.status, refused.text.contains("revoked key")), (401, true));
        let unkept = told(&theirs.member).await;
        assert_eq!(
            (unkept.status, &unkept.json()["error"]["code"]),
            (503, &json!("record_unavailable"))
        );
        assert_eq!(told(&spending.member).await.status, 200, "what it may have spent is known");
        let api = portico.http.get(&ours.owner, "/api/events").await;
        assert_eq!((api.status, &api.json()["code"]), (503, &json!("database_unavailable")));
        let metrics = Http::new(&portico.ops).get("", "/metrics").await.text;
        assert!(metrics.contains(r#"start_without_database{state="snapshot"} 1"#), "{metrics}");
        if outage == 0 {
            let (http, key) = (portico.http.clone(), ours.member.clone());
            let ask = json!({ "model": "held", "messages": [{ "role": "user", "content": "hi" }] });
            let mut cut = tokio::task::JoinSet::new();
            cut.spawn(async move { http.try_ask("POST", &key, CHAT, Some(&ask)).await });
            until(|| async { provider.held().len() == 1 }).await;
            portico.kill();
            assert!(cut.join_next().await.expect("one").expect("no panic").is_none(), "cut off");
        }
    }

    // The databases come back under load: nobody is refused, and all is in the record.
    let callers = load(&portico, &ours, &seen);
    until(|| async { seen.journalled.load(Ordering::SeqCst) > 100 }).await;
    relay.restore().await;
    let ops = Http::new(&portico.ops);
    until(|| async { ops.get("", "/readyz").await.text.contains(r#""journal.eu":"empty""#) }).await;
    until(|| async { portico.http.get(&ours.owner, "/api/events").await.status == 200 }).await;
    let so_far = seen.acknowledged.lock().await.len();
    until(|| async { seen.acknowledged.lock().await.len() > so_far + 20 }).await;
    seen.stop.store(true, Ordering::SeqCst);
    callers.join_all().await;
    assert_eq!(*seen.other.lock().await, Vec::<String>::new(), "no call failed");
    audit(&portico, &ours, &*seen.acknowledged.lock().await).await;
    let money = portico.http.post(&spending.member, CHAT, &ask(false)).await;
    assert_eq!(money.status, 200, "{}", money.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_over_a_database_that_is_only_read_goes_on_by_the_journal_too() {
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let org = portico.org("acme", "eu");
    portico.serve().await;
    limited(&portico, &org, json!({ "concurrency": 100 })).await;
    journals(&portico, &org).await;
    kept(&portico, &org).await;
    assert!(portico.terminate());

    // As behind a failover: it answers, and takes nothing.
    let config = std::fs::read_to_string(portico.config()).expect("reads");
    let only_read = |table: &str| match table.split_once("\nowner_url") {
        Some((url, owner)) if table.starts_with("directory]") => {
            let read = "options=-cdefault_transaction_read_only%3Don%20";
            format!("{}\nowner_url{owner}", url.replace("options=", read))
        }
        _ => table.to_owned(),
    };
    let read = config.split("[database.").map(only_read).collect::<Vec<_>>().join("[database.");
    assert_ne!(read, config);
    std::fs::write(portico.config(), read).expect("writes");
    portico.serve().await;
    let call = portico.http.post(&org.member, CHAT, &ask(false)).await;
    assert_eq!(call.headers["portico-record"].as_bytes(), b"journal", "{}", call.text);
    let receipt = call.headers["portico-receipt"].to_str().expect("text").to_owned();
    portico.kill();
    std::fs::write(portico.config(), config).expect("writes");
    portico.serve().await;
    audit(&portico, &org, &BTreeSet::from([receipt])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_can_be_neither_replaced_nor_removed_is_an_alarm_until_it_has_the_change() {
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let org = portico.org("acme", "eu");
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    journals(&portico, &org).await;
    let new = json!({ "name": "to be revoked" });
    let made = portico.http.ask("POST", &org.member, "/api/keys", Some(&new)).await.json();
    let (revoked, id) = (text(&made["secret"]), text(&made["id"]));
    kept(&portico, &org).await;

    // Nothing can take its place any more, nor can it be removed.
    let (file, _) = snapshot(&portico);
    std::fs::remove_file(&file).expect("removes");
    std::fs::create_dir_all(file.join("in the way")).expect("makes");
    let gone = portico.http.ask("DELETE", &org.member, &format!("/api/keys/{id}"), None).await;
    assert!(gone.status < 300, "{}", gone.text);
    let ops = Http::new(&portico.ops);
    let alarm = async |at: &str| {
        let line = format!(r#"portico_snapshot_unwritten{{region="eu"}} {at}"#);
        until(|| async { ops.get("", "/metrics").await.text.contains(&line) }).await;
    };
    alarm("1").await;
    assert!(portico.log().contains("cannot be removed"), "{}", portico.log());

    // There is room again.
    std::fs::remove_dir_all(&file).expect("removes");
    alarm("0").await;
    until(|| async { snapshot(&portico).1.is_some() }).await;
    relay.cut().await;
    portico.kill();
    portico.serve().await;
    assert_eq!(portico.http.post(&revoked, CHAT, &ask(false)).await.status, 401);
    assert_eq!(portico.http.post(&org.member, CHAT, &ask(false)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_was_altered_or_is_too_old_is_not_used_and_the_log_says_so() {
    let provider = FakeProvider::start().await;
    let Some(mut portico) = Portico::on_postgres(&gateway(&provider)).await else { return };
    let org = portico.org("acme", "eu");
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    journals(&portico, &org).await;
    kept(&portico, &org).await;
    relay.cut().await;
    portico.kill();

    let (file, written) = snapshot(&portico);
    let good = std::fs::read(&file).expect("reads");
    let mut altered = good.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    std::fs::write(&file, &altered).expect("writes");
    let refused = async |portico: &mut Portico, why: &str| {
        portico.wake().await;
        let call = portico.http.post(&org.member, CHAT, &ask(false)).await;
        assert_eq!(call.status, 503, "{}", call.text);
        let log = portico.log();
        assert!(log.contains("the snapshot is not used") && log.contains(why), "{log}");
        portico.kill();
    };
    refused(&mut portico, "it was altered").await;

    std::fs::write(&file, &good).expect("writes");
    let config = std::fs::read_to_string(portico.config()).expect("reads");
    let short = format!("{config}\n[cell]\nsnapshot_age_max_secs = 1\n");
    std::fs::write(portico.config(), short).expect("writes");
    let age = || written.and_then(|written| written.elapsed().ok()).unwrap_or_default();
    until(|| async { age() > Duration::from_secs(3) }).await;
    refused(&mut portico, "seconds old, and 1 are allowed").await;

    // With the databases it starts as ever, and keeps a new one. Where none is wanted, none is.
    relay.restore().await;
    portico.serve().await;
    until(|| async { snapshot(&portico).1 != written }).await;
    assert!(portico.terminate());
    std::fs::write(portico.config(), format!("{config}\n[cell]\nsnapshot_age_max_secs = 0\n"))
        .expect("writes");
    portico.serve().await;
    assert_eq!(snapshot(&portico).1, None);
}
