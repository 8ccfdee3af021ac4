//! Epochs as they turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use audit::Sealing;
use base::args;
use base::testing::{Bench, StillClock};
use jiff::SignedDuration;

use crate::house::{AHEAD, EPOCH, EU, House, Kms, Node, benches, roots, write};
use crate::vault::{Mood, Vault};

/// What wraps keys of orgs, as it is in the database.
async fn wrappers(house: &House) -> Vec<(i64, Vec<u8>)> {
    let rows = house.rows("SELECT epoch, wrapped FROM audit_wrapper ORDER BY org_id, epoch").await;
    let all = rows.iter().map(|row| (row.int("epoch"), row.bytes("wrapped")));
    all.map(|(epoch, wrapped)| (epoch.expect("an epoch"), wrapped.expect("bytes"))).collect()
}

#[tokio::test]
async fn an_org_gets_a_new_key_only_when_somebody_was_erased() {
    for house in House::on_everything().await {
        let (quiet, erasing) = (house.somebody(), house.somebody());
        house.tell(&quiet, "mem_ada").await;
        house.tell(&erasing, "mem_bob").await;
        house.tell(&erasing, "mem_cyd").await;
        assert_eq!(house.node.epochs.turn(EU).await.expect("turns"), audit::Turned::default());
        house.erase(&erasing, "mem_bob").await;
        let before = wrappers(&house).await;

        let turned = house.epoch().await;
        assert_eq!((turned.begun, turned.orgs, turned.destroyed), (1, 2, 0));
        let after = wrappers(&house).await;
        let epochs = |keys: Vec<(i64, Vec<u8>)>| {
            let mut epochs: Vec<_> = keys.into_iter().map(|(epoch, _)| epoch).collect();
            epochs.sort_unstable();
            epochs
        };
        assert!(before.iter().all(|old| !after.contains(old)), "all are wrapped anew");
        assert_eq!(epochs(after), [1, 2], "the old key is in no table");
        assert_eq!(house.node.metric("record_epoch_orgs_total"), "2");
        assert_eq!(house.node.metric("record_epoch_orgs_waiting"), "0");
        // What was destroyed before is not destroyed again.
        assert_eq!(house.epoch().await.destroyed, 1);
        assert_eq!(epochs(wrappers(&house).await), [1, 2]);
        assert_eq!(house.another().known(&erasing).await, ["?", "mem_cyd"]);
        assert_eq!(house.another().known(&quiet).await, ["mem_ada"]);
    }
}

#[tokio::test]
async fn a_secret_that_lies_here_alone_is_there_a_day_before_anything_needs_it() {
    for house in House::with_files().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        let before = wrappers(&house).await;
        assert_eq!(house.almost().await.begun, 1);
        // Whoever backs it up now has all that the next epoch needs.
        let backup = std::fs::read(house.epochs_file()).expect("reads");
        let new = house.somebody();
        house.tell(&new, "mem_bob").await;
        assert!(wrappers(&house).await.contains(&before[0]), "nothing is wrapped with it yet");
        house.pass(AHEAD);
        assert_eq!(house.node.epochs.turn(EU).await.expect("turns").orgs, 2);
        std::fs::write(house.epochs_file(), backup).expect("is restored");
        let node = house.another();
        node.epochs.check().await.expect("may be served");
        assert_eq!(node.known(&org).await, ["mem_ada"]);
        assert_eq!(node.known(&new).await, ["mem_bob"]);
    }
}

