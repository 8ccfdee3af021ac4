use verify::{Agreement, Believed, FaultKind, Options, Outside, Role};

use crate::book::{BEGAN, Book, Event};
use crate::cases::LOG;
use crate::files::{Files, Tiles};
use crate::keys::Key;
use crate::{given, outside, verdict};

const WITNESS: Key = Key::Witness(7, BEGAN + 86_400 * 28);

fn kind(files: &Files, options: &Options) -> Option<FaultKind> {
    verdict(&files.zip(), options).fault.map(|fault| fault.kind)
}

#[test]
fn without_a_key_of_ones_own_the_verdict_says_so() {
    let files = Files::whole(&Book::of(20), &[LOG, WITNESS, Key::LogMlDsa(3, BEGAN + 86_400 * 28)]);
    let zip = files.zip();
    let own = verdict(&zip, &Options::default());
    assert!(own.sound, "{:?}", own.fault);
    let checkpoint = own.checkpoint.expect("a checkpoint");
    assert_eq!(checkpoint.log, Believed::Brought);
    let believed: Vec<_> =
        checkpoint.signatures.iter().map(|one| (one.role, one.believed)).collect();
    let expected = [
        (Role::Log, Believed::Brought),
        (Role::Unknown, Believed::NotChecked),
        (Role::Log, Believed::Brought),
    ];
    assert_eq!(believed, expected);
    let says = |sentences: &[String], words: &str| sentences.iter().any(|one| one.contains(words));
    assert!(says(&own.not_proven, "keys of the log are those of the bundle"));
    assert!(says(&own.not_proven, "No witness"));

    let known = verdict(&zip, &given(&[LOG.vkey(), WITNESS.vkey()]));
    assert!(known.sound, "{:?}", known.fault);
    assert_eq!(known.checkpoint.expect("a checkpoint").log, Believed::Given);
    assert!(!says(&known.not_proven, "keys of the log are those of the bundle"));
    assert!(!says(&known.not_proven, "No witness"));
    assert!(says(&known.proven, "The witness `witness7.example.org` saw this tree"));

    let absent = verdict(&zip, &given(&[Key::Witness(8, 0).vkey()]));
    assert!(says(&absent.not_proven, "witness8.example.org` did not sign"), "{absent}");
}

#[test]
fn a_witness_that_the_bundle_brings_itself_proves_nothing() {
    let forged = Key::Witness(8, BEGAN + 86_400 * 28);
    let says = |sentences: &[String], words: &str| sentences.iter().any(|one| one.contains(words));
    let invented = Files::whole(&Book::of(20), &[LOG, forged]).listed(&[LOG, forged]);
    let alone = verdict(&invented.bringing(forged).zip(), &Options::default());
    assert!(alone.sound, "{:?}", alone.fault);
    let witness = &alone.checkpoint.as_ref().expect("a checkpoint").signatures[1];
    assert_eq!((witness.role, witness.believed), (Role::Witness, Believed::Brought));
    assert!(alone.to_string().starts_with("SOUND IN ITSELF"), "{alone}");
    assert!(!says(&alone.proven, "witness"), "{alone}");
    assert!(says(&alone.not_proven, "No witness that you gave the key of"), "{alone}");

    // Beside a real one, whose key was given, only that one is proof.
    let keys = [LOG, WITNESS, forged];
    let both = Files::whole(&Book::of(20), &keys).listed(&keys).bringing(forged);
    let known = verdict(&both.zip(), &given(&[WITNESS.vkey()]));
    assert!(known.sound && known.to_string().starts_with("SOUND\n"), "{known}");
    assert!(says(&known.proven, "The witness `witness7.example.org` saw this tree"), "{known}");
    assert!(says(&known.proven, "The witness `witness7.example.org` saw the directory"), "{known}");
    assert!(!says(&known.proven, "witness8"), "{known}");
}

