use access::Caller;
use audit::{Event, Fault, FaultKind, Verified};
use base::args;
use base::db::{Statement, Within};
use jiff::SignedDuration;

use crate::house::{EU, House, frontier};

/// Where the pieces of a stored event begin: see `entry::sealed`.
const NONCE: usize = 1;
const ENTRY: usize = 17;
const SUBJECT_TAG: usize = 121;

async fn verified(house: &House) -> Verified {
    house.restarted().verify_some(EU, 10_000).await.expect("verifies")
}

/// What is found, by position.
async fn found(house: &House, ours: &Caller) -> Vec<(u64, FaultKind)> {
    let faults = verified(house).await.faults;
    let of = |Fault { org, seq, kind }| {
        assert_eq!(org, ours.org.as_str(), "nobody else is named");
        (seq.expect("a position"), kind)
    };
    faults.into_iter().map(of).collect()
}

const SET_BODY: &str = "UPDATE audit_event SET body = $3 WHERE org_id = $1 AND seq = $2";

#[tokio::test]
async fn whatever_is_changed_in_the_database_is_found_and_named() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        house.grow(&ours, 300).await;
        house.grow(&theirs, 2).await;
        house.published().await;
        assert_eq!(verified(&house).await, Verified { checked: 302, faults: vec![] });
        let org = ours.org.as_str();

        // Each column by which an event is found.
        let columns = [
            ("UPDATE audit_event SET at = at + 1 WHERE org_id = $1 AND seq = 7", "at"),
            ("UPDATE audit_event SET at = at - 1 WHERE org_id = $1 AND seq = 7", "at"),
            (
                "UPDATE audit_event SET action = 'test.thing.seen' WHERE org_id = $1 AND seq = 7",
                "action",
            ),
            (
                "UPDATE audit_event SET user_id = 'somebody' WHERE org_id = $1 AND seq = 7",
                "user_id",
            ),
            (
                "UPDATE audit_event SET resource_type = 'key' WHERE org_id = $1 AND seq = 7",
                "resource_type",
            ),
            (
                "UPDATE audit_event SET resource_id = 'mem_x' WHERE org_id = $1 AND seq = 7",
                "resource_id",
            ),
            ("UPDATE audit_event SET outcome = 'denied' WHERE org_id = $1 AND seq = 7", "outcome"),
        ];
        let keep = "CREATE TABLE kept AS SELECT * FROM audit_event WHERE org_id = $1";
        let keep = keep.replace("$1", &format!("'{org}'")).leak();
        house.as_owner(&[(keep, vec![])]).await;
        let restore = [
            ("DELETE FROM audit_event WHERE org_id = $1", args![org]),
            ("INSERT INTO audit_event SELECT * FROM kept WHERE org_id = $1", args![org]),
        ];
        for (text, column) in columns {
            house.as_owner(&[(text, args![org])]).await;
            let found = found(&house, &ours).await;
            assert_eq!(found, [(7, FaultKind::Column(column))], "{:?}", house.bench.db.engine());
            house.as_owner(&restore).await;
        }

        // Each piece of the stored event.
        let whole = house.body(&ours, 7).await;
        let last = whole.len() - 1;
        let core = whole.windows(9).position(|it| it == b"{\"action\"").expect("is plain");
        for (at, kind) in [
            (0, FaultKind::NotWhole),
            (NONCE, FaultKind::NotCommitted("core")),
            (ENTRY, FaultKind::NotWhole),
            (ENTRY + 8, FaultKind::OtherEntry),
            (ENTRY + 103, FaultKind::OtherEntry),
            (core + 12, FaultKind::NotCommitted("core")),
            (last, FaultKind::NotCommitted("payload")),
        ] {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            house.as_owner(&[(SET_BODY, args![org, 7, altered])]).await;
            assert_eq!(found(&house, &ours).await, [(7, kind)], "byte {at}");
        }
        // Naming a key that never was does not make an event one that was forgotten.
        let mut altered = whole.clone();
        let tags = SUBJECT_TAG + 1 + usize::from(altered[SUBJECT_TAG]);
        altered[tags + 1] = if altered[tags + 1] == b'0' { b'1' } else { b'0' };
        house.as_owner(&[(SET_BODY, args![org, 7, altered])]).await;
        assert_eq!(found(&house, &ours).await, [(7, FaultKind::NoSuchKey("payload"))]);
        house.as_owner(&restore).await;

        // Rows as a whole: gone, exchanged, repeated.
        house
            .as_owner(&[("DELETE FROM audit_event WHERE org_id = $1 AND seq = 8", args![org])])
            .await;
        assert_eq!(found(&house, &ours).await, [(8, FaultKind::Missing)]);
        house.as_owner(&restore).await;
        let (eighth, ninth) = (house.body(&ours, 8).await, house.body(&ours, 299).await);
        house
            .as_owner(&[
                (SET_BODY, args![org, 299, eighth]),
                (SET_BODY, args![org, 8, ninth.clone()]),
            ])
            .await;
        let exchanged = [(8, FaultKind::OtherEntry), (299, FaultKind::OtherEntry)];
        assert_eq!(found(&house, &ours).await, exchanged);
        house.as_owner(&restore).await;
        house.as_owner(&[(SET_BODY, args![org, 8, ninth])]).await;
        assert_eq!(found(&house, &ours).await, [(8, FaultKind::OtherEntry)]);
        house.as_owner(&restore).await;
        assert_eq!(verified(&house).await.faults, []);
    }
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_while_the_node_runs() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 30).await;
        house.published().await;
        let edge = frontier(&house.entries(&ours).await[..20]).to_bytes();
        let org = ours.org.as_str();
        house
            .as_owner(&[
                ("DELETE FROM audit_event WHERE org_id = $1 AND seq >= 20", args![org]),
                (
                    "UPDATE audit_head SET size = 20, frontier = $2 WHERE org_id = $1",
                    args![org, edge],
                ),
            ])
            .await;
        let kind = FaultKind::RolledBack { published: 30, found: 20 };
        let fault = Fault { org: org.to_owned(), seq: None, kind };
        assert_eq!(verified(&house).await.faults, [fault]);
    }
}

