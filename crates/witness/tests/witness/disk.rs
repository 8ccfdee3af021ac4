//! What the disk does.

use std::fs;
use std::path::PathBuf;

use tlog::witness::Request;

use crate::log::{SmallLog, signed, signer};
use crate::stand::Stand;

/// The one head of a stand.
fn head(stand: &Stand) -> PathBuf {
    let mut heads = fs::read_dir(stand.data().join("heads")).expect("a folder");
    heads.next().expect("one head").expect("an entry").path()
}

#[tokio::test]
async fn a_restart_remembers_every_head_and_the_same_keys() {
    let (mut stand, log) = (Stand::new(), SmallLog::honest());
    let keys = stand.witness.verifiers().to_vec();
    for size in [3, 10, 200] {
        let old = if size == 3 { 0 } else { [3, 10][usize::from(size == 200)] };
        stand.cosigned(&log.request(old, size)).await;
        stand = stand.restart();
        assert_eq!(stand.witness.verifiers(), keys);
        let other = SmallLog::rewritten(0);
        assert_eq!(stand.ask(&other.request(0, 201)).await.body, format!("{size}\n"));
        assert_eq!(stand.ask(&other.request(size, size)).await.status, 409);
    }
    // A crash while the next head was written: half of it lies beside the old one.
    fs::write(head(&stand).with_added_extension("draft"), "portico.exam").expect("a file");
    let stand = stand.restart();
    stand.cosigned(&log.request(200, 201)).await;
    assert_eq!(fs::read_dir(stand.data().join("heads")).expect("a folder").count(), 1);
}

#[tokio::test]
async fn a_head_that_cannot_be_kept_is_not_cosigned() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 3)).await;
    // A folder where the draft would be: it cannot be written, whoever we are.
    let draft = head(&stand).with_added_extension("draft");
    fs::create_dir(&draft).expect("a folder");
    let answer = stand.ask(&log.request(3, 5)).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "the head could not be kept\n"));
    assert!(stand.page().await.contains("size      3\n"));
    // The disk is well again.
    fs::remove_dir(&draft).expect("a folder");
    stand.cosigned(&log.request(3, 5)).await;
    let stand = stand.restart();
    stand.cosigned(&log.request(5, 6)).await;
}

#[tokio::test]
async fn a_head_with_lines_that_one_key_does_not_cover_is_remembered_too() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    let extended = log.checkpoint(3).with_extension("an extension").expect("room");
    let note = signed(&extended, &[&signer(1)]);
    let answer = stand.ask(&Request::new(0, Vec::new(), note).expect("a request")).await;
    assert_eq!((answer.status, answer.body.lines().count()), (200, 1), "Ed25519 alone");
    let stand = stand.restart();
    stand.cosigned(&log.request(3, 5)).await;
}

#[tokio::test]
async fn a_contradiction_that_cannot_be_kept_is_refused_all_the_same() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 5)).await;
    fs::write(stand.data().join("evidence"), "a file in its place").expect("a file");
    assert_eq!(stand.ask(&SmallLog::rewritten(2).request(5, 5)).await.status, 409);
    fs::remove_file(stand.data().join("evidence")).expect("a file");
    assert_eq!(stand.ask(&SmallLog::rewritten(2).request(5, 5)).await.status, 409);
    assert_eq!(stand.evidence().len(), 2, "kept when it comes again");
}
