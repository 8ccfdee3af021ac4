//! A rolling update: no answer is cut off, and nothing is left to clean up.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Request;
use gateway::testing::{FakeProvider, HELLO};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::http::Http;
use crate::portico::{Extra, Org, Portico, text};

/// A node with one slow model and one that does not end.
fn node(provider: &FakeProvider, listen: &str) -> Portico {
    let gateway = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         [gateway.models.slow]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n\
         [gateway.models.endless]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n",
        provider.base_url()
    );
    Portico::with(Extra { listen, config: &gateway, ..Extra::default() })
}

/// A stream whose first piece has arrived.
async fn stream(portico: &Portico, org: &Org, model: &str) -> (Vec<u8>, Incoming) {
    let ask = json!({ "model": model, "stream": true,
                      "messages": [{ "role": "user", "content": "hi" }] });
    let request = Request::post(format!("{}/v1/chat/completions", portico.base))
        .header("authorization", format!("Bearer {}", org.member))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(ask.to_string())))
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut stream = client.request(request).await.expect("an answer").into_body();
    let first = stream.frame().await.expect("a frame").expect("bytes");
    (first.into_data().expect("data").to_vec(), stream)
}

/// Starts again, and gives how the only call is recorded to have ended.
async fn outcome_after_a_start(portico: &mut Portico, org: &Org) -> String {
    portico.serve().await;
    assert!(!portico.log().contains("were closed as unknown"), "{}", portico.log());
    let events = portico.http.get(&org.owner, "/api/events?action=gateway.call.ended").await;
    text(&events.json()["items"][0]["outcome"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_under_way_ends_well_while_the_node_drains() {
    let provider = FakeProvider::start().await;
    let mut portico = node(&provider, "drain_wait_ms = 400");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let (mut heard, rest) = stream(&portico, &org, "slow").await;
    portico.ask_to_stop();
    let asked = Instant::now();

    // The load balancer is told at once, while the door still takes who did not hear yet.
    let ops = Http::new(&portico.ops);
    while ops.get("", "/readyz").await.json()["ready"] == true {
        assert!(asked.elapsed() < Duration::from_millis(300), "readiness is off at once");
    }
    assert_eq!(ops.get("", "/readyz").await.json()["why"], "draining");
    // Whoever reuses connections is told that this answer is the last one here.
    let answer = portico.http.get(&org.member, "/v1/models").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["connection"], "close");
    let address = portico.base.strip_prefix("http://").expect("a URL").to_owned();
    while TcpStream::connect(&address).await.is_ok() {
        assert!(asked.elapsed() < Duration::from_millis(1_200), "the door closes after the wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked.elapsed() > Duration::from_millis(350), "{:?}", asked.elapsed());

    heard.extend(rest.collect().await.expect("a whole stream").to_bytes());
    let whole = String::from_utf8(heard).expect("text");
    assert!(whole.ends_with("data: [DONE]\n\n"), "{whole}");
    let said: String = whole.lines().filter_map(|line| line.strip_prefix("data: {")).fold(
        String::new(),
        |said, line| {
            let chunk: Value = serde_json::from_str(&format!("{{{line}")).expect("json");
            said + chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default()
        },
    );
    assert_eq!(said, HELLO);
    assert!(portico.ended_well(), "{}", portico.log());
    assert!(!portico.log().contains("cut off"), "{}", portico.log());
    assert_eq!(outcome_after_a_start(&mut portico, &org).await, "success");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_end_in_time_is_cut_off_and_recorded() {
    let provider = FakeProvider::start().await;
    let mut portico = node(&provider, "drain_timeout_ms = 300");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let (_, rest) = stream(&portico, &org, "endless").await;
    let asked = Instant::now();
    assert!(portico.terminate(), "{}", portico.log());
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(portico.log().contains("cut off"), "{}", portico.log());
    assert!(rest.collect().await.is_err(), "the caller sees that it is not whole");
    assert_eq!(outcome_after_a_start(&mut portico, &org).await, "aborted");
}
