//! Two nodes that serve the same regions over one PostgreSQL, as an edge would show them: what
//! is done at one is asked of the other.

use std::time::{Duration, Instant};

use base::testing::Redis;
use gateway::testing::FakeProvider;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::portico::{Org, Portico, text};
use crate::revoked::{CUT_WITHIN, catalogue, done, key, p99, sign_in, stream_until_cut};

/// How often each way of ending is tried.
const TRIALS: usize = 6;
/// A node is taken for dead after ten seconds; looking and closing come on top.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);

/// Two nodes and the store in which they count, and an org; none without PostgreSQL and Redis.
async fn two(provider: &FakeProvider) -> Option<(Portico, Portico, Org, Redis)> {
    let store = Redis::start().await?;
    let priced = "[gateway.models.fixed]\nroutes = [{ endpoint = \"fake\" }]\n\
        prices = [{ from = \"2025-01-01\", input_per_million = \"1.00\", \
        output_per_million = \"2.00\" }]\n";
    let config = format!("{}{}{priced}", sharing(true, &store.url()), catalogue(provider));
    let mut a = Portico::on_postgres(&config).await?;
    let org = a.org("acme", "eu");
    let mut b = a.beside("portico-2");
    a.serve().await;
    b.serve().await;
    Some((a, b, org, store))
}

fn sharing(yes: bool, store: &str) -> String {
    // A step that takes longer is decided by each node alone, which admits too few rather than
    // too many: a busy machine is no dead store.
    format!("[cell]\nshared = {yes}\n[limits]\nstore = \"{store}\"\ntimeout_ms = 1000\n")
}

/// Begins a stream that goes on for ever; gives the id of the call.
async fn call(portico: &Portico, org: &Org) -> (String, hyper::body::Incoming) {
    use http_body_util::BodyExt as _;
    let ask = json!({ "model": "paced", "stream": true,
                      "messages": [{ "role": "user", "content": "hi" }] });
    let request = axum::http::Request::post(format!("{}/v1/chat/completions", portico.base))
        .header("authorization", format!("Bearer {}", org.member))
        .header("content-type", "application/json")
        .body(http_body_util::Full::new(axum::body::Bytes::from(ask.to_string())))
        .expect("a request");
    let runtime = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(runtime).build_http();
    let response = client.request(request).await.expect("an answer");
    let receipt = response.headers()["portico-receipt"].to_str().expect("text").to_owned();
    let mut stream = response.into_body();
    stream.frame().await.expect("goes on").expect("bytes");
    (receipt, stream)
}

