//! What is cosigned, and what is not.

use jiff::SignedDuration;
use tlog::witness::Request;
use tlog::{Checkpoint, Hash, Note};

use crate::log::{ORIGIN, SmallLog, signed, signer};
use crate::stand::{NAME, Stand};

/// 2026-01-01, where the clock of the tests stands.
pub(crate) const BEGIN_SECS: u64 = 1_767_225_600;

#[tokio::test]
async fn a_log_that_grows_is_cosigned_at_each_size_by_both_keys() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    for (turn, (old, new)) in (0..).zip([(0, 3), (3, 4), (4, 100), (100, 100), (100, 255)]) {
        assert_eq!(stand.cosigned(&log.request(old, new)).await, [BEGIN_SECS + turn; 2]);
        stand.clock.advance(SignedDuration::from_secs(1));
    }
    let page = stand.page().await;
    for told in [NAME, ORIGIN, "size      255", &log.root(255).to_string(), "2026-01-01T00:00:04Z"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    for key in stand.witness.verifiers() {
        assert!(page.contains(&format!("\n{key}\n")), "{page}");
    }
    assert!(!page.contains("evidence"));
}

#[tokio::test]
async fn a_head_can_be_asked_for_again_within_the_same_second() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    let first = stand.ask(&log.request(0, 3)).await;
    assert_eq!(stand.ask(&log.request(3, 3)).await, first, "the same signatures");
    stand.clock.advance(SignedDuration::from_secs(1));
    assert_ne!(stand.ask(&log.request(3, 3)).await, first, "a later time");
}

#[tokio::test]
async fn each_refusal_has_the_status_of_the_specification() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 5)).await;
    let plain = "text/plain; charset=utf-8";

    // 404: nobody told us of this log.
    let elsewhere = Checkpoint::new("elsewhere.example", 8, log.root(8)).expect("a checkpoint");
    let unknown = Request::new(5, Vec::new(), signed(&elsewhere, &[&signer(1)]));
    let answer = stand.ask(&unknown.expect("a request")).await;
    assert_eq!((answer.status, answer.kind.as_str()), (404, plain));

    // 403: a stranger signed, or somebody who only says that it is the log.
    for wrong in [signed(&log.checkpoint(8), &[&signer(9)]), impostor(&log)] {
        let request = Request::new(5, log.path(5, 8), wrong).expect("a request");
        assert_eq!(stand.ask(&request).await.status, 403);
    }

    // 422: a proof that proves nothing.
    let path = log.path(5, 8);
    for wrong in [&path[..0], &path[1..], &[path.clone(), vec![Hash::EMPTY]].concat()] {
        let request = Request::new(5, wrong.to_vec(), log.note(8)).expect("a request");
        assert_eq!(stand.ask(&request).await.status, 422);
    }

    // 409: it was at another size last, and says at which.
    for old in [0, 3, 6] {
        let answer = stand.ask(&log.request(old, 8)).await;
        let expected = (409, "text/x.tlog.size", "5\n");
        assert_eq!((answer.status, answer.kind.as_str(), answer.body.as_str()), expected);
    }

    // 400: not a request, or one that shrinks.
    for wrong in ["", "old 5\n", "old five\n\n", "old 5\n\nno checkpoint\n"] {
        let answer = stand.send("POST", "/add-checkpoint", wrong.into()).await;
        assert_eq!((answer.status, answer.kind.as_str()), (400, plain), "{wrong}");
    }
    assert_eq!(stand.ask(&log.request(5, 4)).await.status, 400);

    // And what is not in the specification.
    let large = vec![b'a'; 300 << 10];
    assert_eq!(stand.send("POST", "/add-checkpoint", large).await.status, 413);
    assert_eq!(stand.send("GET", "/add-checkpoint", Vec::new()).await.status, 405);
    assert_eq!(stand.send("GET", "/elsewhere", Vec::new()).await.status, 404);

    // Nothing of all that changed what is remembered.
    stand.cosigned(&log.request(5, 8)).await;
    let metrics = stand.send("GET", "/metrics", Vec::new()).await.body;
    for counted in [
        "portico_witness_answers_total{answer=\"cosigned\"} 2",
        "portico_witness_answers_total{answer=\"inconsistent\"} 3",
        "portico_witness_answers_total{answer=\"malformed\"} 4",
        "portico_witness_answers_total{answer=\"other_size\"} 3",
        "portico_witness_contradictions_total{kind=\"fork\"} 0",
    ] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }
}

/// A signature that bears the name and the id of the log's key, and is of another text.
fn impostor(log: &SmallLog) -> Note {
    let mut note = Note::new(log.checkpoint(8).to_string()).expect("a text");
    note.add(log.note(7).signatures()[0].clone()).expect("room");
    note
}
