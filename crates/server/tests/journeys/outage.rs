//! The database of the record is cut off under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gateway::testing::FakeProvider;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::crash::audit;
use crate::http::Http;
use crate::portico::{Org, Portico};
use crate::relay::Relay;
use crate::until::until;

const CALLERS: usize = 4;
pub(crate) const CHAT: &str = "/v1/chat/completions";

/// What the callers of an org saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) acknowledged: Mutex<BTreeSet<String>>,
    pub(crate) journalled: AtomicU32,
    refused: AtomicU32,
    pub(crate) other: Mutex<Vec<String>>,
    pub(crate) stop: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_outlive_the_database_where_their_org_chose_the_journal() {
    let provider = FakeProvider::start().await;
    let model = |name: &str| {
        format!(
            "[gateway.models.{name}]\nroutes = [{{ endpoint = \"fake\" }}]\n\
             prices = [{{ from = \"2025-01-01\", input_per_million = \"1.00\", output_per_million = \"2.00\" }}]\n"
        )
    };
    let gateway = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n{}{}",
        provider.base_url(),
        model("fixed"),
        model("held")
    );
    let Some(mut portico) = Portico::on_postgres(&gateway).await else { return };
    let (ours, theirs) = (portico.org("acme", "eu"), portico.org("globex", "eu"));
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    for org in [&ours, &theirs] {
        let ceiling = json!({ "money_per_month": "1000.00", "concurrency": 100 });
        let set = portico.http.ask("PUT", &org.owner, "/api/limits/org/org", Some(&ceiling)).await;
        assert!(set.status < 300, "{}", set.text);
    }
    let chosen = json!({ "when_unrecorded": "journal" });
    let set = portico.http.ask("PATCH", &ours.owner, "/api/org/settings", Some(&chosen)).await;
    assert_eq!(set.json()["when_unrecorded"], "journal", "{}", set.text);

    let (seen, refused) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let callers = load(&portico, &ours, &seen);
    let others = load(&portico, &theirs, &refused);
    until(|| async { seen.acknowledged.lock().await.len() > 20 }).await;
    // Begun in the record: one ends in the journal, one not at all.
    let mut across = JoinSet::new();
    for _ in 0..2 {
        let (http, key) = (portico.http.clone(), ours.member.clone());
        let ask = json!({ "model": "held", "messages": [{ "role": "user", "content": "hi" }] });
        let held = async move { http.try_ask("POST", &key, CHAT, Some(&ask)).await };
        across.spawn(held);
    }
    until(|| async { provider.held().len() == 2 }).await;
    relay.cut().await;
    until(|| async { seen.journalled.load(Ordering::SeqCst) > 100 }).await;
    until(|| async { refused.refused.load(Ordering::SeqCst) > 20 }).await;
    provider.let_go(1);
    let ended = across.join_next().await.expect("one").expect("no panic").expect("an answer");
    assert_eq!((ended.status, ended.headers["portico-record"].as_bytes()), (200, &b"journal"[..]));
    let ended = ended.headers["portico-receipt"].to_str().expect("text").to_owned();
    seen.acknowledged.lock().await.insert(ended);
    let pending = portico.http.post(&ours.member, CHAT, &ask(false)).await;
    assert_eq!(
        (pending.status, pending.headers["portico-record"].as_bytes()),
        (200, &b"journal"[..])
    );
    let receipt = pending.headers["portico-receipt"].to_str().expect("text").to_owned();
    let told = portico.http.get(&ours.member, &format!("/api/receipts/{receipt}")).await;
    assert_eq!((told.status, &told.json()["state"]), (202, &json!("pending")), "{}", told.text);
    let ready = Http::new(&portico.ops).get("", "/readyz").await;
    assert_eq!(ready.status, 200, "it serves those who chose so: {}", ready.text);

    // It is killed with all that in its journal, and comes back with the database.
    seen.stop.store(true, Ordering::SeqCst);
    refused.stop.store(true, Ordering::SeqCst);
    callers.join_all().await;
    others.join_all().await;
    assert_eq!(*seen.other.lock().await, Vec::<String>::new(), "no call failed");
    assert_eq!(*refused.other.lock().await, Vec::<String>::new(), "all were told why");
    let asked = provider.calls();
    for _ in 0..5 {
        let told = portico.http.post(&theirs.member, CHAT, &ask(false)).await;
        assert_eq!(told.status, 503, "{}", told.text);
    }
    assert_eq!(provider.calls(), asked, "by now it is known, and no prompt leaves");
    portico.kill();
    assert!(across.join_next().await.expect("one").expect("no panic").is_none(), "cut off");
    relay.restore().await;
    portico.serve().await;
    let told = portico.http.get(&ours.member, &format!("/api/receipts/{receipt}")).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(told.json()["event"]["journal"].is_string(), "{}", told.text);
    let acknowledged = seen.acknowledged.lock().await;
    audit(&portico, &ours, &acknowledged).await;
    audit(&portico, &theirs, &*refused.acknowledged.lock().await).await;

    // Once more, behind a proxy that has no server, and this time only the database comes back.
    drop(acknowledged);
    seen.stop.store(false, Ordering::SeqCst);
    let before = seen.journalled.load(Ordering::SeqCst);
    let callers = load(&portico, &ours, &seen);
    relay.hang_up().await;
    until(|| async { seen.journalled.load(Ordering::SeqCst) > before + 50 }).await;
    relay.restore().await;
    let ops = Http::new(&portico.ops);
    until(|| async { ops.get("", "/readyz").await.text.contains(r#""journal.eu":"empty""#) }).await;
    seen.stop.store(true, Ordering::SeqCst);
    callers.join_all().await;
    assert_eq!(*seen.other.lock().await, Vec::<String>::new(), "no call failed");
    audit(&portico, &ours, &*seen.acknowledged.lock().await).await;
}

/// An edge gives up a probe long before a connection does.
const PROBED_WITHIN: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_is_answered_at_once_while_the_databases_hang() {
    let Some(mut portico) = Portico::on_postgres("").await else { return };
    let mut relay = through_a_relay(&portico).await;
    portico.serve().await;
    let ops = Http::new(&portico.ops);
    relay.fall_silent().await;
    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        let ready = ops.get("", "/readyz").await;
        assert!(asked.elapsed() < PROBED_WITHIN, "{:?}", asked.elapsed());
        if ready.status == 503 {
            assert!(ready.text.contains(r#""database.eu":"not answering""#), "{}", ready.text);
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it is noticed: {}", ready.text);
    }
    relay.restore().await;
    until(|| async { ops.get("", "/readyz").await.status == 200 }).await;
}

/// Has the node reach the databases of the region and the directory through something that can be cut.
pub(crate) async fn through_a_relay(portico: &Portico) -> Relay {
    let config = std::fs::read_to_string(portico.config()).expect("reads");
    let (_, behind) = config.split_once('@').expect("a URL");
    let address = behind.split('/').next().expect("an address").to_owned();
    let relay = Relay::before(&address).await;
    let through = |table: &str| {
        let cut = table.starts_with("eu]") || table.starts_with("directory]");
        let to = if cut { relay.address.to_string() } else { address.clone() };
        table.replace(&format!("@{address}/"), &format!("@{to}/"))
    };
    let config = config.split("[database.").map(through).collect::<Vec<_>>().join("[database.");
    std::fs::write(portico.config(), config).expect("writes");
    relay
}

pub(crate) fn ask(stream: bool) -> serde_json::Value {
    json!({ "model": "fixed", "stream": stream, "messages": [{ "role": "user", "content": "hi" }] })
}

pub(crate) fn load(portico: &Portico, org: &Org, seen: &Arc<Seen>) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (http, key, seen) = (portico.http.clone(), org.member.clone(), Arc::clone(seen));
        callers.spawn(async move { call(&http, &key, caller % 2 == 0, &seen).await });
    }
    callers
}

async fn call(http: &Http, key: &str, stream: bool, seen: &Seen) {
    while !seen.stop.load(Ordering::SeqCst) {
        let answer = http.post(key, CHAT, &ask(stream)).await;
        let told = |text: &str| answer.text.contains(text);
        if answer.status == 200 && (answer.text.ends_with("[DONE]\n\n") || !stream) {
            let receipt = answer.headers["portico-receipt"].to_str().expect("text").to_owned();
            seen.acknowledged.lock().await.insert(receipt);
            let journalled =
                answer.headers.contains_key("portico-record") || told(": portico-record journal");
            seen.journalled.fetch_add(u32::from(journalled), Ordering::SeqCst);
        } else if told("record_unavailable")
            && (stream || answer.headers.contains_key("retry-after"))
        {
            seen.refused.fetch_add(1, Ordering::SeqCst);
        } else {
            seen.other.lock().await.push(format!("{} {}", answer.status, answer.text));
        }
    }
}
