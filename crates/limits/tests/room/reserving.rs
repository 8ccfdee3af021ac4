//! Reserving at every level at once.

use std::sync::Arc;
use std::time::Duration;

use access::Role;
use jiff::SignedDuration;
use limits::{Ask, Ceiling, Error, Level, Used};
use tokio::task::JoinSet;

use crate::bench::{Room, ask, fresh, money, per_minute, per_month};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_clients_at_once_get_exactly_twenty_of_twenty() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        room.set(&caller, Level::Org, "org", per_minute(20)).await;
        // As after a restart, so that all eight meet an org that is not loaded yet.
        let room = Arc::new(room.restarted().await);
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (room, caller) = (Arc::clone(&room), caller.clone());
            clients.spawn(async move {
                let mut admitted = 0;
                for _ in 0..50 {
                    match room.reserve(&caller, Ask::default()).await {
                        Ok(hold) => {
                            hold.settle(Used::default());
                            admitted += 1;
                        }
                        Err(error) => assert!(matches!(error, Error::Refused(_)), "{error}"),
                    }
                }
                admitted
            });
        }
        let admitted: usize = clients.join_all().await.into_iter().sum();
        assert_eq!(admitted, 20, "{:?}", room.engine());
    }
}

#[tokio::test]
async fn concurrent_calls_never_overshoot_a_budget() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        room.set(&caller, Level::Org, "org", per_month("1.00")).await;
        let mut held = Vec::new();
        while let Ok(hold) = room.reserve(&caller, ask(1, "0.30")).await {
            held.push(hold);
        }
        assert_eq!(held.len(), 3, "a fourth could cost more than is left");
        held.pop().expect("a hold").settle(Used { tokens: 1, money: money("0.05") });
        assert!(room.reserve(&caller, ask(1, "0.35")).await.is_ok(), "0.25 came back");
        let problem = room.refused(&caller, ask(1, "0.36")).await;
        assert_eq!(problem.code(), "insufficient_quota");
    }
}

#[tokio::test]
async fn a_hold_that_is_dropped_gives_back_its_slot() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        let one = Ceiling { concurrency: Some(1), ..Ceiling::default() };
        room.set(&caller, Level::Model, "small", one).await;
        let hold = room.reserve(&caller, Ask::default()).await.expect("the first");
        hold.extend();
        assert_eq!(
            room.refused(&caller, Ask::default()).await.detail(),
            "the limit of the model allows 1 call at once; none is left"
        );
        drop(hold);
        assert!(room.reserve(&caller, Ask::default()).await.is_ok(), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn two_orgs_do_not_share_counters() {
    for room in Room::on_each_engine().await {
        let (ours, theirs) = (room.operator(), room.operator());
        for caller in [&ours, &theirs] {
            room.set(caller, Level::Model, "small", per_minute(1)).await;
        }
        assert!(room.reserve(&ours, Ask::default()).await.is_ok());
        assert!(room.reserve(&ours, Ask::default()).await.is_err());
        assert!(room.reserve(&theirs, Ask::default()).await.is_ok(), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn each_key_is_counted_by_itself_and_its_own_limit_goes_before_the_one_for_each() {
    for room in Room::on_each_engine().await {
        let org = room.operator().org.clone();
        let (ada, bob) = (room.member(&org, Role::Member), room.member(&org, Role::Member));
        room.set(&ada, Level::Key, "*", per_minute(1)).await;
        for caller in [&ada, &bob] {
            assert!(room.reserve(caller, Ask::default()).await.is_ok());
            assert!(room.reserve(caller, Ask::default()).await.is_err());
        }
        let key = ada.key.as_ref().expect("a key").as_str();
        room.set(&ada, Level::Key, key, per_minute(2)).await;
        assert!(room.reserve(&ada, Ask::default()).await.is_ok());
        assert!(room.reserve(&ada, Ask::default()).await.is_err());
        assert!(room.reserve(&bob, Ask::default()).await.is_err(), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn one_id_is_one_call() {
    for room in Room::on_each_engine().await {
        let (caller, at) = (room.operator(), room.now());
        let id = fresh(at);
        let first = room.limits.reserve(&caller, "small", &id, Ask::default(), at).await;
        let again = room.limits.reserve(&caller, "small", &id, Ask::default(), at).await;
        assert!(first.is_ok() && matches!(again, Err(Error::Repeated)), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn what_nobody_settles_is_given_back_and_counted() {
    let room = Room::on_each_engine().await.swap_remove(0);
    let caller = room.operator();
    let one = Ceiling { concurrency: Some(1), ..Ceiling::default() };
    room.set(&caller, Level::Org, "org", one).await;
    std::mem::forget(room.reserve(&caller, Ask::default()).await.expect("the first"));
    room.clock.advance(SignedDuration::from_mins(10));
    let lapsed = || room.metrics.render().expect("text").contains("leases_lapsed_total 1");
    while !lapsed() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(room.reserve(&caller, Ask::default()).await.is_ok());
}
