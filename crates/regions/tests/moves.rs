//! Moves in the directory, on each engine.

use access::{OrgId, Region};
use base::seal::RootKey;
use base::testing::{Bench, StillClock};
use base::time::Clock;
use regions::{Directory, Step};

#[tokio::test]
async fn a_move_goes_step_by_step() {
    for bench in Bench::on_each_engine(regions::sql::MIGRATIONS, &[]).await {
        let (clock, root) = (StillClock::new(), RootKey::fresh().expect("randomness"));
        let directory = Directory::open(bench.db.clone(), clock.shared(), &root);
        let org = OrgId::new(clock.now());
        let home = directory.claim(&org, Region::Us, "acme").await.expect("claims");
        let step = async || directory.move_of(&org).await.expect("reads").map(|it| it.step);

        // Nothing happens without an order, and an order is taken back.
        assert!(!directory.begin_move(&org, Region::Eu).await.expect("asks"));
        assert!(directory.order_move(&home, Region::Eu).await.expect("orders"));
        assert!(directory.withdraw_move(&org).await.expect("withdraws"));
        assert_eq!(step().await, None);
        assert!(directory.order_move(&home, Region::Eu).await.expect("orders"));
        assert!(!directory.begin_move(&org, Region::Apac).await.expect("asks"), "not there");
        assert!(directory.begin_move(&org, Region::Eu).await.expect("begins"));
        assert!(!directory.withdraw_move(&org).await.expect("asks"), "it was begun");
        assert!(!directory.order_move(&home, Region::Apac).await.expect("asks"), "one at a time");

        // A fence that was lifted lets nobody switch; a later one is another.
        let first = directory.fence(&org).await.expect("fences").expect("a fence");
        assert!(!directory.abandon_move(&org).await.expect("asks"), "not behind a fence");
        assert!(directory.lift_fence(&org, first).await.expect("lifts"));
        assert!(!directory.switch(&org, first).await.expect("asks"), "it was lifted");
        let fence = directory.fence(&org).await.expect("fences").expect("a fence");
        assert!(fence > first && !directory.switch(&org, first).await.expect("asks"));
        assert!(!directory.lift_fence(&org, first).await.expect("asks"), "an older one");
        directory.fenced(&org, "run_a", fence).await.expect("says");
        assert_eq!(directory.who_is_fenced(&org, fence).await.expect("reads"), ["run_a"]);
        assert_eq!(directory.home(&org).await.expect("reads").expect("a home").region, Region::Us);

        // The switch: once, and nothing goes back behind it.
        assert!(directory.switch(&org, fence).await.expect("switches"));
        assert!(!directory.switch(&org, fence).await.expect("asks"));
        assert!(!directory.lift_fence(&org, fence).await.expect("asks"));
        assert!(!directory.abandon_move(&org).await.expect("asks"));
        let now = directory.home(&org).await.expect("reads").expect("a home");
        assert_eq!((now.region, now.epoch), (Region::Eu, 2));
        let moved = directory.moved().await.expect("reads");
        let moved: Vec<_> = moved.into_iter().map(|it| (it.org, it.born, it.home)).collect();
        assert_eq!(moved, [(org.clone(), Region::Us, Region::Eu)]);
        assert_eq!(directory.moves().await.expect("reads").len(), 1);
        assert!(directory.end_move(&org).await.expect("ends"));
        assert_eq!(step().await, Some(Step::Done));
        assert!(directory.moves().await.expect("reads").is_empty());

        // And back: it began where it began.
        assert!(directory.order_move(&now, Region::Us).await.expect("orders"));
        assert!(directory.begin_move(&org, Region::Us).await.expect("begins"));
        let fence = directory.fence(&org).await.expect("fences").expect("a fence");
        assert!(directory.switch(&org, fence).await.expect("switches"));
        let moved = directory.moved().await.expect("reads");
        assert!(moved.iter().all(|it| (it.born, it.home) == (Region::Us, Region::Us)));
    }
}

#[tokio::test]
async fn a_move_that_is_being_given_up_can_be_neither_fenced_nor_switched_nor_begun() {
    for bench in Bench::on_each_engine(regions::sql::MIGRATIONS, &[]).await {
        let (clock, root) = (StillClock::new(), RootKey::fresh().expect("randomness"));
        let directory = Directory::open(bench.db.clone(), clock.shared(), &root);
        let org = OrgId::new(clock.now());
        let home = directory.claim(&org, Region::Us, "acme").await.expect("claims");
        assert!(directory.order_move(&home, Region::Eu).await.expect("orders"));
        assert!(!directory.give_up_move(&org).await.expect("asks"), "it is only ordered");
        assert!(directory.begin_move(&org, Region::Eu).await.expect("begins"));
        assert!(!directory.abandon_move(&org).await.expect("asks"), "the target is not clean");
        let fence = directory.fence(&org).await.expect("fences").expect("a fence");
        assert!(!directory.give_up_move(&org).await.expect("asks"), "not behind a fence");
        assert!(directory.lift_fence(&org, fence).await.expect("lifts"));

        assert!(directory.give_up_move(&org).await.expect("gives up"));
        assert_eq!(directory.fence(&org).await.expect("asks"), None);
        assert!(!directory.switch(&org, fence).await.expect("asks"));
        assert!(!directory.lift_fence(&org, fence).await.expect("asks"));
        assert!(!directory.begin_move(&org, Region::Eu).await.expect("asks"));
        assert!(!directory.order_move(&home, Region::Eu).await.expect("asks"));
        // Every node still hears of it, and where the org is.
        let moves = directory.moves().await.expect("reads");
        let [one] = moves.as_slice() else { panic!("{moves:?}") };
        assert_eq!((one.step, one.from), (Step::Abandoning, Region::Us));
        assert!(one.step < Step::Moved);
        assert!(directory.abandon_move(&org).await.expect("ends"));
        assert_eq!(directory.move_of(&org).await.expect("reads"), None);
    }
}
