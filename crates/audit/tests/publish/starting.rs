use access::OrgId;
use audit::{FaultKind, LogError};
use base::args;
use base::metrics::Metrics;
use base::testing::Bench;
use tlog::tile::Bundle;

use crate::house::{EU, House, frontier};

async fn refused(house: &House) -> FaultKind {
    match house.restarted().check().await {
        Err(LogError::Fault(fault)) => fault.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_database_that_was_rolled_back_is_not_served() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 300).await;
        house.published().await;
        house.grow(&ours, 40).await;
        house.restarted().check().await.expect("what is not published yet is no fault");
        house.published().await;
        house.restarted().check().await.expect("all is well");

        // As a backup of the database has it: rows, head and checkpoints of an earlier moment.
        let edge = frontier(&house.entries(&ours).await[..300]).to_bytes();
        let org = ours.org.as_str();
        house
            .as_owner(&[
                ("DELETE FROM audit_event WHERE org_id = $1 AND seq >= 300", args![org]),
                (
                    "UPDATE audit_head SET size = 300, frontier = $2 WHERE org_id = $1",
                    args![org, edge],
                ),
                ("DELETE FROM audit_checkpoint WHERE org_id = $1 AND size > 300", args![org]),
            ])
            .await;
        let expected = FaultKind::RolledBack { published: 340, found: 300 };
        assert_eq!(refused(&house).await, expected, "{:?}", house.bench.db.engine());
        let told = house.restarted().check().await.expect_err("is refused").to_string();
        assert!(told.contains(org) && told.contains("340") && told.contains("300"), "{told}");
        // And while it runs, nothing is signed over it.
        house.grow(&ours, 1).await;
        assert_eq!(house.restarted().publish(EU).await.expect("nothing").checkpoints, 0);
        assert_eq!(house.checkpoint(&ours).size(), 340);
    }
}

#[tokio::test]
async fn of_many_records_one_that_was_set_back_stops_alone_and_a_database_that_was_is_not_served() {
    for house in House::on_each_engine().await {
        // Of so many that not each is compared before the start; ours is behind them.
        let add = "INSERT INTO audit_head (org_id, size, newest) VALUES ($1, 0, 0)";
        let long_ago = "2020-01-01T00:00:00Z".parse().expect("an instant");
        let others = (0..2_000).map(|_| (add, args![OrgId::new(long_ago).as_str()]));
        house.as_owner(&others.collect::<Vec<_>>()).await;
        let ours = house.somebody();
        house.grow(&ours, 30).await;
        house.published().await;
        house.log.close_epoch(EU).await.expect("is listed").expect("an epoch");
        house.restarted().check().await.expect("all is well");

        let edge = frontier(&house.entries(&ours).await[..20]).to_bytes();
        let org = ours.org.as_str();
        let back = "UPDATE audit_head SET size = 20, frontier = $2 WHERE org_id = $1";
        house
            .as_owner(&[
                ("DELETE FROM audit_event WHERE org_id = $1 AND seq >= 20", args![org]),
                (back, args![org, edge]),
            ])
            .await;
        let log = house.restarted();
        log.check().await.expect("the others are served");
        let found = log.verify_some(EU, 10_000).await.expect("verifies").faults;
        let expected = FaultKind::RolledBack { published: 30, found: 20 };
        assert!(found.iter().any(|fault| fault.kind == expected && fault.org == org), "{found:?}");

        // As a backup has it from before the first epoch.
        house
            .as_owner(&[
                ("DELETE FROM audit_checkpoint WHERE org_id > $1", args![""]),
                ("DELETE FROM audit_epoch WHERE org_id > $1", args![""]),
                ("DELETE FROM audit_slot WHERE org_id > $1", args![""]),
            ])
            .await;
        assert_eq!(refused(&house).await, FaultKind::RolledBack { published: 1, found: 0 });
    }
}

