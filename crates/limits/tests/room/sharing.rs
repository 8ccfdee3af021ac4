//! Several nodes count together.

use std::sync::Arc;

use base::time::{At, Clock, SharedClock};
use jiff::SignedDuration;
use limits::{Ask, Ceiling, Level, StoreClock, Used};
use tokio::task::JoinSet;

use crate::bench::{ask, money, per_minute, per_month};
use crate::cell::{Cell, until};

/// Who asks at once, over all nodes.
const CLIENTS: u32 = 12;

fn at_once(calls: u64) -> Ceiling {
    Ceiling { concurrency: Some(calls), ..Ceiling::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_and_six_nodes_at_ten_times_the_load_admit_exactly_the_limit() {
    for nodes in [1, 3, 6] {
        let Some(cell) = Cell::of(nodes).await else { return };
        cell.set(Ceiling { money_per_month: Some(money("1.00")), ..per_minute(150) }).await;
        let (cell, mut asking) = (Arc::new(cell), JoinSet::new());
        for node in 0..usize::try_from(nodes).expect("few") {
            for _ in 0..CLIENTS / nodes {
                let cell = Arc::clone(&cell);
                asking.spawn(async move {
                    let mut admitted = 0;
                    for call in 0..10 * 150 / CLIENTS {
                        // Every third costs; of 0.03 each, 33 fit in the budget.
                        let price = if call % 3 == 0 { "0.03" } else { "0.00" };
                        let asked = cell.nodes[node].reserve(&cell.caller, ask(1, price)).await;
                        if let Ok(hold) = asked {
                            admitted += 1;
                            hold.settle(Used { tokens: 1, money: money(price) });
                        }
                    }
                    admitted
                });
            }
        }
        let admitted: usize = asking.join_all().await.into_iter().sum();
        assert_eq!(admitted, 150, "{nodes} nodes");
        crate::cell::until(async || {
            cell.nodes.iter().all(|node| node.figure("limits_settlements_waiting") == 0)
        })
        .await;
        let spent = cell.spent().await;
        assert_eq!(spent, "0.99", "{nodes} nodes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_spent_to_the_last_call_and_not_beyond_by_six_nodes_of_which_three_die() {
    let Some(mut cell) = Cell::of(6).await else { return };
    cell.set(per_month("1.00")).await;
    let caller = cell.caller.clone();
    let (mut dead, mut living) = (Vec::new(), Vec::new());
    for round in 0..60 {
        let asking = if round < 10 { &cell.nodes[..] } else { &cell.nodes[..3] };
        for (place, node) in asking.iter().enumerate() {
            if let Ok(hold) = node.reserve(&caller, ask(1, "0.01")).await {
                let whose = if place < 3 { &mut living } else { &mut dead };
                whose.push(hold);
            }
        }
    }
    assert_eq!((dead.len(), living.len()), (30, 70), "not one beyond 1.00");
    for _ in 0..3 {
        cell.kill(5.min(cell.nodes.len() - 1), std::mem::take(&mut dead));
    }
    // The living give signs of life, the dead do not: after eight seconds their money is back,
    // once the ledger has said that none of it was spent.
    cell.clock.advance(SignedDuration::from_secs(5));
    for node in &cell.nodes {
        node.beaten().await;
    }
    assert!(cell.nodes[0].reserve(&caller, ask(1, "0.01")).await.is_err(), "5 s: still held");
    cell.clock.advance(SignedDuration::from_secs(3));
    let mut back = Vec::new();
    while back.len() < 30 {
        until(async || cell.spent().await != "1.00").await;
        while let Ok(hold) = cell.nodes[1].reserve(&caller, ask(1, "0.01")).await {
            back.push(hold);
        }
    }
    assert_eq!(back.len(), 30, "all that the dead held, and no more");
    assert_eq!(cell.spent().await, "1.00");
}

#[tokio::test]
async fn slots_of_a_node_that_dies_are_back_within_ten_seconds_and_those_of_the_living_are_kept() {
    let Some(mut cell) = Cell::of(3).await else { return };
    cell.set(at_once(9)).await;
    let caller = cell.caller.clone();
    let mut held: Vec<Vec<_>> = vec![Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..4 {
        for (node, holds) in cell.nodes.iter().zip(&mut held) {
            if let Ok(hold) = node.reserve(&caller, Ask::default()).await {
                holds.push(hold);
            }
        }
    }
    assert_eq!(held.iter().map(Vec::len).sum::<usize>(), 9);
    let theirs = held.pop().expect("three");
    cell.kill(2, theirs);
    for seconds in [5, 4] {
        for node in &cell.nodes {
            node.beaten().await;
        }
        cell.clock.advance(SignedDuration::from_secs(seconds));
    }
    let mut back = Vec::new();
    while let Ok(hold) = cell.nodes[0].reserve(&caller, Ask::default()).await {
        back.push(hold);
    }
    assert_eq!(back.len(), 3, "after nine seconds");
}

#[tokio::test]
async fn a_lease_that_ends_just_as_limits_change_gives_back_what_it_held() {
    let Some(mut cell) = Cell::of(2).await else { return };
    cell.set(at_once(2)).await;
    let caller = cell.caller.clone();
    let mut held = Vec::new();
    while let Ok(hold) = cell.nodes[1].reserve(&caller, Ask::default()).await {
        held.push(hold);
    }
    assert_eq!(held.len(), 2);
    cell.kill(1, held);
    for _ in 0..3 {
        // The next call finds its limits changed and the leases over, in one step.
        cell.set(at_once(2)).await;
        cell.clock.advance(SignedDuration::from_secs(9));
        let one = cell.nodes[0].reserve(&caller, Ask::default()).await.expect("they are back");
        let two = cell.nodes[0].reserve(&caller, Ask::default()).await.expect("both");
        assert!(cell.nodes[0].reserve(&caller, Ask::default()).await.is_err());
        drop((one, two));
        crate::cell::until(async || cell.nodes[0].figure("limits_settlements_waiting") == 0).await;
        crate::cell::until(async || {
            let left = cell.nodes[0].limits.standing(&caller, Level::Org, "org").await;
            left.expect("reads").used.concurrency == Some(0)
        })
        .await;
    }
}

#[tokio::test]
async fn a_limit_that_is_changed_on_one_node_applies_to_the_next_call_on_another() {
    let Some(cell) = Cell::of(2).await else { return };
    let (one, other, caller) = (&cell.nodes[0], &cell.nodes[1], &cell.caller);
    for limit in [3, 1, 2] {
        one.limits.set(caller, Level::Org, "org", at_once(limit)).await.expect("sets");
        let mut held = Vec::new();
        while let Ok(hold) = other.reserve(caller, Ask::default()).await {
            held.push(hold);
        }
        assert_eq!(u64::try_from(held.len()).expect("few"), limit);
        drop(held);
        crate::cell::until(async || {
            other.figure("limits_settlements_waiting") == 0 && {
                let left = one.limits.standing(caller, Level::Org, "org").await.expect("reads");
                left.used.concurrency == Some(0)
            }
        })
        .await;
    }
    one.limits.remove(caller, Level::Org, "org").await.expect("removes");
    let many: Vec<_> = (0..5).collect();
    for _ in many {
        std::mem::forget(other.reserve(caller, Ask::default()).await.expect("no limit"));
    }
}

/// A clock that is wrong by so much.
#[derive(Debug)]
struct Wrong(SignedDuration);

impl Clock for Wrong {
    fn now(&self) -> At {
        base::time::SystemClock.now() + self.0
    }
}

#[tokio::test]
async fn a_node_whose_clock_is_an_hour_ahead_carries_nobody_along() {
    let Some(mut cell) = Cell::of(0).await else { return };
    for wrong in [SignedDuration::ZERO, SignedDuration::from_hours(1)] {
        let clock: SharedClock = Arc::new(Wrong(wrong));
        cell.join(2, clock, StoreClock::Judges);
    }
    cell.up().await;
    let (right, ahead) = (&cell.nodes[0], &cell.nodes[1]);
    let known = right.reserve(&cell.caller, Ask::default()).await.expect("no limit");
    let hold = ahead.reserve(&cell.caller, Ask::default()).await.expect("no limit");
    let apart = hold.reserved_at().duration_since(known.reserved_at());
    assert!(apart <= SignedDuration::from_secs(10), "{apart}");
}

#[tokio::test]
async fn nodes_whose_clocks_differ_let_nothing_be_overshot() {
    let Some(mut cell) = Cell::of(1).await else { return };
    let behind = cell.clock.clone();
    let ahead = base::testing::StillClock::new();
    ahead.advance(SignedDuration::from_secs(3));
    cell.join(2, ahead.shared(), StoreClock::IsNotAsked);
    cell.up().await;
    cell.set(per_minute(20)).await;
    let mut admitted = Vec::new();
    for _ in 0..1_200 {
        behind.advance(SignedDuration::from_millis(100));
        ahead.advance(SignedDuration::from_millis(100));
        for node in &cell.nodes {
            if let Ok(hold) = node.reserve(&cell.caller, Ask::default()).await {
                admitted.push(hold.reserved_at());
            }
        }
    }
    for (place, at) in admitted.iter().enumerate() {
        let within = |later: &&At| later.duration_since(*at) < SignedDuration::from_secs(60);
        let many = admitted[place..].iter().filter(within).count();
        assert!(many <= 20, "{many} within 60 s");
    }
    assert!(admitted.len() >= 40, "two minutes admit twice the limit");
}

#[tokio::test]
async fn many_who_look_at_once_who_is_near_a_limit_cost_the_store_two_looks() {
    let Some(cell) = Cell::of(1).await else { return };
    let (node, caller) = (&cell.nodes[0], &cell.caller);
    cell.set(at_once(1)).await;
    let _hold = node.reserve(caller, Ask::default()).await.expect("admitted");
    let before = node.figure("limits_store_seconds_count");
    let looks = (0..40).map(|_| node.limits.near(caller));
    for near in futures_util::future::join_all(looks).await {
        assert_eq!(near.expect("reads").len(), 1, "one call of one at once");
    }
    // Each is two steps; a beat may have come in between.
    let steps = node.figure("limits_store_seconds_count") - before;
    assert!((2..20).contains(&steps), "{steps}");
}