/// The ends of a call, as soon as there is one.
async fn ends(portico: &Portico, org: &Org, receipt: &str) -> Vec<Value> {
    let begun = Instant::now();
    let path = format!("/api/events?resource={receipt}&action=gateway.call.ended");
    loop {
        let page = portico.http.get(&org.owner, &path).await.json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        if !items.is_empty() {
            return items;
        }
        assert!(begun.elapsed() < CLOSED_WITHIN, "{receipt} was not closed: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn serving(portico: &Portico) -> Vec<String> {
    let told: Value = serde_json::from_str(&portico.run(&["nodes", "--json"], "")).expect("json");
    let eu = told["regions"].as_array().expect("regions").iter().find(|one| one["region"] == "eu");
    let nodes = eu.expect("eu")["nodes"].as_array().expect("nodes");
    nodes.iter().map(|node| text(&node["node"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_away_at_one_node_ends_at_another_within_a_second() {
    let provider = FakeProvider::start().await;
    let Some((mut a, mut b, org, _store)) = two(&provider).await else { return };
    assert_eq!(serving(&a), ["portico-1", "portico-2"]);

    let mut took = Vec::new();
    for _ in 0..TRIALS {
        // A key that was just made at one node is good at the other.
        let (id, secret) = key(&a, &org).await;
        assert_eq!(b.http.get(&secret, "/v1/models").await.status, 200);
        let path = format!("/api/keys/{id}");
        let act = done(&a, &org, "DELETE", &path, None);
        let bearer = format!("Bearer {secret}");
        let (cut, _) = stream_until_cut(&b, ("authorization", &bearer), act).await;
        took.push(cut.took);
        assert_eq!(b.http.get(&secret, "/v1/models").await.status, 401);
    }
    assert!(p99("a key that another node revoked", took) < CUT_WITHIN);

    let mut took = Vec::new();
    for _ in 0..TRIALS {
        let cookie = sign_in(&a, &org).await;
        let sessions = done(&a, &org, "GET", "/api/org/sessions", None).await;
        let path = format!("/api/org/sessions/{}", text(&sessions["items"][0]["id"]));
        let act = done(&a, &org, "DELETE", &path, None);
        let (cut, _) = stream_until_cut(&b, ("cookie", &cookie), act).await;
        took.push(cut.took);
    }
    assert!(p99("a session that another node ended", took) < CUT_WITHIN);

    let mut took = Vec::new();
    let path = format!("/api/members/{}", org.member_id);
    for _ in 0..TRIALS {
        let suspend = done(&a, &org, "PATCH", &path, Some(json!({ "state": "suspended" })));
        let (cut, _) = stream_until_cut(&b, ("x-api-key", &org.member), suspend).await;
        took.push(cut.took);
        done(&a, &org, "PATCH", &path, Some(json!({ "state": "active" }))).await;
        let begun = Instant::now();
        while b.http.get(&org.member, "/v1/models").await.status != 200 {
            assert!(begun.elapsed() < CUT_WITHIN, "{:?}", begun.elapsed());
        }
    }
    assert!(p99("a member whom another node suspended", took) < CUT_WITHIN);

    // Stopped in order, a node leaves nothing to close, and is missed by nobody.
    assert!(b.terminate(), "{}", b.log());
    assert_eq!(serving(&a), ["portico-1"]);
    assert!(a.terminate(), "{}", a.log());
    assert!(serving(&a).is_empty());
}

/// Calls of one minute that an org may make at all of its nodes together.
const REQUESTS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_admit_together_what_the_limit_says_and_not_one_more() {
    let provider = FakeProvider::start().await;
    let Some((a, b, org, mut store)) = two(&provider).await else { return };
    let path = "/api/limits/org/org";
    done(&a, &org, "PUT", path, Some(json!({ "rpm": REQUESTS }))).await;
    let ask = json!({ "model": "fixed", "messages": [{ "role": "user", "content": "hi" }] });
    // Three times as many as there may be, half of them at each node.
    let mut calls = JoinSet::new();
    for at in 0..REQUESTS * 3 {
        let http = if at % 2 == 0 { a.http.clone() } else { b.http.clone() };
        let (key, ask) = (org.member.clone(), ask.clone());
        calls.spawn(async move { http.post(&key, "/v1/chat/completions", &ask).await });
    }
    let answers = calls.join_all().await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(200), of(429)), (REQUESTS, REQUESTS * 2), "{:?}", answers.last());

    // A limit that is set at one node holds at the other from its next call on.
    done(&a, &org, "PUT", path, Some(json!({ "rpm": REQUESTS + 1 }))).await;
    assert_eq!(b.http.post(&org.member, "/v1/chat/completions", &ask).await.status, 200);
    assert_eq!(a.http.post(&org.member, "/v1/chat/completions", &ask).await.status, 429);

    // Without the store nobody knows what is left of a budget.
    done(&a, &org, "PUT", path, Some(json!({ "money_per_day": "1000.00" }))).await;
    assert_eq!(b.http.post(&org.member, "/v1/chat/completions", &ask).await.status, 200);
    store.kill();
    let refused = b.http.post(&org.member, "/v1/chat/completions", &ask).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert_eq!(refused.json()["error"]["code"], "counters_unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_a_killed_node_are_closed_by_another_one() {
    let provider = FakeProvider::start().await;
    let Some((a, mut b, org, _store)) = two(&provider).await else { return };
    let (own, _kept) = call(&a, &org).await;
    let (lost, cut) = call(&b, &org).await;
    b.kill();
    drop(cut);
    let ended = ends(&a, &org, &lost).await;
    assert_eq!((ended.len(), &ended[0]["outcome"]), (1, &json!("unknown")), "{ended:?}");
    assert_eq!(ended[0]["node"], "portico-2", "who had it in hand");
    assert_eq!(serving(&a), ["portico-1"]);
    let path = format!("/api/events?resource={own}&action=gateway.call.ended");
    let page = a.http.get(&org.owner, &path).await.json();
    assert_eq!(page["items"], json!([]), "the living one's call goes on");
    // Its next life begins at once, and has nothing to close.
    b.serve().await;
    assert!(!b.log().contains("were closed as unknown"), "{}", b.log());
    assert_eq!(ends(&b, &org, &lost).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stood_still_stops_when_it_wakes_and_no_call_ends_twice() {
    let provider = FakeProvider::start().await;
    let Some((a, mut b, org, _store)) = two(&provider).await else { return };
    let mut under_way = Vec::new();
    for _ in 0..3 {
        under_way.push(call(&b, &org).await);
    }
    b.signal("STOP");
    for (receipt, _) in &under_way {
        assert_eq!(ends(&a, &org, receipt).await[0]["outcome"], "unknown");
    }
    b.signal("CONT");
    assert!(b.gave_up(Duration::from_secs(30)).await, "{}", b.log());
    assert!(b.log().contains("other nodes took this one for dead"), "{}", b.log());
    for (receipt, _) in &under_way {
        assert_eq!(ends(&a, &org, receipt).await.len(), 1, "each has one end");
    }
    assert_eq!(serving(&a), ["portico-1"]);
    assert_eq!(a.http.get(&org.member, "/v1/models").await.status, 200);
}

#[tokio::test]
async fn a_node_that_shares_and_one_that_does_not_never_serve_together() {
    // Nobody counts here: it need not be there.
    let shared = sharing(true, "redis://127.0.0.1:1");
    let Some(mut a) = Portico::on_postgres(&shared).await else { return };
    let b = a.beside("portico-2");
    a.serve().await;
    let text = std::fs::read_to_string(b.config()).expect("reads");
    std::fs::write(b.config(), text.replace("shared = true", "shared = false")).expect("writes");
    let told = crate::nodes::refused(&b.config());
    assert!(told.contains("set `cell.shared = true` here too"), "{told}");
    // Nodes that share need a database of several processes.
    let sqlite = Portico::on_sqlite("");
    let text = std::fs::read_to_string(sqlite.config()).expect("reads");
    std::fs::write(sqlite.config(), text.clone() + &shared).expect("writes");
    let told = crate::nodes::refused(&sqlite.config());
    assert!(told.contains("nodes share PostgreSQL; a SQLite file is of one process"), "{told}");
    // And a place where they count together.
    std::fs::write(sqlite.config(), text + "[cell]\nshared = true\n").expect("writes");
    let told = crate::nodes::refused(&sqlite.config());
    assert!(told.contains("limits.store") && told.contains("count together"), "{told}");
}
