//! What a witness answers.

use tlog::note::Algorithm;
use tlog::witness::{
    Accepted, Head, Log, Refusal, Request, SIZE_TYPE, Unanswered, cosignatures, decide, known_size,
};
use tlog::{Checkpoint, Hash, Note, Signer, Verifier};

use crate::keys::{self, TIME};
use crate::small_log::{ORIGIN, SmallLog, entry, signed};

fn asked(log: &SmallLog, old: u64, new: u64) -> Request {
    let path = log.at(new).consistency(old).expect("tiles");
    Request::new(old, path, log.signed(new, &[&keys::log()])).expect("a request")
}

fn answer(stored: Option<Head>, request: &Request) -> Result<Accepted, Refusal> {
    let known = [keys::log().verifier().clone()];
    decide(Some(Log { origin: ORIGIN, keys: &known }), stored, request)
}

/// A log that wrote a checkpoint at each of these sizes.
fn grown(sizes: &[u64]) -> SmallLog {
    let mut log = SmallLog::default();
    for size in sizes {
        log.grow(*size);
    }
    log
}

fn head(log: &SmallLog, size: u64) -> Head {
    Head { size, root: log.root(size) }
}

#[test]
fn a_witness_cosigns_what_continues_its_memory() {
    let log = grown(&[3, 8, 300]);
    let mut stored = None;
    for (old, new) in [(0, 3), (3, 3), (3, 8), (8, 300), (300, 300)] {
        let request = asked(&log, old, new);
        let accepted = answer(stored, &request).expect("it continues");
        assert_eq!(accepted.head(), head(&log, new));
        stored = Some(accepted.head());

        let body = accepted.cosign(&[keys::witness(), keys::witness_mldsa()], TIME).expect("signs");
        assert_eq!(body.lines().count(), 2);
        let witnesses =
            [keys::witness_mldsa(), keys::witness()].map(|signer| signer.verifier().clone());
        let text = request.note().text();
        let found = cosignatures(body.as_bytes(), text, &witnesses).expect("known");
        let times: Vec<_> = found.iter().map(|(_, by)| by.time_secs).collect();
        assert_eq!(times, [Some(TIME); 2]);

        // The log puts them under its checkpoint.
        let mut note = request.note().clone();
        for (signature, _) in found {
            note.add(signature).expect("room");
        }
        assert_eq!(note.verify(&witnesses).map(|by| by.len()), Ok(2));
    }
}

#[test]
fn a_witness_refuses_rollback_fork_and_strangers() {
    let log = grown(&[3, 5, 8]);
    let known = [keys::log().verifier().clone()];
    let at_five = Some(head(&log, 5));
    let refused = |stored, request: &Request| answer(stored, request).expect_err("refused");

    // Strangers.
    let request = asked(&log, 5, 8);
    assert_eq!(decide(None, at_five, &request).expect_err("unknown").status(), 404);
    let elsewhere = Log { origin: "another.example", keys: &known };
    assert_eq!(decide(Some(elsewhere), at_five, &request), Err(Refusal::UnknownLog));
    for seed in [9, 10] {
        let stranger = keys::signer(ORIGIN, Algorithm::Ed25519, seed);
        let forged = Request::new(5, request.path().to_vec(), log.signed(8, &[&stranger]));
        assert_eq!(refused(at_five, &forged.expect("a request")).status(), 403);
    }

    // Rollback: the old size is right, and the new one is smaller.
    let back = Request::new(5, Vec::new(), log.signed(3, &[&keys::log()])).expect("a request");
    assert_eq!(refused(at_five, &back), Refusal::OldBeyondNew);
    assert_eq!(Refusal::OldBeyondNew.status(), 400);

    // Another size: it says which.
    for (stored, old) in [(at_five, 3), (at_five, 0), (None, 5)] {
        let why = refused(stored, &asked(&log, old, 8));
        let size = stored.map_or(0, |head| head.size);
        assert_eq!((why.status(), why.content_type()), (409, SIZE_TYPE));
        assert_eq!(why.body(), format!("{size}\n"));
        assert_eq!(known_size(why.body().as_bytes()), Some(size));
    }

    // Forks: at the same size, and behind it.
    let mut other = SmallLog::default();
    other.frontier.append(Hash::of_leaf(b"something else"), |_, _| ()).expect("room");
    for index in 1..5 {
        other.frontier.append(Hash::of_leaf(&entry(index)), |_, _| ()).expect("room");
    }
    let face = Checkpoint::new(ORIGIN, 5, other.frontier.root()).expect("a checkpoint");
    let fork = Request::new(5, Vec::new(), signed(&face, &[&keys::log()])).expect("a request");
    let why = refused(at_five, &fork);
    assert_eq!((why, why.status()), (Refusal::Forked, 409));
    assert_eq!(known_size(why.body().as_bytes()), None);
    let forked = Some(Head { size: 5, root: other.frontier.root() });
    assert_eq!(refused(forked, &request).status(), 422);

    // Proofs that prove nothing.
    let note = || log.signed(8, &[&keys::log()]);
    let path = request.path();
    for wrong in [&path[1..], &path[..0], &[path, &path[..1]].concat()] {
        let request = Request::new(5, wrong.to_vec(), note()).expect("a request");
        assert_eq!(refused(at_five, &request).status(), 422);
    }
    let needless = Request::new(0, path.to_vec(), note()).expect("a request");
    assert_eq!(refused(None, &needless).status(), 422);
    let same = Request::new(5, path.to_vec(), log.signed(5, &[&keys::log()])).expect("a request");
    assert_eq!(refused(at_five, &same).status(), 422);
}