#[tokio::test]
async fn another_database_behind_the_same_store_is_not_served() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 3).await;
        house.published().await;
        let empty = Bench::sqlite(audit::sql::MIGRATIONS).await;
        let other = House::on(empty, house.shelf.clone());
        assert_eq!(refused(&other).await, FaultKind::RolledBack { published: 3, found: 0 });
    }
}

#[tokio::test]
async fn a_published_file_that_was_altered_or_is_gone_is_found_at_the_start() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 300).await;
        house.published().await;
        let whole = house.shelf.files().clone();
        let path = |file: &str| format!("{}/{file}", ours.org);

        house.shelf.files().get_mut(&path("tile/0/001.p/44")).expect("is there")[7] ^= 1;
        assert_eq!(refused(&house).await, FaultKind::OtherRoot(300));
        house.shelf.files().remove(&path("tile/0/001.p/44"));
        assert_eq!(refused(&house).await, FaultKind::NoFile(path("tile/0/001.p/44")));

        *house.shelf.files() = whole.clone();
        let checkpoint = house.shelf.files()[&path("checkpoint")].clone();
        let text = String::from_utf8(checkpoint).expect("text").replacen("\n300\n", "\n299\n", 1);
        house.shelf.files().insert(path("checkpoint"), text.into_bytes());
        assert_eq!(refused(&house).await, FaultKind::NotOurs);

        *house.shelf.files() = whole;
        house.restarted().check().await.expect("all is well again");
    }
}

#[tokio::test]
async fn a_record_that_was_altered_before_it_was_published_is_never_signed() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        house.grow(&ours, 20).await;
        house.published().await;
        house.grow(&ours, 20).await;
        house.grow(&theirs, 1).await;
        let org = ours.org.as_str();
        let copy = "UPDATE audit_event SET body = (SELECT body FROM audit_event
                     WHERE org_id = $1 AND seq = 21) WHERE org_id = $1 AND seq = 30";
        house.as_owner(&[(copy, args![org])]).await;
        assert_eq!(refused(&house).await, FaultKind::HeadRoot(40));
        // Whoever did not write it itself has the database alone to publish from.
        let metrics = Metrics::new();
        let (_record, log) = house.counted(&metrics);
        let published = async || log.publish(EU).await.expect("publishes").entries;
        assert_eq!(published().await, 1, "others are published");
        assert_eq!(published().await, 0);
        assert_eq!(house.checkpoint(&ours).size(), 20);
        let metrics = metrics.render().expect("text");
        assert!(metrics.contains("portico_record_log_stopped 1"), "{metrics}");
    }
}

#[tokio::test]
async fn what_a_node_recorded_it_publishes_as_it_recorded_it_and_an_alteration_is_found() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 40).await;
        let recorded = house.entries(&ours).await;
        let org = ours.org.as_str();
        let copy = "UPDATE audit_event SET body = (SELECT body FROM audit_event
                     WHERE org_id = $1 AND seq = 21) WHERE org_id = $1 AND seq = 30";
        house.as_owner(&[(copy, args![org])]).await;
        assert_ne!(house.entries(&ours).await, recorded, "it is altered");
        assert_eq!(house.published().await, 40);
        let bundle = Bundle::within(0, 40).expect("a bundle");
        let published = house.shelf.files()[&format!("{org}/{}", bundle.path())].clone();
        assert_eq!(bundle.decode(&published).expect("entries"), recorded);
        let found = house.log.verify_some(EU, 100).await.expect("verifies").faults;
        let [fault] = found.as_slice() else { unreachable!("one fault: {found:?}") };
        assert_eq!((fault.org.as_str(), fault.seq), (org, Some(30)));
    }
}

#[tokio::test]
async fn a_store_that_was_set_back_gets_the_newest_checkpoint_again() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 5).await;
        house.published().await;
        let path = format!("{}/checkpoint", ours.org);
        let earlier = house.shelf.files()[&path].clone();
        house.grow(&ours, 5).await;
        house.published().await;
        let newest = house.shelf.files().insert(path.clone(), earlier);
        house.restarted().check().await.expect("all is well");
        assert_eq!(house.shelf.files().get(&path), newest.as_ref());
    }
}