#[test]
fn a_history_that_was_signed_anew_is_caught_from_outside() {
    let honest = Book::of(300);
    let held = honest.signed(280, &[LOG, Key::Witness(7, BEGAN + 2_800)]);
    let mut rewritten = honest.clone();
    rewritten.0[269] = Event::new("limits.budget.set", "bud_2", 2_690, 5_000);
    let by_the_log = Files::whole(&rewritten, &[LOG]);
    let by_another = Files::whole(&rewritten, &[Key::Log(9)]);
    // Each is sound in itself: that is what checkpoints from outside are for.
    assert_eq!(kind(&by_the_log, &Options::default()), None);
    assert_eq!(kind(&by_another, &Options::default()), None);
    assert_eq!(kind(&by_another, &given(&[LOG.vkey()])), Some(FaultKind::Signature));
    let with = |name: &str, note: &str| {
        let outside = vec![outside(name, note)];
        Options { outside, ..Options::default() }
    };
    assert_eq!(kind(&by_the_log, &with("held", &held)), Some(FaultKind::Fork));
    assert_eq!(kind(&by_another, &with("held", &held)), Some(FaultKind::Fork));
    let verdict = verdict(&Files::whole(&honest, &[LOG]).zip(), &with("held", &held));
    assert!(verdict.sound, "{:?}", verdict.fault);
    assert_eq!(verdict.outside[0].agreement, Agreement::Continued);
    // At the same size.
    let other = rewritten.signed(300, &[LOG]);
    assert_eq!(kind(&Files::whole(&honest, &[LOG]), &with("other", &other)), Some(FaultKind::Fork));
    // Too far back for this bundle: said, not guessed.
    let late = Files::part(&honest, 290, 300, &[LOG], Tiles::Needed);
    let early = honest.signed(100, &[LOG]);
    let told = crate::verdict(&late.zip(), &with("early", &early));
    assert!(told.sound && told.outside[0].agreement == Agreement::NotComparable);
    assert!(told.to_string().contains("ask for a bundle that begins earlier"));
}

#[test]
fn a_checkpoint_of_an_empty_record_stands_behind_nothing() {
    let held = outside("held", &Book::of(0).signed(0, &[LOG]));
    let options = Options { outside: vec![held], ..Options::default() };
    let verdict = verdict(&Files::whole(&Book::of(20), &[Key::Log(9)]).zip(), &options);
    assert_eq!(verdict.outside[0].agreement, Agreement::Continued);
    assert!(verdict.to_string().starts_with("SOUND IN ITSELF"), "{verdict}");
    let says = |sentences: &[String]| sentences.iter().any(|one| one.contains("held"));
    assert!(!says(&verdict.proven) && says(&verdict.not_proven), "{verdict}");
}

#[test]
fn a_record_that_went_back_is_caught_by_an_older_checkpoint() {
    let book = Book::of(300);
    let back = Files::whole(&Book(book.0[..250].to_vec()), &[LOG]);
    let newer = outside("newer", &book.signed(300, &[LOG]));
    let options = Options { outside: vec![newer], ..Options::default() };
    let fault = verdict(&back.zip(), &options).fault.expect("a fault");
    assert_eq!((fault.kind, fault.index), (FaultKind::Rollback, Some(250)));
    // The earlier bundle itself serves as well.
    let earlier = Files::whole(&book, &[LOG]).zip();
    let earlier = Outside::of_bundle("earlier", std::io::Cursor::new(earlier)).expect("a bundle");
    let options = Options { outside: vec![earlier], ..Options::default() };
    assert_eq!(kind(&back, &options), Some(FaultKind::Rollback));
}

#[test]
fn checkpoints_of_elsewhere_and_false_ones_are_named() {
    let (book, files) = (Book::of(30), Files::whole(&Book::of(30), &[LOG]));
    let note = book.signed(20, &[LOG]);
    let other = note.replacen("record.example.com", "other.example.com", 1);
    let options = Options { outside: vec![outside("other", &other)], ..Options::default() };
    assert_eq!(kind(&files, &options), Some(FaultKind::OutsideOther));
    let text = book.checkpoint(21);
    let signature = note.split_once("\n\n").expect("signed").1;
    let pasted = format!("{text}\n{signature}");
    let options = Options { outside: vec![outside("pasted", &pasted)], ..Options::default() };
    assert_eq!(kind(&files, &options), Some(FaultKind::OutsideSignature));
}