#[test]
fn a_tree_without_leaves_has_one_root() {
    let ask = |root| {
        let checkpoint = Checkpoint::new(ORIGIN, 0, root).expect("a checkpoint");
        let note = signed(&checkpoint, &[&keys::log()]);
        answer(None, &Request::new(0, Vec::new(), note).expect("a request"))
    };
    assert_eq!(ask(Hash::EMPTY).map(|accepted| accepted.head()), Ok(Head::NONE));
    assert_eq!(ask(Hash::of_leaf(b"leaf")).expect_err("refused").status(), 422);
}

#[test]
fn a_witness_passes_over_a_key_that_covers_less_than_is_written() {
    let log = grown(&[3]);
    let extended = log.checkpoint(3).with_extension("an extension").expect("room");
    let note = signed(&extended, &[&keys::log()]);
    let accepted = answer(None, &Request::new(0, Vec::new(), note).expect("a request"));
    let accepted = accepted.expect("it continues");
    let both: [Signer; 2] = [keys::witness_mldsa(), keys::witness()];
    assert_eq!(accepted.cosign(&both, TIME).expect("one signs").lines().count(), 1);
    assert!(accepted.cosign(&both[..1], TIME).is_err());
}

#[test]
fn a_log_believes_known_witnesses_alone() {
    let log = grown(&[3, 5]);
    let text = log.checkpoint(3).to_string();
    let witness = keys::witness();
    let known: [Verifier; 1] = [witness.verifier().clone()];
    let line = |signer: &Signer, text: &str| signer.sign(text, TIME).expect("signs").to_string();
    let stranger = keys::signer("witness.example/w1", Algorithm::CosignatureEd25519, 9);
    let (good, strange) = (line(&witness, &text), line(&stranger, &text));
    let both = cosignatures(format!("{strange}{good}").as_bytes(), &text, &known);
    assert_eq!(both.expect("one is known").len(), 1);
    let elsewhere = line(&witness, &log.checkpoint(5).to_string());
    for wrong in [&strange, &elsewhere] {
        let answer = cosignatures(wrong.as_bytes(), &text, &known);
        assert!(matches!(answer, Err(Unanswered::Refused(_))));
    }
    for wrong in ["", "200 OK", good.trim_end()] {
        let answer = cosignatures(wrong.as_bytes(), &text, &known);
        assert_eq!(answer, Err(Unanswered::Malformed));
    }
    assert_eq!(known_size(b"5"), None);
    assert_eq!(known_size(&[b'9'; 100]), None);
    assert!(Note::parse(text.as_bytes()).is_err());
}

#[test]
fn what_cannot_be_read_is_answered_with_400() {
    let note = grown(&[3]).signed(3, &[&keys::log()]).to_string();
    let hash = Hash::EMPTY;
    for wrong in [
        String::new(),
        note.clone(),
        format!("old 0\n{note}"),
        format!("old -1\n\n{note}"),
        format!("old 00\n\n{note}"),
        format!("old 0\n{}\n{note}", format!("{hash}\n").repeat(64)),
        format!("old 0\nnot a hash\n\n{note}"),
        format!("old 0\n\n{}", note.replace("\n3\n", "\n03\n")),
        format!("old 0\n\n{}", "a".repeat(300 * 1024)),
    ] {
        let why = Request::parse(wrong.as_bytes()).expect_err("malformed");
        assert_eq!(Refusal::Malformed(why).status(), 400);
    }
}
