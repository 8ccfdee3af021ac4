//! When the store of the counters comes back with data of before.

use std::time::Instant;

use limits::{Ask, Level};

use crate::bench::{ask, per_month};
use crate::cell::{Cell, until};

/// Two nodes over a store that keeps what `SAVE` wrote.
async fn cell() -> Option<(Cell, tempfile::TempDir)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    Some((Cell::with(&["--dir", &path], 2).await?, folder))
}

async fn saved(cell: &Cell) {
    assert_eq!(cell.redis.asked("SAVE").await.as_deref(), Some("+OK\r\n"));
}

/// Killed, and started again from its dump.
async fn restored(cell: &mut Cell) {
    cell.redis.kill();
    cell.redis.restart().await;
    assert_ne!(cell.redis.asked("DBSIZE").await.as_deref(), Some(":0\r\n"), "it has its dump");
}

#[tokio::test]
async fn a_store_that_comes_back_with_counters_of_before_lets_nothing_be_overshot() {
    let Some((mut cell, _folder)) = cell().await else { return };
    let caller = cell.caller.clone();
    cell.set(per_month("1.00")).await;
    drop(cell.nodes[0].reserve(&caller, Ask::default()).await.expect("costs nothing"));
    cell.agrees().await;
    saved(&cell).await;
    for call in 0..8 {
        cell.nodes[call % 2].call(&caller, "0.10").await.expect("admitted");
    }
    let held = cell.nodes[1].reserve(&caller, ask(1, "0.10")).await.expect("admitted");
    until(async || cell.nodes.iter().all(|node| node.figure("limits_settlements_waiting") == 0))
        .await;
    assert_eq!(cell.spent().await, "0.90");
    restored(&mut cell).await;

    let begun = Instant::now();
    for node in &cell.nodes {
        assert!(node.reserve(&caller, ask(1, "0.11")).await.is_err(), "0.10 are left");
    }
    until(async || {
        let refused = cell.nodes[0].refused(&caller, ask(1, "0.11")).await;
        refused.code() == "insufficient_quota"
    })
    .await;
    assert!(begun.elapsed().as_secs() >= 2, "nodes had time to say what they hold");
    assert_eq!(cell.spent().await, "0.90");
    drop(cell.nodes[0].reserve(&caller, ask(1, "0.10")).await.expect("it is left"));
    let started_at = held.reserved_at();
    cell.nodes[1].end(&caller, held, started_at, "0.05").await;
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.85");
}

#[tokio::test]
async fn an_org_that_began_after_the_dump_is_one_that_the_store_has_lost() {
    let Some((mut cell, _folder)) = cell().await else { return };
    let caller = cell.caller.clone();
    saved(&cell).await;
    // One node alone knows the org.
    let set = cell.nodes[1].limits.set(&caller, Level::Org, "org", per_month("1.00"));
    set.await.expect("sets");
    let held = cell.nodes[1].reserve(&caller, ask(1, "0.90")).await.expect("admitted");
    restored(&mut cell).await;
    let refused = cell.nodes[0].refused(&caller, ask(1, "0.20")).await;
    assert_eq!(refused.code(), "counters_unavailable", "the other node has not said what it holds");
    until(async || {
        let refused = cell.nodes[0].refused(&caller, ask(1, "0.20")).await;
        refused.code() == "insufficient_quota"
    })
    .await;
    let started_at = held.reserved_at();
    cell.nodes[1].end(&caller, held, started_at, "0.90").await;
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.90");
}
