//! When the store of the counters is away, frozen or empty.

use std::time::{Duration, Instant};

use access::{Caller, OrgId, Region};
use axum::http::StatusCode;
use base::tasks::Tasks;
use base::testing::Redis;
use base::time::Clock as _;
use limits::{Ask, Ceiling, Config, Link, Used};
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::bench::{ask, money, per_minute, per_month};
use crate::cell::{Cell, until};

#[tokio::test]
async fn while_the_store_is_away_rates_are_shared_out_and_money_is_closed_and_then_all_is_exact() {
    let Some(mut cell) = Cell::of(3).await else { return };
    let caller = cell.caller.clone();
    // A limit in money on the org; and a rate.
    cell.set(Ceiling { money_per_month: Some(money("1.00")), ..per_minute(30) }).await;
    for node in &cell.nodes {
        node.call(&caller, "0.10").await.expect("admitted");
    }
    cell.agrees().await;
    cell.redis.kill();

    let refused = cell.nodes[0].refused(&caller, ask(1, "0.10")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "counters_unavailable", "{}", refused.detail());
    // What costs nothing goes on, each node within its third; one of it was used before.
    for node in &cell.nodes {
        let mut admitted = 0;
        for _ in 0..30 {
            match node.reserve(&caller, Ask::default()).await {
                Ok(hold) => {
                    hold.settle(Used::default());
                    admitted += 1;
                }
                Err(error) => assert!(matches!(error, limits::Error::Refused(_)), "{error}"),
            }
        }
        assert_eq!(admitted, 9);
        assert_eq!(node.figure("limits_decided_alone_total"), 9);
    }

    cell.redis.restart().await;
    cell.up().await;
    // It came back empty: money is open again once every node has said what it holds.
    until(async || cell.nodes[0].reserve(&caller, ask(1, "0.10")).await.is_ok()).await;
    until(async || cell.nodes[0].figure("limits_settlements_waiting") == 0).await;
    // 0.30 are in the ledger, and nothing was forgotten: seven calls fit, and no eighth.
    cell.clock.advance(jiff::SignedDuration::from_secs(61));
    for call in 0..7 {
        let node = &cell.nodes[call % 3];
        node.call(&caller, "0.10").await.expect("admitted");
    }
    let refused = cell.nodes[0].refused(&caller, ask(1, "0.10")).await;
    assert_eq!(refused.code(), "insufficient_quota");
    cell.agrees().await;
    assert_eq!(cell.ledger().await, "1.00");
}

#[tokio::test]
async fn what_was_counted_alone_is_counted_by_the_store_when_it_is_back() {
    let Some(cell) = Cell::of(2).await else { return };
    let (node, caller) = (&cell.nodes[0], &cell.caller);
    // A rate and no limit in money: calls that cost go on, and are charged.
    cell.set(per_minute(8)).await;
    cell.redis.freeze();
    for _ in 0..3 {
        node.call(caller, "0.10").await.expect("within the share");
    }
    let held = node.reserve(caller, ask(5, "0.20")).await.expect("within the share");
    assert!(node.reserve(caller, ask(5, "0.20")).await.is_err(), "half of eight");
    assert!(node.figure("limits_settlements_waiting") >= 1, "they wait");
    cell.redis.thaw();
    cell.up().await;
    until(async || {
        let used = cell.nodes[1].limits.standing(caller, limits::Level::Org, "org").await;
        let used = used.expect("reads").used;
        (used.requests_per_minute, used.concurrency) == (Some(4), Some(1))
    })
    .await;
    let mut more = 0;
    while let Ok(hold) = cell.nodes[1].reserve(caller, Ask::default()).await {
        hold.settle(Used::default());
        more += 1;
    }
    assert_eq!(more, 4, "eight in all");
    let started_at = held.reserved_at();
    node.end(caller, held, started_at, "0.20").await;
    cell.agrees().await;
    assert_eq!(cell.ledger().await, "0.50");
}

