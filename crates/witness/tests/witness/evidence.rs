//! What contradicts a head is kept.

use tlog::witness::Request;
use tlog::{Checkpoint, Hash, Note};

use crate::log::{ORIGIN, SmallLog, signed, signer};
use crate::stand::Stand;

#[tokio::test]
async fn a_fork_is_refused_and_kept_as_evidence() {
    let (stand, log, other) = (Stand::new(), SmallLog::honest(), SmallLog::rewritten(2));
    stand.cosigned(&log.request(0, 5)).await;
    let answer = stand.ask(&other.request(5, 5)).await;
    assert_eq!((answer.status, answer.kind.as_str()), (409, "text/plain; charset=utf-8"));
    assert_eq!(stand.evidence(), ["fork-5.seen", "fork-5.shown"]);

    // Anybody can see that the log has signed both.
    let keys = [signer(1).verifier().clone()];
    let mut roots = Vec::new();
    for file in stand.evidence_files() {
        let note = Note::parse(&std::fs::read(&file).expect("a file")).expect("a note");
        let (checkpoint, by) = Checkpoint::open(&note, ORIGIN, &keys).expect("signed by the log");
        assert_eq!((checkpoint.size(), by.len()), (5, 1));
        roots.push(*checkpoint.root());
    }
    roots.sort();
    let mut both = vec![log.root(5), other.root(5)];
    both.sort();
    assert_eq!(roots, both);

    // The size was wrong too: still a fork.
    let stand = stand.restart();
    let forked = SmallLog::rewritten(3);
    let early = Request::new(0, Vec::new(), forked.note(5)).expect("a request");
    let answer = stand.ask(&early).await;
    assert_eq!((answer.status, answer.body.as_str()), (409, "5\n"));
    assert!(stand.page().await.contains("evidence  fork: 2\n"));
    let metrics = stand.send("GET", "/metrics", Vec::new()).await.body;
    assert!(metrics.contains("portico_witness_contradictions_total{kind=\"fork\"} 1"));

    // The face that was seen first is cosigned as before.
    stand.cosigned(&log.request(5, 8)).await;
    // And the fork is known behind the head.
    stand.ask(&SmallLog::rewritten(4).request(5, 5)).await;
    assert!(stand.page().await.contains("evidence  fork: 3\n"));
}

#[tokio::test]
async fn a_rollback_is_refused_and_kept_as_evidence() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 5)).await;
    stand.cosigned(&log.request(5, 8)).await;
    assert_eq!(stand.ask(&log.request(8, 6)).await.status, 400);
    assert_eq!(stand.ask(&log.request(3, 7)).await.status, 409);
    let names = ["rollback-6.seen", "rollback-6.shown", "rollback-7.seen", "rollback-7.shown"];
    assert_eq!(stand.evidence(), names);
    // What we cosigned ourselves and comes late contradicts nothing.
    assert_eq!(stand.ask(&log.request(0, 5)).await.status, 409);
    assert_eq!(stand.evidence(), names);
}

#[tokio::test]
async fn a_rewritten_log_is_refused_and_kept_as_evidence() {
    let (stand, log, other) = (Stand::new(), SmallLog::honest(), SmallLog::rewritten(2));
    stand.cosigned(&log.request(0, 5)).await;
    // It grew past the head, with the best proof that there is.
    assert_eq!(stand.ask(&other.request(5, 8)).await.status, 422);
    assert_eq!(stand.evidence(), ["unproven-8.seen", "unproven-8.shown"]);
    // Somebody sent a checkpoint with a wrong proof; the log has the right one.
    let careless = Request::new(5, Vec::new(), log.note(9)).expect("a request");
    assert_eq!(stand.ask(&careless).await.status, 422);
    assert_eq!(stand.evidence().len(), 4);
    stand.cosigned(&log.request(5, 9)).await;
    assert_eq!(stand.evidence(), ["unproven-8.seen", "unproven-8.shown"], "settled");
}

#[tokio::test]
async fn evidence_is_bounded_and_each_piece_is_kept_once() {
    let (mut stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 100)).await;
    for round in 0..2 {
        for from in 0..20 {
            let other = SmallLog::rewritten(from);
            assert_eq!(stand.ask(&other.request(100, 100)).await.status, 409);
            assert_eq!(stand.ask(&log.request(100, from)).await.status, 400);
        }
        assert_eq!(stand.evidence_files().len(), 2 * 2 * 16, "round {round}");
        stand = stand.restart();
    }
    let page = stand.page().await;
    assert!(page.contains("evidence  fork: 16\nevidence  rollback: 16\n"), "{page}");
}

#[tokio::test]
async fn strangers_leave_no_evidence() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 5)).await;
    let checkpoint = Checkpoint::new(ORIGIN, 5, Hash::EMPTY).expect("a checkpoint");
    let forged = Request::new(5, Vec::new(), signed(&checkpoint, &[&signer(9)]));
    assert_eq!(stand.ask(&forged.expect("a request")).await.status, 403);
    assert_eq!(stand.evidence(), [""; 0]);

    // Nor do their signatures beside one of the log: neither in a head nor in evidence.
    let strangers = [signer(1), signer(2), signer(3)];
    let padded = signed(&log.checkpoint(8), &strangers.each_ref());
    stand.cosigned(&Request::new(5, log.path(5, 8), padded).expect("a request")).await;
    let fork = SmallLog::rewritten(2);
    let padded = signed(&fork.checkpoint(8), &strangers.each_ref());
    stand.ask(&Request::new(8, Vec::new(), padded).expect("a request")).await;
    for file in stand.evidence_files() {
        let note = Note::parse(&std::fs::read(&file).expect("a file")).expect("a note");
        let of_log = signer(1).verifier().id();
        let others = note.signatures().iter().filter(|by| by.id() != of_log);
        let ours = if file.extension().is_some_and(|end| end == "seen") { 2 } else { 0 };
        assert_eq!(others.count(), ours, "{}", file.display());
    }
}
