//! A database of an earlier moment goes on where its published log ends.

use std::sync::Arc;

use access::{Caller, Scope};
use audit::{Behind, Change, Event, FaultKind, Log, LogError, Record, Verified};
use base::args;
use base::db::Value;
use jiff::SignedDuration;
use serde_json::json;
use verify::{Agreement, Options, Outside};

use crate::evidence::{ALL, bundle, judged};
use crate::house::{EU, House, frontier};
use crate::shelf::Shelf;

/// The id under which the rows of the directory stand.
const DIRECTORY: &str = "org_00000000000000000000000000";
const ENTRY: std::ops::Range<usize> = 17..121;

/// Puts rows, head, checkpoints and directory of an org back to where they were at 300 events
/// and one epoch.
async fn roll_back(house: &House, ours: &Caller, slots: &[Vec<Value>]) {
    let edge = frontier(&house.entries(ours).await[..300]).to_bytes();
    let org = ours.org.as_str();
    house
        .as_owner(&[
            ("DELETE FROM audit_event WHERE org_id = $1 AND seq >= 300", args![org]),
            ("UPDATE audit_head SET size = 300, frontier = $2 WHERE org_id = $1", args![org, edge]),
            ("DELETE FROM audit_checkpoint WHERE org_id = $1 AND size > 300", args![org]),
            ("DELETE FROM audit_checkpoint WHERE org_id = $1 AND size > 1", args![DIRECTORY]),
            ("DELETE FROM audit_epoch WHERE org_id = $1 AND epoch > 0", args![DIRECTORY]),
            ("UPDATE audit_slot SET epoch = 0, size = 300 WHERE org_id = $1", args![org]),
        ])
        .await;
    house.set_slots(slots).await;
}

async fn gone_on(record: &Record, log: &Log, scope: &Scope) -> Behind {
    let behind = log.behind(EU).await.expect("looks");
    let [behind] = behind.try_into().expect("one record is behind");
    let lacking = log.lacking(behind.clone()).await.expect("reads");
    let change = Change::begin(record, scope).await.expect("begins");
    log.go_on(change, lacking, Vec::new()).await.expect("goes on");
    log.remember_published(EU).await.expect("remembers");
    assert!(log.regain_directory(EU).await.expect("goes on"));
    behind
}

#[tokio::test]
async fn a_restored_database_goes_on_where_its_published_log_ends_and_nothing_forks() {
    for mut house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        house.grow(&ours, 300).await;
        house.grow(&theirs, 2).await;
        house.published().await;
        assert_eq!(house.log.close_epoch(EU).await.expect("closes"), Some(0));
        let slots = house.slots().await;
        let mut entries = house.entries(&ours).await;
        for (epoch, more) in (1..).zip([300, 5, 1]) {
            house.grow(&ours, more).await;
            house.published().await;
            assert_eq!(house.log.close_epoch(EU).await.expect("closes"), Some(epoch));
            entries = house.entries(&ours).await;
        }
        let published = house.checkpoint(&ours);
        let kept = house.ask(&ours, "/api/record/log/checkpoint", "*/*").await;

        roll_back(&house, &ours, &slots).await;
        let (record, log) = house.anew();
        let refused = log.check().await.expect_err("is refused").to_string();
        assert!(
            refused.contains("606 events were published and the database has 300"),
            "{refused}"
        );
        let behind = gone_on(&record, &log, &ours.itself()).await;
        assert_eq!((behind.found, behind.published), (300, 606));
        assert_eq!(log.behind(EU).await.expect("looks"), []);
        assert!(!log.regain_directory(EU).await.expect("looks"), "done twice it finds nothing");

        // The same tree, and one event more.
        assert_eq!(house.entries(&ours).await[..606], entries);
        let (record, log) = house.anew();
        log.check().await.expect("is served again");
        let event = Event::done("test.thing.set", "thing", "a");
        record.note(&ours, &event).await.expect("durable");
        assert_eq!(log.publish(EU).await.expect("publishes").entries, 2);
        assert_eq!(log.close_epoch(EU).await.expect("closes"), Some(5));
        let now = house.checkpoint(&ours);
        assert_eq!((published.size(), now.size()), (606, 608));
        assert_eq!(frontier(&house.entries(&ours).await).root(), *now.root());
        let verified = house.restarted().verify_some(EU, 10_000).await.expect("verifies");
        assert_eq!(verified, Verified { checked: 610, faults: vec![] });

        // It is said what is lost, and by what.
        let events = record.read_on(&ours.itself(), 299).await.expect("reads");
        let action = |at: usize| events[at]["action"].as_str().unwrap_or_default().to_owned();
        assert_eq!(action(0), "test.thing.set");
        assert!((1..=306).all(|at| action(at) == "audit.event.lost"), "{:?}", events[1]);
        assert_eq!(events[1]["erased"], json!(["subject", "payload"]));
        assert_eq!(action(307), "audit.record.restored");
        assert_eq!(events[307]["changes"]["events"], json!({ "from": 300, "to": 606 }));

        // To a judge that shares no code, what others kept of before goes on.
        (house.record, house.log) = (record, log);
        house.clock.advance(SignedDuration::from_secs(10));
        let outside = Outside::parse("kept", kept.bytes()).expect("a checkpoint");
        let options = Options { outside: vec![outside], ..Options::default() };
        let verdict = judged(&bundle(&house, &ours, ALL).await, &options);
        assert_eq!(verdict.counts.core_not_shown, 306);
        assert_eq!(verdict.outside[0].agreement, Agreement::Continued);
    }
}