#[tokio::test]
async fn a_frozen_store_costs_one_wait_and_not_one_for_each_call() {
    let Some(cell) = Cell::of(1).await else { return };
    let (node, caller) = (&cell.nodes[0], &cell.caller);
    cell.set(per_minute(1_000)).await;
    drop(node.reserve(caller, Ask::default()).await.expect("admitted"));
    until(async || node.figure("limits_settlements_waiting") == 0).await;
    cell.redis.freeze();
    let begun = Instant::now();
    let first = node.reserve(caller, Ask::default()).await;
    assert!(first.is_ok() && begun.elapsed() >= Duration::from_millis(200), "it waited");
    until(async || !node.link.is_up()).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    let begun = Instant::now();
    for _ in 0..100 {
        drop(node.reserve(caller, Ask::default()).await.expect("within the share"));
    }
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    cell.redis.thaw();
    cell.up().await;
}

#[tokio::test]
async fn a_settlement_whose_answer_was_lost_is_charged_once() {
    let Some(cell) = Cell::of(1).await else { return };
    let (node, caller) = (&cell.nodes[0], &cell.caller);
    cell.set(per_month("1.00")).await;
    let hold = node.reserve(caller, ask(1, "0.30")).await.expect("admitted");
    let started_at = hold.reserved_at();
    // The store gets the settlement, and answers when nobody waits any more.
    cell.redis.freeze();
    node.end(caller, hold, started_at, "0.25").await;
    until(async || node.figure("limits_store_failures_total") > 0).await;
    cell.redis.thaw();
    until(async || node.figure("limits_settlements_waiting") == 0 && node.link.is_up()).await;
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.25");
}

#[tokio::test]
async fn a_store_that_has_lost_its_data_stands_on_the_ledger_and_on_what_is_under_way() {
    let Some(cell) = Cell::of(2).await else { return };
    let caller = &cell.caller;
    cell.set(per_month("1.00")).await;
    cell.nodes[0].call(caller, "0.40").await.expect("admitted");
    let held = cell.nodes[1].reserve(caller, ask(1, "0.40")).await.expect("admitted");
    until(async || cell.nodes[0].figure("limits_settlements_waiting") == 0).await;
    assert!(cell.redis.asked("FLUSHALL").await.is_some());

    // Until every node has said what it holds, nobody is admitted who costs something.
    let refused = cell.nodes[0].refused(caller, ask(1, "0.21")).await;
    assert_eq!(refused.code(), "counters_unavailable");
    drop(cell.nodes[0].reserve(caller, Ask::default()).await.expect("costs nothing"));
    until(async || {
        let refused = cell.nodes[0].refused(caller, ask(1, "0.21")).await;
        refused.code() == "insufficient_quota"
    })
    .await;
    assert_eq!(cell.spent().await, "0.80");
    let refused = cell.nodes[0].refused(caller, ask(1, "0.21")).await;
    assert_eq!(refused.code(), "insufficient_quota");
    let started_at = held.reserved_at();
    cell.nodes[1].end(caller, held, started_at, "0.35").await;
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.75");
}

#[tokio::test]
async fn what_a_dead_node_had_recorded_and_not_settled_is_charged_from_the_ledger() {
    let Some(mut cell) = Cell::of(2).await else { return };
    let caller = cell.caller.clone();
    cell.set(per_month("1.00")).await;
    let held = cell.nodes[1].reserve(&caller, ask(1, "0.40")).await.expect("admitted");
    cell.nodes[1].record(&caller, held.reserved_at(), "0.40").await;
    cell.kill(1, vec![held]);
    cell.clock.advance(jiff::SignedDuration::from_secs(9));
    drop(cell.nodes[0].reserve(&caller, Ask::default()).await.expect("costs nothing"));
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.40");
}

#[tokio::test]
async fn what_a_dead_node_may_have_spent_is_not_spent_again_before_the_ledger_says() {
    let Some(mut cell) = Cell::of(2).await else { return };
    let caller = cell.caller.clone();
    cell.set(Ceiling { concurrency: Some(3), ..per_month("1.00") }).await;
    let recorded = cell.nodes[1].reserve(&caller, ask(1, "0.40")).await.expect("admitted");
    cell.nodes[1].record(&caller, recorded.reserved_at(), "0.40").await;
    let lost = cell.nodes[1].reserve(&caller, ask(1, "0.30")).await.expect("admitted");
    cell.kill(1, vec![recorded, lost]);
    cell.clock.advance(jiff::SignedDuration::from_secs(9));
    let begun = Instant::now();
    // Slots are back at once; money only as far as nobody can have spent it.
    let mut slots = Vec::new();
    for _ in 0..3 {
        slots.push(cell.nodes[0].reserve(&caller, Ask::default()).await.expect("admitted"));
    }
    drop(slots);
    until(async || cell.nodes[0].figure("limits_settlements_waiting") == 0).await;
    let refused = cell.nodes[0].refused(&caller, ask(1, "0.31")).await;
    assert_eq!(refused.code(), "insufficient_quota");
    assert_eq!(cell.spent().await, "0.70", "held");
    cell.agrees().await;
    assert!(begun.elapsed() >= Duration::from_secs(3), "a node that is late has time to come back");
    assert_eq!(cell.spent().await, "0.40");
    let refused = cell.nodes[0].refused(&caller, ask(1, "0.61")).await;
    assert_eq!(refused.code(), "insufficient_quota");
    drop(cell.nodes[0].reserve(&caller, ask(1, "0.60")).await.expect("admitted"));
}