#[tokio::test]
async fn an_overdue_window_is_an_alarm_and_ends_when_the_secret_is_gone() {
    for house in House::with_vault().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        house.vault().said().may_trim = false;
        house.epoch().await;
        house.pass(EPOCH);
        let refused = house.node.epochs.turn(EU).await.expect_err("may not trim");
        assert!(refused.to_string().contains("keys/portico-eu/trim"), "{refused}");
        assert_eq!(house.node.metric("record_epochs_overdue"), "0", "some days are left");
        assert_eq!(house.node.metric("record_epochs_failed_total"), "1");
        // Neither does an alarm need somebody who answers.
        house.pass(SignedDuration::from_hours(24 * 4));
        house.vault().is(Mood::Sealed);
        house.node.epochs.turn(EU).await.expect_err("is sealed");
        assert_eq!(house.node.metric("record_epochs_overdue"), "1");

        house.vault().is(Mood::Well);
        house.vault().said().may_trim = true;
        house.node.epochs.turn(EU).await.expect("turns");
        assert_eq!(house.node.metric("record_epochs_overdue"), "0");
        let existing = house.vault().said().key.existing();
        assert_eq!(existing, [2, 3], "the first one is nowhere");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_loses_nothing_and_is_tried_again() {
    for house in House::with_files().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        let (file, aside) = (house.epochs_file(), house.folder.path().join("aside"));
        std::fs::rename(&file, &aside).expect("moves");
        house.pass(EPOCH);
        house.node.epochs.turn(EU).await.expect_err("the file was taken away");
        house.node.tell(&org, "mem_ada").await.expect("what is remembered goes on");
        let new = house.somebody();
        let error = house.node.tell(&new, "mem_bob").await.expect_err("nothing wraps its key");
        assert!(error.is_elsewhere(), "{error}");
        std::fs::rename(&aside, &file).expect("moves");
        assert_eq!(house.node.epochs.turn(EU).await.expect("turns").begun, 1);
        house.tell(&new, "mem_bob").await;
        assert_eq!(house.another().known(&org).await, ["mem_ada", "mem_ada"]);
    }
}

