//! A transit engine that refuses, is slow, or is away.

use std::time::{Duration, Instant};

use access::Caller;
use audit::{Event, KmsToken, Sealing};
use base::args;
use base::problem::Problem;
use jiff::SignedDuration;
use serde_json::json;

use crate::house::{EU, House, Node, roots, size, transit, write};
use crate::vault::Mood;

/// Tells of a reading, as a refusal or an export does.
async fn note(node: &Node, org: &Caller) -> Result<i64, audit::NotDurable> {
    let event = Event::done("test.thing.seen", "thing", "t1");
    node.record.note(org, &event).await.map(|durable| durable.seq().expect("in the record"))
}

#[tokio::test]
async fn a_start_is_refused_while_the_kms_cannot_be_asked_and_says_why() {
    for house in House::with_vault().await {
        let check = async || house.another().epochs.check().await;
        check().await.expect("may be served");
        for (mood, why) in [
            (Mood::Sealed, "the KMS is sealed or in maintenance (503)"),
            (Mood::Garbage, "the KMS answered `keys/portico-eu` with what is not understood"),
            (Mood::Silent, "the KMS cannot be asked"),
        ] {
            house.vault().is(mood);
            let refused = check().await.expect_err("is not served").to_string();
            assert_eq!(refused, why);
        }
        house.vault().is(Mood::Well);
        house.vault().said().token = "hvs.another".to_owned();
        let refused = check().await.expect_err("is not served").to_string();
        assert!(refused.contains("refuses `keys/portico-eu` for this token (403)"), "{refused}");
        assert!(!refused.contains("hvs."), "{refused}");
        // Whoever replaces the file with the token needs no restart.
        std::fs::write(house.folder.path().join("token"), "hvs.another").expect("writes");
        check().await.expect("may be served");
        std::fs::write(house.folder.path().join("token"), " \n").expect("writes");
        let refused = check().await.expect_err("is not served").to_string();
        assert!(refused.contains("the token of the KMS cannot be read"), "{refused}");
        let namespaces = house.vault().said().namespaces.clone();
        assert!(namespaces.iter().all(|it| it == "team/portico"), "{namespaces:?}");
    }
}