#[tokio::test]
async fn an_org_that_cannot_be_brought_back_holds_up_no_other() {
    let Some(cell) = Cell::of(1).await else { return };
    cell.clock.advance(jiff::SignedDuration::from_hours(24));
    let (node, stuck) =
        (&cell.nodes[0], Caller::operator(OrgId::new(cell.clock.now()), Region::Eu, "b"));
    let caller = &cell.caller;
    let mut held = Vec::new();
    // More than are settled in one round.
    for _ in 0..300 {
        held.push(node.reserve(&stuck, ask(1, "0.01")).await.expect("no limit"));
    }
    cell.set(per_month("1.00")).await;
    let ours = node.reserve(caller, ask(1, "0.40")).await.expect("admitted");
    cell.spoil_ledger(&stuck.org).await;
    assert!(cell.redis.asked("FLUSHALL").await.is_some());
    held.clear();
    let started_at = ours.reserved_at();
    node.end(caller, ours, started_at, "0.35").await;
    until(async || node.figure("limits_settlements_waiting") == 300).await;
    // What was in the ledger already when the store was loaded is counted twice until they are compared.
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.35");
    assert!(node.reserve(&stuck, ask(1, "0.01")).await.is_ok(), "it has no limit in money");
}

/// Whether a store is reached; a store that is not is looked at for a second.
async fn reached(
    config: &Config,
    password: Option<&str>,
    roots: &[CertificateDer<'static>],
) -> bool {
    let tasks = Tasks::new();
    let tls = std::sync::Arc::new(base::tls::client(roots).expect("a client"));
    let password = password.map(|text| base::secret::Secret::new(text.to_owned()));
    let address = config.address(password, tls).expect("a URL").expect("a store");
    let link = Link::open(address, &tasks, &base::metrics::Metrics::new());
    let up = async {
        while !link.is_up() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let up = tokio::time::timeout(Duration::from_secs(1), up).await.is_ok();
    tasks.stop();
    up
}

#[tokio::test]
async fn a_store_over_tls_is_believed_by_its_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).expect("writes");
        path.display().to_string()
    };
    let certificate = file("cert.pem", made.cert.pem());
    let key = file("key.pem", made.signing_key.serialize_pem());
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let settings = ["--tls-port", &port.to_string(), "--tls-cert-file", &certificate];
    let settings = [&settings[..], &["--tls-key-file", &key, "--tls-auth-clients", "no"]].concat();
    let settings = [&settings[..], &["--tls-ca-cert-file", &certificate]].concat();
    let Some(_redis) = Redis::with(&settings).await else { return };
    let store = Some(format!("rediss://localhost:{port}"));
    let config = Config { store, ..Config::default() };
    assert!(reached(&config, None, &[made.cert.der().clone()]).await, "by its own root");
    assert!(!reached(&config, None, &[]).await, "nobody has signed it");
}

#[tokio::test]
async fn the_store_is_asked_with_its_password_and_must_not_forget_by_itself() {
    for (settings, password, is) in [
        (vec!["--requirepass", "secret"], Some("secret"), true),
        (vec!["--requirepass", "secret"], None, false),
        (vec!["--requirepass", "secret"], Some("wrong"), false),
        (vec!["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], None, false),
        (vec!["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"], None, true),
        (vec!["--replicaof", "127.0.0.1 1"], None, false),
    ] {
        let Some(redis) = Redis::with(&settings).await else { return };
        let config = Config { store: Some(redis.url()), ..Config::default() };
        assert_eq!(reached(&config, password, &[]).await, is, "{settings:?}");
    }
}
