use std::collections::BTreeMap;

use audit::LogError;
use base::db::Engine;

use crate::house::{EU, House};

/// Every file but checkpoints, whose signatures are drawn anew.
fn files(house: &House) -> BTreeMap<String, Vec<u8>> {
    let files = house.shelf.files();
    let all = files.iter().filter(|(path, _)| !path.ends_with("/checkpoint"));
    all.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

#[tokio::test]
async fn a_crash_between_any_two_steps_changes_no_byte_of_what_is_published() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 255).await;
        house.published().await;
        house.grow(&ours, 3).await;
        house.published().await;
        house.grow(&ours, 300).await;
        let before = house.shelf.files().clone();
        // Three full files, three partial ones and one above, a checkpoint; then what is
        // removed: the partial files of 255.
        let mut crashes = 0;
        for writes in 0.. {
            house.shelf.breaks_after(writes);
            let round = house.restarted().publish(EU).await;
            house.shelf.works();
            match round {
                Err(LogError::Store(_)) => crashes += 1,
                Ok(_) => break,
                Err(other) => panic!("{other}"),
            }
            house.restarted().check().await.expect("a start goes well after any of them");
        }
        assert_eq!(house.published().await, 0, "it is published");
        assert!(crashes >= 6, "{crashes}");
        assert_eq!(house.checkpoint(&ours).size(), 558);

        // The same from the same beginning, without a crash.
        let after_crashes = files(&house);
        *house.shelf.files() = before;
        house.as_owner(&[("DELETE FROM audit_checkpoint WHERE size = 558", vec![])]).await;
        house.restarted().publish(EU).await.expect("publishes");
        let whole = files(&house);
        for (path, bytes) in &whole {
            assert_eq!(after_crashes.get(path), Some(bytes), "{path}");
        }
    }
}

#[tokio::test]
async fn what_was_signed_outside_and_not_remembered_is_remembered_as_it_is() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 10).await;
        let (close, open) = match house.bench.db.engine() {
            Engine::Sqlite => (
                "CREATE TRIGGER full BEFORE INSERT ON audit_checkpoint
                 BEGIN SELECT RAISE(ABORT, 'full'); END",
                "DROP TRIGGER full",
            ),
            Engine::Postgres => (
                "ALTER TABLE audit_checkpoint ADD CONSTRAINT full_up CHECK (size < 0) NOT VALID",
                "ALTER TABLE audit_checkpoint DROP CONSTRAINT full_up",
            ),
        };
        house.as_owner(&[(close, vec![])]).await;
        let failed = house.log.publish(EU).await;
        assert!(matches!(failed, Err(LogError::Db(_))), "{failed:?}");
        let outside = house.shelf.files().clone();
        assert_eq!(house.checkpoint(&ours).size(), 10);

        house.as_owner(&[(open, vec![])]).await;
        house.restarted().check().await.expect("what is outside is in the database too");
        assert_eq!(house.restarted().publish(EU).await.expect("publishes").checkpoints, 1);
        assert_eq!(*house.shelf.files(), outside, "not even the signature is another");
    }
}

#[tokio::test]
async fn two_nodes_that_publish_at_once_do_no_harm() {
    for house in House::on_each_engine().await {
        let (ours, other) = (house.somebody(), house.restarted());
        for step in [1, 255, 44, 256, 700] {
            house.grow(&ours, step).await;
            let (one, two) = tokio::join!(house.log.publish(EU), other.publish(EU));
            one.and(two).expect("both publish");
        }
        assert_eq!(house.checkpoint(&ours).size(), 1256);
        house.restarted().check().await.expect("all is well");
        let verified = house.log.verify_some(EU, 10_000).await.expect("verifies");
        assert_eq!((verified.checked, verified.faults.len()), (1256, 0));
    }
}

#[tokio::test]
async fn a_store_that_is_full_keeps_nothing_from_being_recorded() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.shelf.breaks_after(1);
        house.grow(&ours, 5).await;
        assert!(house.log.publish(EU).await.is_err());
        house.grow(&ours, 5).await;
        house.shelf.works();
        assert_eq!(house.published().await, 10);
        assert_eq!(house.checkpoint(&ours).size(), 10);
    }
}
