//! Keys that are made by whoever writes first.

use access::Caller;
use audit::{Change, Event};

use crate::house::House;

/// A change by somebody to somebody else; both keys are new.
async fn changes(house: &House, who: &Caller, whom: &Caller) {
    let change = Change::begin(&house.record, &who.itself()).await.expect("begins");
    let event = Event::done("test.member.changed", "member", whom.actor.id());
    change.commit(event).await.expect("does not wait in a circle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_are_recorded_for_the_first_time_by_each_other_never_wait_in_a_circle() {
    for house in House::on_each_engine().await {
        for _ in 0..30 {
            let [ann, bob] = [(); 2].map(|()| house.member(&[]));
            tokio::join!(changes(&house, &ann, &bob), changes(&house, &bob, &ann));
        }
        assert_eq!(house.count("test.member.changed").await, 60);
    }
}
