//! A node that asks a witness.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use base::fetch::{Failed, Fetch, FetchConfig};
use base::tasks::Tasks;
use base::testing::StillClock;
use tempfile::TempDir;
use tlog::{Hash, Note, Verifier};
use witness::{Client, Cosignature, Serving, Unwitnessed};

use crate::log::{SmallLog, signed, signer};
use crate::stand::config;

/// A witness that listens, and a node that knows it.
struct Pair {
    _folder: TempDir,
    tasks: Tasks,
    client: Client,
    keys: Vec<Verifier>,
}

fn fetch() -> Fetch {
    let config = FetchConfig { private_addresses: true, plain_http: true, ..Default::default() };
    Fetch::new(config).expect("a client")
}

impl Pair {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(&folder.path().join("data"));
        let serving = Serving::start(&config, StillClock::new().shared()).await.expect("listens");
        let (url, keys) = (format!("http://{}/", serving.address()), serving.witness().verifiers());
        let keys = keys.to_vec();
        let client = Client::new(&url, keys.clone(), fetch()).expect("an address");
        let tasks = Tasks::new();
        let stopping = tasks.clone();
        tasks.spawn(serving.until(async move { stopping.stopping().await }));
        Self { _folder: folder, tasks, client, keys }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn submit(
    client: &Client,
    log: &Arc<SmallLog>,
    note: &Note,
    (old, new): (u64, u8),
) -> Result<Vec<Cosignature>, Unwitnessed<Infallible>> {
    let prove = |known: u64| {
        let (log, known) = (log.clone(), u8::try_from(known).expect("small"));
        async move { Ok::<Vec<Hash>, Infallible>(log.path(known, new)) }
    };
    client.submit(note, old, prove).await
}

#[tokio::test]
async fn a_node_is_cosigned_though_it_does_not_know_the_size() {
    let (pair, log) = (Pair::new().await, Arc::new(SmallLog::honest()));
    // It knows; it thinks that nothing was cosigned; it is behind; it repeats itself.
    for (old, new) in [(0, 3), (3, 9), (0, 20), (9, 20), (5, 40), (40, 41), (0, 41)] {
        let mut note = log.note(new);
        let lines = submit(&pair.client, &log, &note, (old, new)).await.expect("cosigned");
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.time_secs.is_some());
            note.add(line.signature).expect("room");
        }
        assert_eq!(note.verify(&pair.keys).expect("verifies").len(), 2);
    }
}

#[tokio::test]
async fn a_node_is_told_why_it_is_not_cosigned() {
    let (pair, log) = (Pair::new().await, Arc::new(SmallLog::honest()));
    let client = &pair.client;
    submit(client, &log, &log.note(9), (0, 9)).await.expect("cosigned");

    // Set back: whether it remembers or not.
    for old in [0, 5, 9] {
        let why = submit(client, &log, &log.note(5), (old, 5)).await.expect_err("refused");
        assert!(matches!(why, Unwitnessed::Ahead { known: 9, size: 5 }), "{why}");
        assert!(why.is_contradiction());
    }
    // Rewritten.
    let other = Arc::new(SmallLog::rewritten(2));
    let why = submit(client, &other, &other.note(9), (0, 9)).await.expect_err("refused");
    assert!(matches!(why, Unwitnessed::Forked) && why.is_contradiction(), "{why}");
    let why = submit(client, &other, &other.note(12), (9, 12)).await.expect_err("refused");
    assert!(matches!(why, Unwitnessed::Inconsistent) && why.is_contradiction(), "{why}");
    // Not known there.
    let stranger = signed(&log.checkpoint(12), &[&signer(9)]);
    let why = submit(client, &log, &stranger, (9, 12)).await.expect_err("refused");
    assert!(matches!(why, Unwitnessed::UnknownKey) && !why.is_contradiction(), "{why}");
    let elsewhere = tlog::Checkpoint::new("elsewhere.example", 12, log.root(12));
    let elsewhere = signed(&elsewhere.expect("a checkpoint"), &[&signer(1)]);
    let why = submit(client, &log, &elsewhere, (9, 12)).await.expect_err("refused");
    assert!(matches!(why, Unwitnessed::UnknownLog), "{why}");
    // The proof cannot be made.
    let failing = |_| async { Err::<Vec<Hash>, _>(std::fmt::Error) };
    let why = client.submit(&log.note(12), 9, failing).await.expect_err("refused");
    assert!(matches!(why, Unwitnessed::NoProof(_)), "{why}");
    // Gone.
    pair.tasks.stop();
    pair.tasks.ended().await;
    let why = submit(client, &log, &log.note(12), (9, 12)).await.expect_err("refused");
    assert!(matches!(why, Unwitnessed::Unreachable(Failed::Unreachable(_))), "{why}");
}

#[tokio::test]
async fn a_witness_that_misbehaves_is_not_believed() {
    let log = Arc::new(SmallLog::honest());
    let size = "text/x.tlog.size";
    let other = signer(9).sign(log.note(3).text(), 0).expect("signs").to_string();
    let oversize = "a".repeat(70 << 10);
    for (status, kind, body, expected) in [
        (200, "text/plain", "", "the answer of the witness is worth nothing"),
        (200, "text/html", "<h1>It works!</h1>", "the answer of the witness is worth nothing"),
        (200, "text/plain", &other, "the answer of the witness is worth nothing"),
        (200, "text/plain", &oversize, "the witness could not be asked"),
        (302, "text/plain", "", "the witness answered with the status 302"),
        (409, size, "0\n", "the witness answered with the status 409"),
        (409, size, "many\n", "the witness answered with the status 409"),
        // It says 2 both times.
        (409, size, "2\n", "the witness answered with the status 409"),
        (409, size, "99\n", "the witness has seen 99 entries, this checkpoint has 3"),
        (500, "text/plain", "", "the witness answered with the status 500"),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let (kind, body) = (kind.to_owned(), body.to_owned());
        let answer = move || async move { (status, [(CONTENT_TYPE, kind)], body) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let routes = Router::new().route("/add-checkpoint", post(answer));
        Tasks::new().spawn(async move { drop(axum::serve(listener, routes).await) });
        let keys = vec![signer(1).verifier().clone()];
        let client = Client::new(&url, keys, fetch()).expect("an address");
        let why = submit(&client, &log, &log.note(3), (0, 3)).await.expect_err("not believed");
        assert_eq!(why.to_string(), expected);
    }
}

#[test]
fn a_witness_at_a_private_address_is_asked_only_if_the_operator_allows() {
    let strict = Fetch::new(FetchConfig::default()).expect("a client");
    let client = |url| Client::new(url, Vec::new(), strict.clone()).map(drop);
    assert_eq!(client("http://witness.example"), Err(Failed::NotHttps));
    assert_eq!(client("witness.example"), Err(Failed::NotAnAddress));
    assert_eq!(client("https://witness.example/w1/"), Ok(()));
}
