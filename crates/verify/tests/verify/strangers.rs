use verify::{FaultKind, Options, Outside, VerifierKey};

use crate::book::Book;
use crate::cases::LOG;
use crate::files::Files;
use crate::zip::{Member, write};
use crate::{judge, verdict};

/// Numbers as good as random, and the same each time.
fn noise(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[test]
fn bytes_of_strangers_are_judged_or_refused() {
    let zip = Files::whole(&Book::of(9), &[LOG]).zip();
    let mut next = noise(0x9e37_79b9_7f4a_7c15);
    let place = |number: u64, length: usize| usize::try_from(number).expect("64 bits") % length;
    for round in 0..2_000 {
        let mut altered = zip.clone();
        // Most of it happens in the directory, where sizes and places stand.
        let from = if round % 2 == 0 { 0 } else { altered.len() - 700 };
        for _ in 0..=round % 5 {
            let at = from + place(next(), altered.len() - from);
            altered[at] = next().to_le_bytes()[0];
        }
        if let Ok(verdict) = judge(&altered, &Options::default()) {
            verdict.to_string();
        }
    }
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..next() % 200).map(|_| next().to_le_bytes()[0]).collect();
        assert!(judge(&bytes, &Options::default()).is_err());
        assert!(Outside::parse("noise", &bytes).is_err());
        assert!(String::from_utf8_lossy(&bytes).parse::<VerifierKey>().is_err());
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let files = Files::whole(&Book::of(9), &[LOG]);
    let with = |content: Vec<u8>, said: Option<u32>| {
        let member = |(name, one): (&String, &Vec<u8>)| {
            let here = name == "openings.jsonl";
            Member {
                name: name.clone(),
                content: if here { content.clone() } else { one.clone() },
                deflated: true,
                said: said.filter(|_| here),
            }
        };
        write(files.0.iter().map(member))
    };
    // A line without an end, of 64 MiB in 64 KiB.
    let bomb = with(vec![b' '; 64 << 20], None);
    assert!(bomb.len() < 100_000);
    let fault = verdict(&bomb, &Options::default()).fault.expect("a fault");
    assert_eq!((fault.kind, fault.index), (FaultKind::OpeningShape, Some(0)));
    // One that says it is small.
    let fault = verdict(&with(vec![b' '; 64 << 20], Some(10)), &Options::default()).fault;
    assert_eq!(fault.expect("a fault").kind, FaultKind::FileDamaged);
}

#[test]
fn what_names_more_than_it_holds_is_refused() {
    let mut zip = Files::whole(&Book::of(9), &[LOG]).zip();
    let end = zip.len() - 22;
    // As many files as two bytes can say mean: look elsewhere; there is nothing elsewhere.
    for at in [8, 9, 10, 11] {
        zip[end + at] = 0xff;
    }
    assert!(judge(&zip, &Options::default()).is_err());
}
