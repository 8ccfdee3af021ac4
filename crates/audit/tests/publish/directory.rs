//! The directory of a cell, looked at by the words of `record-format.md` alone.

use access::Standing;
use audit::LogError;
use aws_lc_rs::digest::{SHA256, digest};
use base::args;
use base::time::{At, Clock as _};
use jiff::SignedDuration;
use serde_json::Value;
use tlog::tile::Bundle;
use tlog::{Hash, Note, Proof};

use crate::house::{EU, House, verifiers};
use crate::others::Meanwhile;

const ORIGIN: &str = "portico.example/eu/directory";
const NIL: &str = "org_00000000000000000000000000";

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    digest(&SHA256, &parts.concat()).as_ref().try_into().expect("32 bytes")
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digits).collect()
}

/// The root of the slots to which a listed checkpoint leads.
fn root(org: &str, text: &str, listed: &Value) -> Hash {
    let salt = unhex(listed["salt"].as_str().expect("a salt"));
    let head = sha256(&[b"portico-directory/v1 head\n", &salt, text.as_bytes()]);
    let slot = sha256(&[b"portico-directory/v1 slot\n", org.as_bytes()]);
    let slot = u64::from_be_bytes(slot[..8].try_into().expect("eight"));
    let path = listed["path"].as_array().expect("a path");
    assert_eq!(path.len(), 64);
    path.iter().zip(0..).fold(Hash::of_leaf(&head), |hash, (sibling, height)| {
        let sibling = Hash::from_base64(sibling.as_str().expect("text")).expect("a hash");
        if slot >> height & 1 == 0 {
            Hash::of_node(&hash, &sibling)
        } else {
            Hash::of_node(&sibling, &hash)
        }
    })
}

/// The epoch in which a receipt's checkpoint is the head of its org.
fn proven(org: &str, receipt: &Value) -> u64 {
    let listed = &receipt["directory"];
    let note = receipt["checkpoint"]["note"].as_str().expect("a note");
    let note = Note::parse(note.as_bytes()).expect("a note");
    let root = root(org, note.text(), listed);
    let at: At = listed["at"].as_str().expect("text").parse().expect("a time");
    let entry = [&b"directory/v1"[..], &at.as_microsecond().to_be_bytes(), &root.0].concat();
    let proof = listed["proof"].as_str().expect("text");
    let proof = Proof::parse(proof.as_bytes()).expect("a proof");
    let keys = verifiers(ORIGIN);
    let proven = proof.verify(&Hash::of_leaf(&entry), ORIGIN, &keys).expect("is proven");
    assert_eq!(proven.verified.len(), 2, "by both keys of the log");
    assert_eq!(listed["origin"], ORIGIN);
    assert_eq!(listed["epoch"], proof.index());
    proof.index()
}

/// The entries of the directory's log, as published.
fn epochs(house: &House) -> Vec<Vec<u8>> {
    let files = house.shelf.files();
    let note = Note::parse(&files["directory/checkpoint"]).expect("a note");
    let size = note.text().lines().nth(1).expect("a size").parse().expect("a number");
    let bundle = Bundle::within(0, size).expect("a bundle");
    let bytes = &files[&format!("directory/{}", bundle.path())];
    bundle.decode(bytes).expect("entries").into_iter().map(<[u8]>::to_vec).collect()
}

#[tokio::test]
async fn a_receipt_shows_that_its_checkpoint_is_the_one_head_of_its_org() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        for round in 0..3 {
            let id = format!("call_{round}");
            house.call(&ours, &id).await;
            house.grow(&theirs, 3).await;
            house.published().await;
            house.clock.advance(SignedDuration::from_secs(1));
            house.log.close_epoch(EU).await.expect("closes");
            let receipt = house.receipt(&ours, &id).await;
            assert_eq!(proven(ours.org.as_str(), &receipt), round);
        }
        assert_eq!(house.log.close_epoch(EU).await.expect("looks"), None, "nothing changed");

        // What is not listed yet is listed at once, and another process goes on.
        house.call(&ours, "call_now").await;
        let receipt = house.receipt_from(&house.restarted(), &ours, "call_now").await;
        assert_eq!(proven(ours.org.as_str(), &receipt), 3);
        // The same head is not that of another org, nor is another head ours.
        let note = receipt["checkpoint"]["note"].as_str().expect("a note");
        let text = Note::parse(note.as_bytes()).expect("a note").text().to_owned();
        let there = root(ours.org.as_str(), &text, &receipt["directory"]);
        assert_ne!(there, root(theirs.org.as_str(), &text, &receipt["directory"]));
        let other = text.replacen("\n8\n", "\n9\n", 1);
        assert_ne!(other, text);
        assert_ne!(there, root(ours.org.as_str(), &other, &receipt["directory"]));
    }
}

