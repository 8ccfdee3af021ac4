//! Several nodes over one database, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod house;

use std::time::Duration;

use access::Region;
use audit::Outcome;
use base::args;
use base::db::{Statement, Within};
use nodes::Error;

use self::house::{House, Node, PULSE, call, caller, ended};

const CHANGED: &str = "identity.key.revoked";

#[tokio::test]
async fn what_one_node_changes_is_heard_by_the_others_once() {
    for house in House::on_each_engine().await {
        let (a, b) = (house.node("a").await, house.node("b").await);
        a.nodes.tend_once().await;
        let org = house.org();
        b.change(&org, CHANGED).await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.heard(), std::slice::from_ref(&org), "{:?}", house.engine());
        a.nodes.tend_once().await;
        assert!(a.ear.heard().is_empty(), "once");
        b.nodes.tend_once().await;
        assert!(b.ear.heard().is_empty(), "nobody hears what they changed themselves");
        // What a room does not listen to, it is not told; an erasure matters to everybody.
        b.change(&org, "chat.retention.set").await;
        a.nodes.tend_once().await;
        assert!(a.ear.heard().is_empty());
        b.change(&org, "privacy.person.erased").await;
        // Again of the same room, and of another org.
        let other = house.org();
        b.change(&other, CHANGED).await;
        b.change(&org, CHANGED).await;
        a.nodes.tend_once().await;
        // In no order: the clock stands still.
        let mut heard = a.ear.heard();
        heard.sort();
        let mut told = [org.clone(), other, org.clone()];
        told.sort();
        assert_eq!(heard, told);
        // A call is no change.
        b.record.open_call(&caller(&org), &call("call_1")).await.expect("durable");
        a.nodes.tend_once().await;
        assert!(a.ear.heard().is_empty());
        // The last words of a node that leaves are heard behind its end.
        b.change(&org, CHANGED).await;
        b.stop().await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.heard(), [org]);
        assert_eq!(a.nodes.living().of(Region::Eu), 1);
        a.stop().await;
    }
}

#[tokio::test]
async fn a_change_that_commits_late_is_heard_as_well() {
    for house in House::on_each_engine().await {
        let (a, b) = (house.node("a").await, house.node("b").await);
        a.nodes.tend_once().await;
        let (early, late) = (house.org(), house.org());
        b.change(&early, CHANGED).await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.heard(), [early]);
        // It took its instant before the other one, and became visible behind it.
        b.change(&late, CHANGED).await;
        let back =
            Statement::new("set back", "UPDATE nodes_news SET at = at - $2 WHERE org_id = $1");
        house.write(back, args![late.as_str(), 4_000_000]).await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.heard(), [late], "{:?}", house.engine());
        a.stop().await;
        b.stop().await;
    }
}

#[tokio::test]
async fn what_a_command_changes_is_heard_too() {
    for house in House::on_each_engine().await {
        let a = house.node("a").await;
        a.nodes.tend_once().await;
        let (org, command) = (house.org(), house.process("a"));
        command.change(&org, CHANGED).await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.heard(), [org], "{:?}", house.engine());
        assert_eq!(a.nodes.living().of(Region::Eu), 1, "it serves nobody");
        command.stop().await;
        a.stop().await;
    }
}

#[tokio::test]
async fn whoever_asks_sees_who_serves_and_who_drains() {
    for house in House::on_each_engine().await {
        let (a, b) = (house.node("a").await, house.node("b").await);
        b.life.drain().await;
        let nodes = nodes::members(&house.bench.db).await.expect("reads");
        let told: Vec<_> =
            nodes.iter().map(|one| (&*one.node, one.draining_at.is_some())).collect();
        assert_eq!(told, [("a", false), ("b", true)], "{:?}", house.engine());
        assert_eq!((&*nodes[0].version, nodes[0].dead_at), ("1.2.3", None));
        a.nodes.tend_once().await;
        assert_eq!(a.nodes.living().of(Region::Eu), 2, "it still has calls under way");
        a.stop().await;
        b.stop().await;
    }
}

#[tokio::test]
async fn a_second_process_of_the_same_name_is_refused() {
    for house in House::on_each_engine().await {
        let a = house.node("a").await;
        let second = house.silent("a");
        let refused = second.nodes.join(&[]).await;
        assert!(
            matches!(refused, Err(Error::Namesake { ref node, .. }) if node == "a"),
            "{refused:?}"
        );
        // Once it has left, the name is free at once.
        a.stop().await;
        let begun = tokio::time::Instant::now();
        second.nodes.join(&[]).await.expect("is free");
        assert!(begun.elapsed() < PULSE.dead_after);
        // One that is proven to be over need not be watched either.
        let third = house.silent("a");
        third.nodes.join(&[second.instance()]).await.expect("is proven dead");
        assert!(begun.elapsed() < PULSE.dead_after, "{:?}", house.engine());
        // One that is only silent is watched first.
        let fourth = house.process("a");
        fourth.nodes.join(&[]).await.expect("is dead");
        assert!(begun.elapsed() >= PULSE.dead_after);
        fourth.stop().await;
        second.stop().await;
        third.stop().await;
    }
}

/// Looks until the dead are buried.
async fn until_buried(nodes: &[&Node]) {
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let looks = nodes.iter().map(|node| async { node.nodes.tend_once().await });
        futures(looks.collect()).await;
        if nodes
            .iter()
            .all(|node| usize::try_from(node.nodes.living().of(Region::Eu)) == Ok(nodes.len()))
            && nodes[0].house_members().await == nodes.len()
        {
            return;
        }
        tokio::time::sleep(PULSE.dead_after / 40).await;
    }
    unreachable!("nobody was buried");
}