#[tokio::test]
async fn files_that_were_altered_together_with_the_record_do_not_agree_with_what_was_signed() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 300).await;
        house.published().await;
        let org = ours.org.as_str();
        // Somebody has the database and the store, and makes all of it fit.
        let other = house.body(&ours, 9).await;
        house.as_owner(&[(SET_BODY, args![org, 8, other.clone()])]).await;
        {
            let mut files = house.shelf.files();
            let leaf = tlog::Hash::of_leaf(&other[ENTRY..ENTRY + 104]);
            let tile = files.get_mut(&format!("{org}/tile/0/000")).expect("is there");
            tile[8 * 32..9 * 32].copy_from_slice(&leaf.0);
            let bundle = files.get_mut(&format!("{org}/tile/entries/000")).expect("is there");
            bundle[8 * 106 + 2..9 * 106].copy_from_slice(&other[ENTRY..ENTRY + 104]);
        }
        let fault = Fault { org: org.to_owned(), seq: None, kind: FaultKind::OtherRoot(300) };
        assert_eq!(verified(&house).await.faults, [fault]);

        // Nor do entries that were altered alone.
        let house = House::on(
            base::testing::Bench::sqlite(audit::sql::MIGRATIONS).await,
            crate::shelf::Shelf::default(),
        );
        let ours = house.somebody();
        house.grow(&ours, 3).await;
        house.published().await;
        let bundle = format!("{}/tile/entries/000.p/3", ours.org);
        house.shelf.files().get_mut(&bundle).expect("is there")[106 + 50] ^= 1;
        assert_eq!(found(&house, &ours).await, [(1, FaultKind::OtherBundle)]);
    }
}

#[tokio::test]
async fn verification_goes_round_all_records_a_little_at_a_time() {
    let read =
        Statement::new("read", "SELECT next, whole_size FROM audit_verified WHERE org_id = $1");
    for house in House::on_each_engine().await {
        let (long, short) = (house.somebody(), house.somebody());
        house.grow(&long, 600).await;
        house.grow(&short, 5).await;
        house.published().await;
        let mut checked = 0;
        for _ in 0..6 {
            checked += house.restarted().verify_some(EU, 256).await.expect("verifies").checked;
            house.clock.advance(SignedDuration::from_secs(5));
        }
        assert!(checked >= 605, "{checked}");
        for (caller, size) in [(&long, 600), (&short, 5)] {
            let (within, org) = (Within::org(caller.org.as_str()), caller.org.as_str());
            let row = house.bench.db.maybe(&within, read, args![org]).await.expect("reads");
            let row = row.expect("was verified");
            assert_eq!(row.opt_int("whole_size").expect("a size"), Some(size), "a whole pass");
        }
        let metrics = house.metrics.render().expect("text");
        assert!(metrics.contains("portico_record_faults_total 0"), "{metrics}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_is_no_fault() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 2).await;
        house.clock.advance(SignedDuration::from_mins(10));
        house.grow(&ours, 2).await;
        house.clock.advance(SignedDuration::from_mins(-9));
        house.grow(&ours, 2).await;
        house
            .record
            .note(&ours, &Event::done("test.thing.seen", "thing", "t"))
            .await
            .expect("durable");
        house.published().await;
        assert_eq!(verified(&house).await, Verified { checked: 7, faults: vec![] });
    }
}
