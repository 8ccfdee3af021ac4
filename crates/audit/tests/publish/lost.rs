//! A database that failed over and lost what it had acknowledged, under nodes that go on.

use access::Caller;
use audit::{Event, Record};
use base::args;
use base::db::{Statement, Within};

use crate::house::{House, frontier};

const EDGE: Statement =
    Statement::new("read the edge", "SELECT frontier FROM audit_head WHERE org_id = $1");
const MOVED: Statement =
    Statement::new("look", "SELECT size FROM audit_head WHERE org_id = $1 AND expected = -1");

/// One event, whose group is its own.
async fn adds(record: &Record, caller: &Caller) {
    let event = Event::done("test.thing.set", "thing", "t1");
    record.note(caller, &event).await.expect("durable");
}

/// Whether the tree is that of the entries, of which there are so many.
async fn is_whole(house: &House, caller: &Caller, size: usize) -> bool {
    let entries = house.entries(caller).await;
    let (within, org) = (Within::org(caller.org.as_str()), caller.org.as_str());
    let row = house.bench.db.maybe(&within, EDGE, args![org]).await.expect("reads");
    let edge = row.expect("is there").bytes("frontier").expect("bytes");
    assert_eq!(entries.len(), size, "{:?}", house.bench.db.engine());
    edge == frontier(&entries).to_bytes()
}

/// Whether the head was ever moved on without being asked for.
async fn was_moved(house: &House, caller: &Caller) -> bool {
    let (within, org) = (Within::org(caller.org.as_str()), caller.org.as_str());
    let row = house.bench.db.maybe(&within, MOVED, args![org]).await.expect("reads");
    row.is_some()
}

/// The database is where it was, and says nothing of it to anybody.
async fn loses_all_behind(house: &House, caller: &Caller, size: i64) {
    let kept = usize::try_from(size).expect("few");
    let edge = frontier(&house.entries(caller).await[..kept]).to_bytes();
    let org = caller.org.as_str();
    let head = "UPDATE audit_head SET size = $2, frontier = $3 WHERE org_id = $1";
    let events = "DELETE FROM audit_event WHERE org_id = $1 AND seq >= $2";
    house.as_owner(&[(events, args![org, size]), (head, args![org, size, edge])]).await;
}

#[tokio::test]
async fn a_database_that_lost_commits_under_a_node_goes_on_with_the_tree_of_what_it_has() {
    for house in House::on_each_engine().await {
        // The node itself comes to the size that it remembers, by other events.
        let ours = house.somebody();
        for _ in 0..12 {
            adds(&house.record, &ours).await;
        }
        assert!(was_moved(&house, &ours).await, "what is as it is remembered is moved at once");
        loses_all_behind(&house, &ours, 10).await;
        for size in 11..15 {
            adds(&house.record, &ours).await;
            assert!(is_whole(&house, &ours, size).await, "{size}");
        }

        // Another node does.
        let theirs = house.somebody();
        for _ in 0..12 {
            adds(&house.record, &theirs).await;
        }
        loses_all_behind(&house, &theirs, 10).await;
        let (other, _) = house.anew();
        for size in 11..13 {
            adds(&other, &theirs).await;
            assert!(is_whole(&house, &theirs, size).await, "{size}");
        }
        for size in 13..15 {
            adds(&house.record, &theirs).await;
            assert!(is_whole(&house, &theirs, size).await, "{size}");
        }
    }
}