/// All of them at once.
async fn futures<T: Future<Output = ()>>(all: Vec<T>) {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_a_node_that_died_are_closed_by_another_one_and_never_twice() {
    for house in House::on_each_engine().await {
        let (a, b, dead) = (house.node("a").await, house.node("b").await, house.silent("dead"));
        dead.nodes.join(&[]).await.expect("joins");
        let orgs = [house.org(), house.org(), house.org()];
        for org in &orgs {
            let caller = caller(org);
            for node in [&a, &dead] {
                for number in 0..3 {
                    let id = format!("call_{}_{number}", node.name);
                    node.record.open_call(&caller, &call(&id)).await.expect("durable");
                }
            }
            dead.record.close_call(&caller, &ended("call_dead_0")).await.expect("durable");
        }
        // It stands still: its row does not beat.
        until_buried(&[&a, &b]).await;
        for org in &orgs {
            let caller = caller(org);
            // It wakes, and says how its calls ended, or that another one begins.
            let late = dead.record.close_call(&caller, &ended("call_dead_1")).await;
            assert!(late.is_err(), "{:?}", house.engine());
            assert!(dead.record.open_call(&caller, &call("call_dead_9")).await.is_err());
            let ends = house.ends(org).await;
            let unknown =
                ["call_dead_1", "call_dead_2"].map(|id| (id.to_owned(), Outcome::Unknown));
            let mut expected = vec![("call_dead_0".to_owned(), Outcome::Success)];
            expected.extend(unknown);
            assert_eq!(ends, expected, "{:?}", house.engine());
            // The living one's calls are its own to end.
            a.record.close_call(&caller, &ended("call_a_0")).await.expect("durable");
        }
        assert_eq!(a.nodes.living().of(Region::Eu), 2);
        // Its next life finds nothing to close.
        let next = house.node("dead").await;
        assert_eq!(next.record.sweep().await.expect("sweeps"), 0);
        for node in [a, b, next, dead] {
            node.stop().await;
        }
    }
}

#[tokio::test]
async fn a_node_that_was_taken_for_dead_changes_nothing_and_learns_of_it() {
    for house in House::on_each_engine().await {
        let (a, dead) = (house.node("a").await, house.silent("dead"));
        dead.nodes.join(&[]).await.expect("joins");
        let org = house.org();
        dead.change(&org, CHANGED).await;
        let events = house.events(&org).await;
        until_buried(&[&a]).await;
        let error = dead.try_change(&org, CHANGED).await.expect_err("is dead");
        let told = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(told.contains("other nodes took this one for dead"), "{told}");
        assert_eq!(house.events(&org).await, events, "{:?}", house.engine());
        dead.nodes.tend_once().await;
        let lost = tokio::time::timeout(Duration::from_secs(1), dead.life.lost());
        lost.await.expect("it learns of it");
        a.stop().await;
        dead.stop().await;
    }
}

#[tokio::test]
async fn whoever_did_not_look_takes_nobody_for_dead() {
    for house in House::on_each_engine().await {
        let (a, silent) = (house.node("a").await, house.silent("silent"));
        silent.nodes.join(&[]).await.expect("joins");
        a.nodes.tend_once().await;
        // Nobody looked: the database was away, or this process stood still.
        tokio::time::sleep(PULSE.dead_after * 2).await;
        a.nodes.tend_once().await;
        assert_eq!(a.nodes.living().of(Region::Eu), 2, "{:?}", house.engine());
        assert_eq!(a.house_members().await, 2);
        until_buried(&[&a]).await;
        a.stop().await;
        silent.stop().await;
    }
}

#[tokio::test]
async fn who_hears_nothing_for_long_doubts_what_it_remembers() {
    for house in House::on_each_engine().await {
        let a = house.node("a").await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.doubts(), 0);
        house.take_the_news_away().await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.doubts(), 0, "not at once");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        a.nodes.tend_once().await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.doubts(), 2, "as long as it lasts: {:?}", house.engine());
        house.bring_the_news_back().await;
        a.nodes.tend_once().await;
        a.nodes.tend_once().await;
        assert_eq!(a.ear.doubts(), 2);
        a.stop().await;
    }
}

#[tokio::test]
async fn news_of_those_who_are_gone_are_dropped() {
    for house in House::on_each_engine().await {
        let (a, b) = (house.node("a").await, house.node("b").await);
        a.nodes.tend_once().await;
        let org = house.org();
        b.change(&org, CHANGED).await;
        a.nodes.tend_once().await;
        assert_eq!(house.news().await, 1);
        b.stop().await;
        a.nodes.tend_once().await;
        assert_eq!(house.news().await, 1, "somebody may not have heard it yet");
        tokio::time::sleep(PULSE.gone_after).await;
        a.nodes.tend_once().await;
        assert_eq!(house.news().await, 0, "{:?}", house.engine());
        let writers = Statement::new("count", "SELECT COUNT(*) AS rows FROM nodes_writer");
        let rows = house.bench.db.all(&Within::node(), writers, args![]).await.expect("reads");
        assert_eq!(rows[0].int("rows").expect("a number"), 1, "this node's own");
        a.stop().await;
    }
}

#[tokio::test]
async fn who_joins_later_hears_only_what_is_new_to_it() {
    for house in House::on_each_engine().await {
        let b = house.node("b").await;
        let (old, young) = (house.org(), house.org());
        b.change(&old, CHANGED).await;
        house.clock.advance(jiff::SignedDuration::from_mins(5));
        b.change(&young, CHANGED).await;
        let a = house.node("a").await;
        a.nodes.tend_once().await;
        // The last half minute is told again: it might have begun to read an org meanwhile.
        assert_eq!(a.ear.heard(), [young], "{:?}", house.engine());
        a.stop().await;
        b.stop().await;
    }
}