#[tokio::test]
async fn a_key_that_would_not_keep_the_promise_is_refused() {
    let house = House::with_vault().await.remove(0);
    for (field, value, why) in [
        ("type", json!("rsa-4096"), "its type"),
        ("derived", json!(true), "derived"),
        ("exportable", json!(true), "exportable"),
        ("allow_plaintext_backup", json!(true), "plaintext backup"),
    ] {
        house.vault().said().key.odd = vec![(field, value)];
        let refused = house.node.epochs.check().await.expect_err("is not served").to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let mut config = transit(house.vault());
    config.key = "another".to_owned();
    let token = KmsToken::Given(base::secret::Secret::new("hvs.first".to_owned()));
    let sealing = Sealing::new(&roots(), house.folder.path().join("epochs"));
    let sealing = sealing.with_kms(EU, &config, token, Vec::new()).expect("a KMS");
    let node = Node::with(&house.bench.db, &house.clock, sealing);
    let refused = node.epochs.check().await.expect_err("is not served").to_string();
    assert!(refused.contains("knows no `keys/another`"), "{refused}");
}

#[tokio::test]
async fn a_node_asks_once_for_each_org_and_goes_on_while_the_kms_is_away() {
    for house in House::with_vault().await {
        let (known, new) = (house.somebody(), house.somebody());
        house.tell(&known, "mem_ada").await;
        for who in ["mem_bob", "mem_cyd"] {
            house.tell(&known, who).await;
            house.pass(SignedDuration::from_mins(5));
            note(&house.node, &known).await.expect("durable");
        }
        assert_eq!((house.vault().count("encrypt"), house.vault().count("decrypt")), (1, 0));

        for mood in [Mood::Sealed, Mood::Garbage, Mood::Silent] {
            house.vault().is(mood);
            house.pass(SignedDuration::from_hours(24));
            // What is remembered goes on: new people, new things, calls.
            house.tell(&known, &format!("mem_{mood:?}")).await;
            note(&house.node, &known).await.expect("durable");
            // What cannot be sealed is refused, at once or after the deadline, and in no row.
            let refused = house.node.tell(&new, "mem_eve").await.expect_err("is refused");
            let problem = Problem::from(refused);
            assert_eq!((problem.status().as_u16(), problem.code()), (503, "keys_unavailable"));
            note(&house.node, &new).await.expect_err("is refused");
            assert_eq!(size(&house.bench, &new).await, 0);
        }
        house.vault().is(Mood::Well);
        note(&house.node, &new).await.expect("durable");
        house.tell(&new, "mem_eve").await;
        assert_eq!(house.another().known(&new).await, ["mem_eve"]);
        assert_eq!(house.another().known(&known).await.len(), 6);
    }
}

#[tokio::test]
async fn nobody_waits_for_the_key_of_another_org() {
    for house in House::with_vault().await {
        let (known, new) = (house.somebody(), house.somebody());
        house.tell(&known, "mem_ada").await;
        house.vault().is(Mood::Silent);
        let seen = Event::done("test.thing.seen", "thing", "t1");
        let waiting: Vec<_> = (0..3).map(|_| house.node.record.note(&new, &seen)).collect();
        let begun = Instant::now();
        note(&house.node, &known).await.expect("durable");
        house.tell(&known, "mem_bob").await;
        assert!(begun.elapsed() < Duration::from_millis(300), "{:?}", begun.elapsed());
        for one in waiting {
            one.await.expect_err("the deadline is over");
        }
    }
}

#[tokio::test]
async fn events_that_waited_for_a_key_keep_their_order() {
    for house in House::with_vault().await {
        let org = house.somebody();
        let event = |at: usize| Event::done("test.thing.seen", "thing", format!("t{at}"));
        let pending: Vec<_> = (0..40).map(|at| house.node.record.note(&org, &event(at))).collect();
        for (at, one) in pending.into_iter().enumerate() {
            assert_eq!(
                one.await.expect("durable").seq().expect("in the record"),
                i64::try_from(at).expect("small")
            );
        }
        assert_eq!(house.vault().count("encrypt"), 1);
    }
}

#[tokio::test]
async fn a_key_of_one_org_is_not_opened_for_another() {
    for house in House::with_vault().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        house.tell(&ours, "mem_ada").await;
        house.tell(&theirs, "mem_bob").await;
        // Whoever owns the database gives one org the rows of the other.
        let swap = "UPDATE audit_wrapper SET wrapped =
            (SELECT wrapped FROM audit_wrapper WHERE org_id = $1) WHERE org_id = $2";
        write(&house.bench, &[(swap, args![theirs.org.as_str(), ours.org.as_str()])]).await;
        let error = house.another().tell(&ours, "mem_eve").await.expect_err("is not opened");
        assert!(!error.is_elsewhere(), "it was opened by the KMS: {error}");
    }
}

#[tokio::test]
async fn a_version_that_somebody_else_trimmed_is_said_at_the_start() {
    for house in House::with_vault().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        house.epoch().await;
        let copy = crate::copies::Copy::of(&house.bench).await;
        house.epoch().await;
        assert_eq!(house.vault().said().key.existing(), [2, 3]);
        // The next epoch's turn did not come to its end, and then somebody trims.
        copy.put_keys_back(&house.bench).await;
        house.epoch().await;
        copy.put_keys_back(&house.bench).await;
        house.vault().said().key.min_decryption = 4;
        let refused = house.another().epochs.check().await.expect_err("is not served");
        assert!(refused.to_string().contains("wrapped in epoch 2"), "{refused}");
        let error = house.another().tell(&org, "mem_ada").await.expect_err("is not opened");
        assert!(!error.is_elsewhere(), "{error}");
    }
}