#[tokio::test]
async fn another_org_changes_no_byte_of_ours_but_siblings_and_the_signed_epoch() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        let ingrid = house.member(&ours.org, &["models:invoke"], Standing::default());
        house.call(&ingrid, "call_1").await;
        house.grow(&theirs, 1).await;
        house.published().await;
        let before = house.receipt(&ingrid, "call_1").await;
        let files = |of: &str| -> Vec<_> {
            let of = format!("{of}/");
            let files = house.shelf.files();
            let own = files.iter().filter(|(path, _)| path.starts_with(&of));
            own.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        let published = files(ours.org.as_str());

        house.clock.advance(SignedDuration::from_secs(7));
        house.grow(&theirs, 600).await;
        house.published().await;
        assert_eq!(house.log.close_epoch(EU).await.expect("closes"), Some(1));
        let after = house.receipt(&ingrid, "call_1").await;
        assert_eq!(files(ours.org.as_str()), published, "no byte of what is published");
        assert_eq!(proven(ours.org.as_str(), &before), 0);
        assert_eq!(proven(ours.org.as_str(), &after), 1);

        // Of the receipt: the epoch, its time and its signed head, and the hashes where the
        // paths of both orgs meet. The salt stays, and so does all else.
        let mut same = after.clone();
        for changed in ["epoch", "at", "proof"] {
            assert_ne!(before["directory"][changed], after["directory"][changed]);
            same["directory"][changed] = before["directory"][changed].clone();
        }
        let path = |receipt: &Value| receipt["directory"]["path"].as_array().expect("one").clone();
        let siblings = path(&before).into_iter().zip(path(&after));
        let differing = siblings.filter(|(before, after)| before != after).count();
        assert_eq!(differing, 1, "one hash stands above the other org");
        same["directory"]["path"] = before["directory"]["path"].clone();
        assert_eq!(same, before);
    }
}

#[tokio::test]
async fn an_epoch_that_was_cut_off_is_published_with_the_same_bytes() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 2).await;
        house.published().await;
        house.log.close_epoch(EU).await.expect("closes");
        let mut whole = false;
        for writes in 0..20 {
            house.grow(&ours, 2).await;
            house.published().await;
            let (closed, log) = (house.clock.now(), house.restarted());
            house.shelf.breaks_after(writes);
            whole = log.close_epoch(EU).await.is_ok();
            house.shelf.works();
            // Whoever goes on, and whenever: the epoch has the time at which it was closed.
            house.clock.advance(SignedDuration::from_mins(1));
            let next = house.restarted();
            next.check().await.expect("nothing is lost");
            next.close_epoch(EU).await.expect("goes on");
            let epochs = epochs(&house);
            assert_eq!(i64::try_from(epochs.len()), Ok(writes + 2), "each once");
            let last = epochs.last().expect("one");
            assert_eq!(last[12..20], closed.as_microsecond().to_be_bytes());
            if whole {
                break;
            }
        }
        assert!(whole, "a round has fewer steps");
        house.restarted().check().await.expect("all is well");
    }
}

#[tokio::test]
async fn a_directory_goes_on_over_whole_bundles_and_other_processes() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let long_idle = house.restarted();
        for epoch in 0..259 {
            house.grow(&ours, 1).await;
            house.published().await;
            let log = match epoch {
                0 => long_idle.clone(),
                254.. => house.restarted(),
                _ => house.log.clone(),
            };
            assert_eq!(log.close_epoch(EU).await.expect("closes"), Some(epoch));
            if epoch > 253 {
                house.restarted().check().await.expect("all is there");
            }
        }
        house.call(&ours, "call_1").await;
        let receipt = house.receipt_from(&house.restarted(), &ours, "call_1").await;
        assert_eq!(proven(ours.org.as_str(), &receipt), 259);

        // The next epoch that it knows of was closed by others, and its row is gone.
        house.grow(&ours, 1).await;
        long_idle.publish(EU).await.expect("publishes");
        assert!(matches!(long_idle.close_epoch(EU).await, Err(LogError::Moved)), "it is not there");
        assert_eq!(long_idle.close_epoch(EU).await.expect("closes"), Some(260));
        house.restarted().check().await.expect("nothing is damaged");

        // Others close the next one while it is about to sign its own: that is no fault.
        let (node, others) = Meanwhile::later(&house, &ours, "directory/checkpoint");
        for (closed, meanwhile) in [(261, false), (262, true), (264, false)] {
            house.grow(&ours, 1).await;
            node.publish(EU).await.expect("publishes");
            if meanwhile {
                others.begins();
                let overtaken = node.close_epoch(EU).await;
                assert!(matches!(overtaken, Err(LogError::Moved)), "{closed}: {overtaken:?}");
            } else {
                assert_eq!(node.close_epoch(EU).await.expect("closes"), Some(closed));
            }
            house.restarted().check().await.expect("nothing is damaged");
        }
    }
}

#[tokio::test]
async fn a_directory_that_was_set_back_or_altered_is_not_served() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        for _ in 0..2 {
            house.grow(&ours, 1).await;
            house.grow(&theirs, 1).await;
            house.published().await;
            house.log.close_epoch(EU).await.expect("closes");
        }
        house.restarted().check().await.expect("all is well");
        let kept = house.slots().await;
        let heads = "the heads of the orgs do not lead to the root that epoch 1 was signed with";
        let lost = "UPDATE audit_slot SET head = $2 WHERE org_id = $1";
        for (tamper, args, found) in [
            (lost, args![ours.org.as_str(), vec![7_u8; 32]], heads),
            ("DELETE FROM audit_slot WHERE org_id = $1", args![theirs.org.as_str()], heads),
        ] {
            house.as_owner(&[(tamper, args)]).await;
            let refused = house.restarted().check().await.expect_err("is found").to_string();
            assert_eq!(refused, format!("the record of `directory`: {found}"));
            let refused = house.restarted().close_epoch(EU).await.expect_err("is found");
            assert!(refused.to_string().contains(found), "{refused}");
            house.set_slots(&kept).await;
        }
        house.restarted().check().await.expect("all is well again");
        let back = [
            ("DELETE FROM audit_epoch WHERE org_id = $1 AND epoch > 0", args![NIL]),
            ("DELETE FROM audit_checkpoint WHERE org_id = $1 AND size > 1", args![NIL]),
        ];
        house.as_owner(&back).await;
        let refused = house.restarted().check().await.expect_err("is found").to_string();
        assert!(refused.contains("2 events were published and the database has 1"), "{refused}");
    }
}
