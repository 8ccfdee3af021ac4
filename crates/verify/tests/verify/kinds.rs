use std::collections::BTreeSet;

use verify::{FaultKind, Options};

use crate::cases;
use crate::files::Files;
use crate::verdict;
use crate::zip::{Member, write};

#[test]
fn each_kind_of_tampering_is_named() {
    let (mut kinds, mut wrong) = (BTreeSet::new(), Vec::new());
    for case in cases::all() {
        let verdict = verdict(&case.files.zip(), &Options::default());
        let fault = verdict.fault.expect(case.name);
        assert!(!verdict.sound && verdict.proven.is_empty(), "{}", case.name);
        if (fault.kind, fault.index) != (case.kind, case.index) {
            wrong.push(format!("{}: {fault:?}", case.name));
        }
        kinds.insert(fault.kind);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What only a ZIP file, a receipt or somebody from outside can be at fault for has tests of its own.
    let elsewhere = [
        FaultKind::FileTwice,
        FaultKind::FileDamaged,
        FaultKind::Event,
        FaultKind::Backdated,
        FaultKind::OutsideSignature,
        FaultKind::OutsideOther,
        FaultKind::Erasure,
        FaultKind::Residency,
        FaultKind::Rollback,
        FaultKind::Fork,
    ];
    let left: Vec<_> = FaultKind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(left, elsewhere.iter().collect::<Vec<_>>());
}

fn members(files: &Files) -> Vec<Member> {
    let member = |(name, content): (&String, &Vec<u8>)| Member {
        name: name.clone(),
        content: content.clone(),
        deflated: true,
        said: None,
    };
    files.0.iter().map(member).collect()
}

#[test]
fn what_a_zip_file_can_say_in_two_ways_is_a_fault() {
    let files = Files::whole(&crate::book::Book::of(9), &[cases::LOG]);
    let kind = |members: Vec<Member>| {
        let verdict = verdict(&write(members), &Options::default());
        verdict.fault.map(|fault| fault.kind)
    };
    assert_eq!(kind(members(&files)), None);
    let mut twice = members(&files);
    twice.extend(members(&files).into_iter().take(1));
    assert_eq!(kind(twice), Some(FaultKind::FileTwice));
    for said in [0, 1, 100_000] {
        let mut lying = members(&files);
        let openings = lying.iter_mut().find(|one| one.name == "openings.jsonl").expect("there");
        openings.said = Some(said);
        assert_eq!(kind(lying), Some(FaultKind::FileDamaged), "{said}");
    }
}
