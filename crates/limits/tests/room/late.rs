//! What comes late: calls under way whose leases ended unseen, outcomes, and answers.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use limits::{Ask, Ceiling, Used};

use crate::bench::{ask, money, per_minute, per_month};
use crate::cell::{Cell, until};

#[tokio::test]
async fn calls_under_way_are_held_again_when_the_store_was_away_for_longer_than_their_lease() {
    let Some(cell) = Cell::of(2).await else { return };
    let (node, caller) = (&cell.nodes[0], &cell.caller);
    cell.set(Ceiling { concurrency: Some(2), ..per_month("1.00") }).await;
    let mut held = Vec::new();
    for node in &cell.nodes {
        held.push((node, node.reserve(caller, ask(1, "0.40")).await.expect("admitted")));
    }
    cell.redis.freeze();
    until(async || cell.nodes.iter().all(|node| !node.link.is_up())).await;
    cell.clock.advance(SignedDuration::from_secs(9));
    cell.redis.thaw();
    cell.up().await;
    until(async || {
        node.figure("limits_leases_lapsed_total")
            + cell.nodes[1].figure("limits_leases_lapsed_total")
            == 2
    })
    .await;
    until(async || cell.at_once().await == 2).await;
    // Beyond the comparison with a ledger that has nothing of them.
    for _ in 0..7 {
        node.beaten().await;
        assert_eq!((cell.at_once().await, cell.spent().await), (2, "0.80".to_owned()));
        assert!(node.reserve(caller, Ask::default()).await.is_err(), "both slots are taken");
    }
    for (node, hold) in held {
        let started_at = hold.reserved_at();
        node.end(caller, hold, started_at, "0.35").await;
    }
    cell.agrees().await;
    assert_eq!((cell.at_once().await, cell.spent().await), (0, "0.70".to_owned()));
}

#[tokio::test]
async fn an_outcome_that_is_committed_late_is_counted_though_counters_were_compared_before() {
    let Some(mut cell) = Cell::of(2).await else { return };
    let caller = cell.caller.clone();
    cell.set(per_month("1.00")).await;
    let lost = cell.nodes[1].reserve(&caller, ask(1, "0.10")).await.expect("admitted");
    cell.kill(1, vec![lost]);
    cell.clock.advance(SignedDuration::from_secs(9));
    let node = &cell.nodes[0];
    let hold = node.reserve(&caller, ask(1, "0.40")).await.expect("admitted");
    let (started_at, hangs) = (hold.reserved_at(), cell.commits_hang().await);
    hold.settle(Used { tokens: 7, money: money("0.40") });
    let landed = node.record(&caller, started_at, "0.40");
    let compared = async {
        // A lease has ended, so the counters stand on a ledger that lacks what hangs.
        until(async || cell.spent().await == "0.00").await;
        cell.clock.advance(SignedDuration::from_secs(2));
        drop(hangs);
    };
    tokio::join!(landed, compared);
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.40");
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_store_answers_leaves_nothing_held() {
    let Some(cell) = Cell::of(1).await else { return };
    let (node, caller) = (&cell.nodes[0], &cell.caller);
    cell.set(Ceiling { concurrency: Some(1), ..per_month("1.00") }).await;
    drop(node.reserve(caller, ask(1, "0.10")).await.expect("admitted"));
    until(async || cell.at_once().await == 0).await;
    cell.redis.freeze();
    let asked = node.reserve(caller, ask(1, "0.40"));
    assert!(tokio::time::timeout(Duration::from_millis(50), asked).await.is_err(), "it left");
    cell.redis.thaw();
    cell.up().await;
    until(async || node.figure("limits_settlements_waiting") == 0).await;
    until(async || cell.at_once().await == 0 && cell.spent().await == "0.00").await;
    drop(node.reserve(caller, ask(1, "1.00")).await.expect("all of it is free"));
}

#[tokio::test]
async fn an_answer_that_comes_too_late_costs_a_request_and_lets_in_none_too_many() {
    let Some(cell) = Cell::of(2).await else { return };
    let (one, other, caller) = (&cell.nodes[0], &cell.nodes[1], &cell.caller);
    cell.set(per_minute(4)).await;
    let mut admitted = Vec::new();
    for _ in 0..2 {
        admitted.push(one.reserve(caller, Ask::default()).await.expect("its share"));
    }
    cell.redis.freeze();
    assert!(one.reserve(caller, Ask::default()).await.is_err(), "beyond its share");
    cell.redis.thaw();
    // The store has counted it by now.
    cell.up().await;
    until(async || one.figure("limits_settlements_waiting") == 0).await;
    while let Ok(hold) = other.reserve(caller, Ask::default()).await {
        admitted.push(hold);
    }
    assert_eq!(admitted.len(), 3, "of four");
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_ends_no_lease() {
    let Some(cell) = Cell::over_postgres(2).await else { return };
    let (node, caller) = (&cell.nodes[1], &cell.caller);
    cell.set(Ceiling { concurrency: Some(1), ..per_month("1.00") }).await;
    let held = node.reserve(caller, ask(1, "0.40")).await.expect("admitted");
    let hangs = cell.ledger_hangs().await;
    let begun = Instant::now();
    // Calls are under way, so nodes look into the ledger.
    let comparing = format!("EXISTS portico:{{{}}}:comparing", caller.org.as_str());
    until(async || cell.redis.asked(&comparing).await.is_some_and(|is| is.contains('1'))).await;
    for _ in 0..3 {
        for _ in 0..2 {
            node.beaten().await;
        }
        cell.clock.advance(SignedDuration::from_secs(4));
    }
    assert!(begun.elapsed() < Duration::from_secs(13), "{:?}: it still hangs", begun.elapsed());
    assert_eq!(cell.at_once().await, 1, "twelve seconds later");
    let refused = cell.nodes[0].refused(caller, Ask::default()).await;
    assert_eq!(refused.code(), "rate_limit_exceeded", "{}", refused.detail());
    drop(hangs);
    let lapsed = |node: &crate::cell::Node| node.figure("limits_leases_lapsed_total");
    assert_eq!(cell.nodes.iter().map(lapsed).sum::<u64>(), 0);
    let started_at = held.reserved_at();
    node.end(caller, held, started_at, "0.35").await;
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.35");
}

#[tokio::test]
async fn a_ledger_that_takes_seconds_is_read_once_and_then_the_counters_stand_on_it() {
    let Some(mut cell) = Cell::over_postgres(3).await else { return };
    let caller = cell.caller.clone();
    cell.set(per_month("1.00")).await;
    for node in &cell.nodes {
        drop(node.reserve(&caller, Ask::default()).await.expect("costs nothing"));
    }
    let held = cell.nodes[2].reserve(&caller, ask(1, "0.40")).await.expect("admitted");
    cell.nodes[2].record(&caller, held.reserved_at(), "0.30").await;
    cell.kill(2, vec![held]);
    let mut hangs = cell.ledger_hangs().await;
    cell.clock.advance(SignedDuration::from_secs(9));
    let mut waiting = 0;
    while waiting == 0 {
        waiting = Cell::waiting(&mut hangs).await;
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(7) {
        assert_eq!(Cell::waiting(&mut hangs).await, 1, "{:?}", begun.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(hangs);
    until(async || cell.spent().await == "0.30").await;
    let failures = |node: &crate::cell::Node| node.figure("limits_comparison_failures_total");
    assert_eq!(cell.nodes.iter().map(failures).sum::<u64>(), 0);
}
