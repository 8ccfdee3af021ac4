//! When many calls are in doubt at once: a node died with them, or was away for too long.

use std::time::{Duration, Instant};

use access::{Access, Actor, Caller, Identified, KeyId, MemberId, Origin, Region, Standing};
use base::time::Clock as _;
use jiff::SignedDuration;

use crate::bench::{ask, per_month};
use crate::cell::{Cell, until};

/// Somebody of the org whom nobody else is.
fn somebody(cell: &Cell) -> Caller {
    Caller::identified(Identified {
        org: cell.caller.org.clone(),
        region: Region::Eu,
        actor: Actor::Member(MemberId::new(cell.clock.now())),
        key: Some(KeyId::new(cell.clock.now())),
        teams: [].into(),
        access: std::sync::Arc::new(Access::compile(Vec::new(), None, 0)),
        models: None,
        origin: Origin::default(),
        standing: Standing::default(),
    })
}

/// One node is late with some calls, the other one dies with some; each is somebody else's. Until
/// all that the dead one held is given back, in one comparison.
async fn given_back(late: usize, dead: usize) {
    let Some(mut cell) = Cell::of(2).await else { return };
    let caller = cell.caller.clone();
    cell.set(per_month("9.00")).await;
    let mut held = [Vec::new(), Vec::new()];
    for (node, many) in [late, dead].into_iter().enumerate() {
        for _ in 0..many {
            let made = cell.nodes[node].reserve(&somebody(&cell), ask(1, "0.01")).await;
            held[node].push(made.expect("admitted"));
        }
    }
    let [late, dead] = held;
    let cents = |calls: usize| format!("{}.{:02}", calls / 100, calls % 100);
    assert_eq!(cell.spent().await, cents(late.len() + dead.len()));
    cell.kill(1, dead);
    cell.clock.advance(SignedDuration::from_secs(9));
    let begun = Instant::now();
    until(async || cell.spent().await == cents(late.len())).await;
    // A second one would come eight seconds after the first.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(cell.spent().await, cents(late.len()), "what is under way is held");
    // Comparisons go on: an outcome that the store was not told of is seen.
    cell.nodes[0].record(&caller, cell.clock.now(), "0.70").await;
    drop(late);
    cell.agrees().await;
    assert_eq!(cell.spent().await, "0.70");
}

#[tokio::test]
async fn calls_that_a_late_node_takes_up_again_do_not_keep_a_comparison_going_for_ever() {
    given_back(60, 120).await;
}

#[tokio::test]
async fn all_that_a_dead_node_held_is_given_back_in_one_comparison() {
    given_back(1, 350).await;
}