#[tokio::test]
async fn two_nodes_that_turn_at_once_do_no_harm() {
    for house in House::on_everything().await {
        let orgs = [(); 4].map(|()| house.somebody());
        for org in &orgs {
            house.tell(org, "mem_ada").await;
            house.tell(org, "mem_bob").await;
        }
        let other = house.another();
        for step in 0..4 {
            house.erase(&orgs[step], "mem_bob").await;
            house.pass(EPOCH - AHEAD);
            let (one, two) = tokio::join!(house.node.epochs.turn(EU), other.epochs.turn(EU));
            assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
            house.pass(AHEAD);
            let (one, two) = tokio::join!(house.node.epochs.turn(EU), other.epochs.turn(EU));
            assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
            house.node.epochs.turn(EU).await.expect("turns");
            for (at, org) in orgs.iter().enumerate() {
                let bob = if at <= step { "?" } else { "mem_bob" };
                let mut known = house.another().known(org).await;
                known.sort_by_key(|name| name != "mem_ada");
                assert_eq!(known, ["mem_ada", bob], "{:?}", house.kms);
            }
        }
        if let Kms::Vault(vault) = &house.kms {
            assert!(vault.said().key.existing().len() <= 3, "{:?}", vault.said().key.existing());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_made_while_keys_move_are_not_lost() {
    for house in House::on_everything().await {
        let house = Arc::new(house);
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        let (done, turned) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (turning, erasing) = (house.clone(), org.clone());
        let turns = async {
            let mut turns = 0;
            while !done.load(Ordering::SeqCst) {
                // Each turn replaces the org's key.
                let gone = format!("mem_gone{turns}");
                turning.tell(&erasing, &gone).await;
                turning.erase(&erasing, &gone).await;
                turning.epoch().await;
                turns += 1;
                turned.store(turns, Ordering::SeqCst);
            }
            turns
        };
        let writes = async {
            let mut who = 0;
            while who < 60 || turned.load(Ordering::SeqCst) < 3 {
                // Another process knows nothing of what this one remembers.
                let node = if who % 2 == 0 { &house.node } else { &house.another() };
                node.tell(&org, &format!("mem_new{who}")).await.expect("is recorded");
                who += 1;
            }
            done.store(true, Ordering::SeqCst);
            who
        };
        let (turns, told) = tokio::join!(turns, writes);
        let known = house.another().known(&org).await;
        let new = known.iter().filter(|name| name.starts_with("mem_new")).count();
        assert_eq!(new, told, "{:?} on {:?}", house.kms, house.bench.db.engine());
        assert_eq!(known.iter().filter(|name| *name == "?").count(), turns);
    }
}

#[tokio::test]
async fn what_an_earlier_version_wrapped_moves_into_the_first_epoch() {
    for bench in benches().await {
        let mut house = House::on(bench, StillClock::new(), Kms::Root);
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        house.tell(&org, "mem_bob").await;
        house.erase(&org, "mem_bob").await;
        house.kms = Kms::Files;
        house.restart();
        house.node.epochs.check().await.expect("may be served");
        assert_eq!(house.node.epochs.turn(EU).await.expect("turns").orgs, 1);
        let [(epoch, wrapped)] = &wrappers(&house).await[..] else { panic!("one key") };
        assert_eq!((*epoch, wrapped.len()), (2, 69), "a new key, in an epoch");
        assert_eq!(house.another().known(&org).await, ["?", "mem_ada"]);
    }
}

#[tokio::test]
async fn an_operator_goes_from_files_to_a_kms_and_the_files_are_emptied() {
    for mut house in House::with_files().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        house.kms = Kms::Vault(Vault::listening(&house.clock).await);
        house.restart();
        house.node.epochs.check().await.expect("may be served");
        house.tell(&org, "mem_bob").await;
        assert_eq!(house.node.epochs.turn(EU).await.expect("turns").orgs, 1);
        let [(_, wrapped)] = &wrappers(&house).await[..] else { panic!("one key") };
        assert!(wrapped.starts_with(b"vault:v1:"));
        for _ in 0..3 {
            house.epoch().await;
        }
        let file = std::fs::read_to_string(house.epochs_file()).expect("reads");
        assert_eq!(file.lines().count(), 3, "no secret is left: {file}");
        assert_eq!(house.another().known(&org).await, ["mem_ada", "mem_bob"]);

        // The way back is closed, and says so.
        let sealing = Sealing::new(&roots(), house.folder.path().join("epochs"));
        let back = Node::with(&house.bench.db, &house.clock, sealing);
        let refused = back.epochs.check().await.expect_err("is not served").to_string();
        assert!(refused.contains("[record.kms.eu]"), "{refused}");
    }
}

#[tokio::test]
async fn secrets_of_another_time_or_place_are_refused_at_the_start() {
    for house in House::with_files().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        std::fs::remove_file(house.epochs_file()).expect("is lost");
        let refused = house.another().epochs.check().await.expect_err("is not served");
        assert!(refused.to_string().contains("epoch 1"), "{refused}");
        assert!(house.another().tell(&org, "mem_bob").await.is_err(), "nothing is sealed");
    }
}

#[tokio::test]
async fn a_row_that_was_taken_away_is_no_erasure() {
    for house in House::on_everything().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        let size = crate::house::size(&house.bench, &org).await;
        let taken = "DELETE FROM audit_wrapper WHERE org_id = $1";
        write(&house.bench, &[(taken, args![org.org.as_str()])]).await;
        let node = house.another();
        node.tell(&org, "mem_ada").await.expect_err("nothing is written as if it were erased");
        assert_eq!(crate::house::size(&house.bench, &org).await, size);
    }
}

#[tokio::test]
async fn many_keys_move_in_pieces() {
    let bench = Bench::sqlite(audit::sql::MIGRATIONS).await;
    let house = House::on(bench, StillClock::new(), Kms::Files);
    let org = house.somebody();
    for who in 0..600 {
        house.tell(&org, &format!("mem_{who:03}")).await;
    }
    house.erase(&org, "mem_000").await;
    house.epoch().await;
    let rows = house.rows("SELECT epoch FROM audit_key WHERE wrapped IS NOT NULL").await;
    assert!(rows.len() >= 600 && rows.iter().all(|row| row.int("epoch").is_ok_and(|it| it == 2)));
    let known = house.another().known(&org).await;
    assert_eq!(known.len(), 600);
    assert_eq!(known.iter().filter(|name| *name == "?").count(), 1, "who was erased, alone");
}