#[tokio::test]
async fn nothing_passes_for_lost_that_no_restore_lost() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 300).await;
        house.published().await;
        house.log.close_epoch(EU).await.expect("closes");
        let slots = house.slots().await;
        house.grow(&ours, 10).await;
        house.published().await;
        house.log.close_epoch(EU).await.expect("closes");
        roll_back(&house, &ours, &slots).await;
        let (record, log) = house.anew();
        gone_on(&record, &log, &ours.itself()).await;

        // Somebody makes an event of before look as if it had been lost as well.
        let mut body = house.body(&ours, 305).await;
        body[ENTRY].copy_from_slice(&house.body(&ours, 7).await[ENTRY]);
        let set = "UPDATE audit_event SET body = $2, action = 'audit.event.lost', user_id = '',
                     resource_type = 'record', resource_id = '310', outcome = 'unknown'
                    WHERE org_id = $1 AND seq = 7";
        house.as_owner(&[(set, args![ours.org.as_str(), body])]).await;
        let verified = house.restarted().verify_some(EU, 10_000).await.expect("verifies");
        let faults: Vec<_> = verified.faults.iter().map(|it| (it.seq, it.kind.clone())).collect();
        assert_eq!(faults, [(Some(7), FaultKind::NotLost)]);
    }
}

#[tokio::test]
async fn a_published_log_that_does_not_continue_the_database_is_refused() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 300).await;
        house.published().await;
        house.log.close_epoch(EU).await.expect("closes");
        let slots = house.slots().await;
        house.grow(&ours, 10).await;
        house.published().await;
        roll_back(&house, &ours, &slots).await;
        // What was acknowledged behind the backup by a node that nobody stopped.
        let (record, log) = house.anew();
        record.note(&ours, &Event::done("test.thing.set", "thing", "a")).await.expect("durable");
        let behind = log.behind(EU).await.expect("looks");
        let refused = log.lacking(behind[0].clone()).await;
        assert!(
            matches!(&refused, Err(LogError::Fault(fault)) if fault.kind == FaultKind::OtherRoot(310)),
            "{refused:?}"
        );
        assert_eq!(house.entries(&ours).await.len(), 301, "nothing half done");
    }
}

/// Records that somebody was erased; their key stays, as in a database that was restored to
/// before. Gives what they are called in the record.
async fn erase(house: &House, ours: &Caller, id: &str) -> String {
    let person = house.record.pseudonym(&ours.itself(), id).expect("is served");
    let event = Event::done("privacy.person.erased", "person", "erased");
    let event = event.changes(json!({ "person": person }));
    house.record.note(ours, &event).await.expect("durable");
    house.published().await;
    person
}

#[tokio::test]
async fn a_copy_of_a_log_has_the_note_of_each_erasure_that_its_checkpoint_covers() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 3).await;
        let mut gone = vec![erase(&house, &ours, "mem_01KDVDNA00495K2ZPTT9ZNDTZG").await];
        let before = house.shelf.files().clone();
        gone.push(erase(&house, &ours, "mem_01KDVDNA00495K2ZPTT9ZNDTZH").await);
        gone.sort_unstable();
        for _ in 0..3 {
            house.grow(&ours, 1).await;
            house.published().await;
        }
        // All of this happens while the first file is copied.
        let now = std::mem::replace(&mut *house.shelf.files(), before);
        let (living, copy) = (house.shelf.clone(), Shelf::default());
        let mut put = |path: &str, bytes: &[u8]| {
            living.files().clone_from(&now);
            copy.files().insert(path.to_owned(), bytes.to_vec());
            Ok(())
        };
        house.log.copy(EU, &mut put).await.expect("copies");

        let path = format!("{}/checkpoint", ours.org);
        let covered = copy.files().get(&path) == now.get(&path);
        assert!(covered, "the copied checkpoint covers both");
        let told = house.within(Arc::new(copy)).erased(&ours.itself()).await.expect("reads");
        assert_eq!(told, gone);
    }
}