#[test]
fn outcomes_may_come_late_and_other_events_may_not() {
    let mut book = Book::of(40);
    book.0[38] = Event::new("gateway.call.ended", "call_36", 365, 38);
    book.0[37] = Event::new("limits.budget.set", "bud_1", 380, 37);
    let late = verdict(&Files::whole(&book, &[LOG]).zip(), &Options::default());
    assert!(late.sound, "{:?}", late.fault);
    assert_eq!(late.counts.late_outcomes, 1);
    // Within the skew nothing is late.
    book.0[38] = Event::new("limits.budget.set", "bud_1", 375, 38);
    assert_eq!(kind(&Files::whole(&book, &[LOG]), &Options::default()), None);
    book.0[38] = Event::new("limits.budget.set", "bud_1", 374, 38);
    let fault = verdict(&Files::whole(&book, &[LOG]).zip(), &Options::default()).fault;
    let fault = fault.expect("a fault");
    assert_eq!((fault.kind, fault.index), (FaultKind::Backwards, Some(38)));
    let patient = Options { skew_secs: 6, ..Options::default() };
    assert_eq!(kind(&Files::whole(&book, &[LOG]), &patient), None);
    // What an outage kept says through which journal it came, and stands where it came.
    let [core, ..] = &mut book.0[38].json;
    *core = core.replace(r#","organizationId""#, r#","journal":"0a1b/7","organizationId""#);
    assert_eq!(kind(&Files::whole(&book, &[LOG]), &Options::default()), None);
}

#[test]
fn times_lie_between_the_checkpoints_around_them() {
    // A witness saw the tree of 30 events, the last of which is of 290 s.
    let book = Book::of(60);
    let files = |at: i64| {
        let mut book = book.clone();
        book.0.truncate(31);
        book.0[30] = Event::new("limits.budget.set", "bud_1", at, 30);
        book
    };
    let witnessed = |book: &Book, at: u64| {
        let witness = Key::Witness(7, BEGAN + at);
        let mut options = given(&[witness.vkey()]);
        options.outside = vec![outside("witnessed", &book.signed(30, &[LOG, witness]))];
        options
    };
    let at = |secs: i64, seen: u64| {
        let book = files(secs);
        let fault = verdict(&Files::whole(&book, &[LOG]).zip(), &witnessed(&book, seen)).fault;
        fault.map(|fault| (fault.kind, fault.index))
    };
    assert_eq!(at(300, 300), None);
    // Events that it saw cannot be later than its seeing.
    assert_eq!(at(300, 200), Some((FaultKind::Future, Some(21))));
    // An event that it did not see yet is not long before.
    assert_eq!(at(300, 3_600), Some((FaultKind::Backdated, Some(30))));
    // Under the checkpoint of the bundle too.
    let witness = Key::Witness(7, BEGAN + 100);
    let files = Files::whole(&book, &[LOG, witness]);
    assert_eq!(kind(&files, &Options::default()), None);
    assert_eq!(kind(&files, &given(&[witness.vkey()])), Some(FaultKind::Future));
}

#[test]
fn erased_and_withheld_classes_leave_every_proof_standing() {
    let mut book = Book::of(40);
    let before = Files::whole(&book, &[LOG]);
    book.0[5].shown = [true, false, false];
    book.0[6].shown = [false, false, false];
    let files = Files::whole(&book, &[LOG]);
    assert_eq!(before.0["checkpoint"], files.0["checkpoint"]);
    let verdict = verdict(&files.zip(), &Options::default());
    assert!(verdict.sound, "{:?}", verdict.fault);
    let counts = verdict.counts;
    assert_eq!((counts.entries, counts.openings), (40, 39));
    let hidden = (counts.core_not_shown, counts.subject_not_shown, counts.payload_not_shown);
    assert_eq!(hidden, (1, 2, 2));
}
