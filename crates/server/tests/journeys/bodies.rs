//! All bodies under way have one bound together, whoever sends them.

use std::time::Duration;

use gateway::testing::FakeProvider;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::http::{Answer, Http};
use crate::portico::{Extra, Org, Portico};

const MIB: usize = 1 << 20;
/// Of 64 MiB an eighth is kept for small bodies.
const COMMON: usize = 56 * MIB;

/// A node with room for 64 MiB, and a model that answers when it is let go.
fn node(provider: &FakeProvider) -> Portico {
    let gateway = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         [gateway.models.held]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n\
         [gateway.models.long]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n\
         [gateway.models.gpt]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n",
        provider.base_url()
    );
    let listen = "bodies_bytes_max = 67108864\nbodies_wait_ms = 300";
    Portico::with(Extra { listen, config: &gateway, ..Extra::default() })
}

/// A question of exactly so many bytes.
fn ask(model: &str, bytes: usize) -> Value {
    let of = |words: String| {
        json!({ "model": model, "messages": [{ "role": "user", "content": words }] }).to_string()
    };
    let frame = of(String::new()).len();
    Value::String(of("x".repeat(bytes - frame)))
}

async fn metric(portico: &Portico, name: &str) -> usize {
    let text = Http::new(&portico.ops).get("", "/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.expect("counted").parse().expect("a number")
}

async fn held(portico: &Portico) -> usize {
    metric(portico, "portico_body_bytes_held").await
}

/// Waits until so many bytes are held, within a bound.
async fn until_held(portico: &Portico, bytes: usize) {
    for _ in 0..500 {
        if held(portico).await == bytes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(held(portico).await, bytes);
}

/// Asks the model that waits with a body for each of these lengths.
fn send(portico: &Portico, org: &Org, sizes: &[usize]) -> JoinSet<Answer> {
    let mut callers = JoinSet::new();
    for size in sizes {
        let (http, key) = (portico.http.clone(), org.member.clone());
        let body = ask("held", *size);
        callers.spawn(async move { http.post(&key, "/v1/chat/completions", &body).await });
    }
    callers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_with_large_bodies_share_one_bound_and_who_finds_no_room_is_told() {
    let provider = FakeProvider::start().await;
    let mut portico = node(&provider);
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let served = send(&portico, &org, &[16 * MIB, 16 * MIB, 16 * MIB, 8 * MIB]);
    until_held(&portico, COMMON).await;

    let refused = send(&portico, &org, &[16 * MIB, 32 * MIB, MIB, 300 << 10]).join_all().await;
    for answer in &refused {
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, &error["code"]), (503, &json!("bodies_full")), "{error}");
        assert_eq!(
            (&error["type"], &answer.headers["retry-after"]),
            (&json!("server_error"), &"2".parse().expect("text"))
        );
    }
    let name = "x".repeat(MIB);
    let elsewhere = portico.http.post(&org.owner, "/api/teams", &json!({ "name": name })).await;
    assert_eq!((elsewhere.status, &elsewhere.json()["code"]), (503, &json!("bodies_full")));
    assert_eq!(elsewhere.headers["content-type"], "application/problem+json");
    assert_eq!(elsewhere.headers["retry-after"], "2");
    // Small ones are answered meanwhile.
    for _ in 0..20 {
        let body = ask("gpt", 200 << 10);
        assert_eq!(portico.http.post(&org.member, "/v1/chat/completions", &body).await.status, 200);
    }
    assert_eq!(metric(&portico, "portico_bodies_refused_total").await, 5);
    until_held(&portico, COMMON).await;

    // Their providers answer: the room is free again, for the largest one.
    provider.let_go(5);
    for answer in served.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    until_held(&portico, 0).await;
    let largest = send(&portico, &org, &[32 * MIB]).join_all().await;
    assert_eq!(largest[0].status, 200, "{}", largest[0].text);
    // Who was refused was never begun.
    for action in ["gateway.call.started", "gateway.call.ended"] {
        let path = format!("/api/events?action={action}&limit=100");
        let events = portico.http.get(&org.owner, &path).await.json();
        assert_eq!(events["items"].as_array().map(Vec::len), Some(25), "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_is_free_again_when_a_caller_leaves_in_the_middle_of_its_body() {
    let provider = FakeProvider::start().await;
    let mut portico = node(&provider);
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let address = portico.base.strip_prefix("http://").expect("a URL").to_owned();
    let head = |length: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: portico\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\n{length}\r\n\r\n",
            org.member
        )
    };
    let declared = format!("content-length: {}", 32 * MIB);
    let mut silent = TcpStream::connect(&address).await.expect("connects");
    silent.write_all(head(&declared).as_bytes()).await.expect("writes");
    let mut leaving = TcpStream::connect(&address).await.expect("connects");
    leaving.write_all((head(&declared) + "{").as_bytes()).await.expect("writes");
    // Only who has begun to send takes room.
    until_held(&portico, 32 * MIB).await;
    drop(leaving);
    until_held(&portico, 0).await;
    // One that does not say its length counts as a small one first, then as the largest.
    let mut chunked = TcpStream::connect(&address).await.expect("connects");
    let chunk = |bytes: usize| format!("{bytes:x}\r\n{}\r\n", "x".repeat(bytes));
    let begin = head("transfer-encoding: chunked") + &chunk(10);
    chunked.write_all(begin.as_bytes()).await.expect("writes");
    until_held(&portico, 256 << 10).await;
    chunked.write_all(chunk(MIB).as_bytes()).await.expect("writes");
    until_held(&portico, 32 * MIB).await;
    drop(chunked);
    until_held(&portico, 0).await;
    // And who leaves while its provider thinks.
    let callers = send(&portico, &org, &[20 * MIB]);
    until_held(&portico, 20 * MIB).await;
    while provider.held().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(callers);
    until_held(&portico, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_takes_keeps_its_room_until_its_caller_is_gone() {
    let provider = FakeProvider::start().await;
    let mut portico = node(&provider);
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let address = portico.base.strip_prefix("http://").expect("a URL").to_owned();
    let body = json!({ "model": "long", "max_tokens": 6 * MIB, "messages": [{ "role": "user", "content": "hi" }] })
        .to_string();
    let mut caller = TcpStream::connect(&address).await.expect("connects");
    let ask = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: portico\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        org.member,
        body.len()
    );
    caller.write_all(ask.as_bytes()).await.expect("writes");
    // The whole of it is held for its head, or for what of it is taken.
    let mut head = [0; 1 << 10];
    caller.read_exact(&mut head).await.expect("reads");
    assert!(head.starts_with(b"HTTP/1.1 200"));
    let room = metric(&portico, "portico_answer_bytes_held").await;
    assert!((24 * MIB..25 * MIB).contains(&room), "{room}");
    assert_eq!(held(&portico).await, 0, "that of its request is free");
    let mut left = room + 200;
    while left > 0 && metric(&portico, "portico_answer_bytes_held").await > 0 {
        let mut piece = vec![0; MIB];
        left = left.saturating_sub(caller.read(&mut piece).await.expect("reads"));
    }
    assert!(left < 16 * MIB, "it was taken before its end: {left}");
    // And who leaves gives it back.
    let mut leaving = TcpStream::connect(&address).await.expect("connects");
    leaving.write_all(ask.as_bytes()).await.expect("writes");
    leaving.read_exact(&mut head).await.expect("reads");
    assert_eq!(metric(&portico, "portico_answer_bytes_held").await, room);
    drop(leaving);
    for _ in 0..500 {
        if metric(&portico, "portico_answer_bytes_held").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("its room is kept");
}
