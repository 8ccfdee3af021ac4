use verify::{Agreement, FaultKind, Options};

use crate::book::{Book, Event, checkpoint};
use crate::cases::LOG;
use crate::files::{Files, Tiles};
use crate::keys::note;
use crate::{outside, verdict};

#[test]
fn a_part_of_a_record_is_proven_like_the_whole() {
    let book = Book::of(600);
    for size in [1, 2, 3, 255, 256, 257, 512, 600] {
        let book = Book(book.0[..size].to_vec());
        let size = book.size();
        for (first, next) in
            [(0, size), (0, 0), (size, size), (size / 2, size), (size / 3, size / 2), (0, size / 2)]
        {
            for tiles in [Tiles::Needed, Tiles::All] {
                let files = Files::part(&book, first, next, &[LOG], tiles);
                let verdict = verdict(&files.zip(), &Options::default());
                assert!(verdict.sound, "{first}..{next} of {size}: {:?}", verdict.fault);
                assert_eq!(verdict.counts.entries, next - first);
            }
        }
    }
}

#[test]
fn a_record_of_many_tiles_is_proven_too() {
    let book = Book::of(66_000);
    let (mut options, leaves) = (Options::default(), book.leaves());
    for (at, size) in [0, 1, 65_536, 65_537, 65_900, 66_000, 40_000].into_iter().enumerate() {
        options.outside.push(outside(&at.to_string(), &note(&checkpoint(&leaves, size), &[LOG])));
    }
    let files = Files::part(&book, 65_530, 66_000, &[LOG], Tiles::Needed);
    let verdict = verdict(&files.zip(), &options);
    assert!(verdict.sound, "{:?}", verdict.fault);
    let agreements: Vec<_> = verdict.outside.iter().map(|one| one.agreement).collect();
    let (not, on) = (Agreement::NotComparable, Agreement::Continued);
    // Of nothing, everything is a continuation.
    assert_eq!(agreements, [on, not, on, on, on, Agreement::Same, not]);
}

#[test]
fn entries_that_nothing_ties_to_the_root_are_a_fault() {
    let book = Book::of(66_000);
    let honest = Files::part(&book, 0, 256, &[LOG], Tiles::Needed);
    // Other events in the place of all that are shown; the rest is what was signed.
    let mut other = book;
    for event in &mut other.0[..256] {
        *event = Event::new("limits.budget.set", "bud_forged", 1, event.salt);
    }
    let forged = Files::part(&other, 0, 256, &[LOG], Tiles::Needed);
    for shown in [&honest, &forged] {
        let mut files = honest.clone();
        for name in ["openings.jsonl", "tile/entries/000"] {
            files.put(name, shown.0[name].clone());
        }
        files.0.remove("tile/1/000").expect("was there");
        let fault = verdict(&files.zip(), &Options::default()).fault.expect("a fault");
        assert_eq!((fault.kind, fault.index), (FaultKind::RootUnknown, Some(0)));
    }
}
