//! The matrix of tampering, with the kind and the entry that each must be named by.

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::json;
use verify::FaultKind;

use crate::book::{Book, Event};
use crate::files::{Files, Tiles};
use crate::keys::{Key, ORG};

pub(crate) const LOG: Key = Key::Log(1);

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: FaultKind,
    pub(crate) index: Option<u64>,
    pub(crate) files: Files,
}

/// A record of 300 entries, of which 10 to 290 are shown.
fn shown(book: &Book, tiles: Tiles) -> Files {
    Files::part(book, 10, 290, &[LOG], tiles)
}

/// What happens to files after they were made.
fn damaged(
    name: &'static str,
    kind: FaultKind,
    index: Option<u64>,
    damage: impl FnOnce(&mut Files),
) -> Case {
    static HONEST: LazyLock<Files> =
        LazyLock::new(|| shown(&Book::of(300), Tiles::Needed).listed(&[LOG]));
    let mut files = HONEST.clone();
    damage(&mut files);
    Case { name, kind, index, files }
}

/// What somebody writes into the record who signs it too.
fn written(
    name: &'static str,
    kind: FaultKind,
    index: Option<u64>,
    write: impl FnOnce(&mut Vec<Event>),
) -> Case {
    let mut book = Book::of(30);
    write(&mut book.0);
    Case { name, kind, index, files: Files::whole(&book, &[LOG]) }
}

fn line(files: &Files, at: usize) -> String {
    files.text("openings.jsonl").lines().nth(at).map(|line| format!("{line}\n")).expect("a line")
}

fn bytes(files: &mut Files, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    edit(files.0.get_mut(name).expect(name));
}

fn core(event: &mut Event, from: &str, to: &str) {
    assert!(event.json[0].contains(from), "{}", event.json[0]);
    event.json[0] = event.json[0].replace(from, to);
}

pub(crate) fn all() -> Vec<Case> {
    let mut all = entries();
    all.extend(openings());
    all.extend(files());
    all.extend(histories());
    all.extend(directories());
    all
}

fn entries() -> Vec<Case> {
    const LAST: &str = "tile/entries/001.p/44";
    vec![
        damaged("a bit of a shown entry", FaultKind::Commitment, Some(20), |files| {
            bytes(files, "tile/entries/000", |entries| entries[20 * 106 + 30] ^= 1);
        }),
        damaged("a bit of an entry beside the period", FaultKind::Root, None, |files| {
            bytes(files, "tile/entries/000", |entries| entries[3 * 106 + 30] ^= 1);
        }),
        damaged("another version", FaultKind::EntryShape, Some(3), |files| {
            bytes(files, "tile/entries/000", |entries| entries[3 * 106 + 9] ^= 1);
        }),
        damaged("another length", FaultKind::EntryShape, Some(3), |files| {
            bytes(files, "tile/entries/000", |entries| entries[3 * 106 + 1] ^= 1);
        }),
        damaged("an entry left out", FaultKind::EntryShape, Some(255), |files| {
            bytes(files, "tile/entries/000", |entries| {
                entries.drain(20 * 106..21 * 106);
            });
        }),
        damaged("entries cut off", FaultKind::EntryShape, Some(299), |files| {
            bytes(files, LAST, |entries| entries.truncate(43 * 106));
        }),
        damaged("an entry added", FaultKind::EntryShape, None, |files| {
            bytes(files, LAST, |entries| entries.extend(entries[..106].to_vec()));
        }),
        damaged("entries exchanged", FaultKind::Commitment, Some(20), |files| {
            bytes(files, "tile/entries/000", |entries| {
                let (left, right) = entries.split_at_mut(21 * 106);
                left[20 * 106..].swap_with_slice(&mut right[..106]);
            });
        }),
        damaged("an entry in the place of another", FaultKind::EntryTwice, Some(21), |files| {
            bytes(files, "tile/entries/000", |entries| {
                entries.copy_within(20 * 106..21 * 106, 21 * 106);
            });
        }),
        damaged("bundles exchanged", FaultKind::FileMissing, None, |files| {
            files.0.remove("tile/entries/000");
        }),
    ]
}

fn openings() -> Vec<Case> {
    vec![
        damaged("a value altered", FaultKind::Commitment, Some(20), |files| {
            files.replace("openings.jsonl", "req_20", "req_02");
        }),
        damaged("an opening left out", FaultKind::OpeningOrder, Some(20), |files| {
            let line = line(files, 10);
            files.replace("openings.jsonl", &line, "");
        }),
        damaged("the last opening left out", FaultKind::OpeningOrder, Some(289), |files| {
            let line = line(files, 279);
            files.replace("openings.jsonl", &line, "");
        }),
        damaged("an opening doubled", FaultKind::OpeningOrder, Some(21), |files| {
            let line = line(files, 10);
            files.replace("openings.jsonl", &line, &format!("{line}{line}"));
        }),
        damaged("an opening too many", FaultKind::OpeningOrder, Some(290), |files| {
            let line = line(files, 10);
            bytes(files, "openings.jsonl", |lines| lines.extend(line.into_bytes()));
        }),
        damaged("openings exchanged", FaultKind::OpeningOrder, Some(20), |files| {
            let (one, two) = (line(files, 10), line(files, 11));
            files.replace("openings.jsonl", &format!("{one}{two}"), &format!("{two}{one}"));
        }),
        damaged("an index altered", FaultKind::Commitment, Some(20), |files| {
            let (one, two) = (line(files, 10), line(files, 11));
            let moved = two.replace("\"index\":21", "\"index\":20");
            files.replace("openings.jsonl", &one, &moved);
        }),
        damaged("a field too many", FaultKind::OpeningShape, Some(20), |files| {
            files.replace("openings.jsonl", "\"index\":20,", "\"index\":20,\"erased\":true,");
        }),
        damaged("the last line does not end", FaultKind::OpeningShape, Some(289), |files| {
            bytes(files, "openings.jsonl", |lines| {
                lines.pop();
            });
        }),
        written("a class that is not canonical", FaultKind::NotCanonical, Some(20), |events| {
            core(&mut events[20], "\"v\":1", "\"v\": 1");
        }),
        written("a name that stands twice", FaultKind::NotCanonical, Some(20), |events| {
            core(&mut events[20], "\"v\":1", "\"v\":1,\"v\":1");
        }),
        written("half a character", FaultKind::NotCanonical, Some(20), |events| {
            core(&mut events[20], "req_20", "\\ud800");
        }),
        written("a core of another version", FaultKind::Core, Some(20), |events| {
            core(&mut events[20], "\"v\":1", "\"v\":2");
        }),
        written("a core without a time", FaultKind::Core, Some(20), |events| {
            core(&mut events[20], "timestamp", "timestamq");
        }),
        written("an event of another org", FaultKind::Org, Some(20), |events| {
            core(&mut events[20], ORG, "org_other");
        }),
    ]
}

fn files() -> Vec<Case> {
    vec![
        damaged("an unknown file", FaultKind::FileUnexpected, None, |files| files.put("x", "")),
        damaged("entries of elsewhere", FaultKind::FileUnexpected, None, |files| {
            files.put("tile/entries/002.p/1", "");
        }),
        damaged("a tile beyond the tree", FaultKind::FileUnexpected, None, |files| {
            files.put("tile/2/000.p/1", "");
        }),
        damaged("a file too large", FaultKind::FileTooLarge, None, |files| {
            files.put("manifest.json", vec![b' '; 70_000]);
        }),
        damaged("a manifest of another form", FaultKind::Manifest, None, |files| {
            files.replace("manifest.json", "portico-evidence/v1", "portico-evidence/v2");
        }),
        damaged("a manifest of another org", FaultKind::Manifest, None, |files| {
            files.edit("manifest.json", |manifest| manifest["org"] = json!("org_other"));
        }),
        damaged("a manifest of fewer entries", FaultKind::OpeningOrder, Some(289), |files| {
            files.edit("manifest.json", |manifest| manifest["next"] = json!(289));
        }),
        damaged("a manifest of a smaller tree", FaultKind::FileUnexpected, None, |files| {
            files.edit("manifest.json", |manifest| manifest["size"] = json!(299));
        }),
        damaged("a manifest of another log", FaultKind::CheckpointOther, None, |files| {
            let origin = json!(format!("other.example.com/{ORG}"));
            files.edit("manifest.json", |manifest| manifest["origin"] = origin);
        }),
        damaged("no keys", FaultKind::Signature, None, |files| {
            files.put("keys.json", "{\"keys\":[]}");
        }),
        damaged("a key with another id", FaultKind::Keys, None, |files| {
            files.edit("keys.json", |keys| {
                keys["keys"][0]["vkey"] = json!(LOG.vkey().replacen('+', "+0", 1));
            });
        }),
        damaged("a key that was retired", FaultKind::KeyNotInUse, None, |files| {
            files.edit("keys.json", |keys| keys["keys"][0]["to"] = json!("2026-03-01T00:10:00Z"));
        }),
        damaged("no tiles", FaultKind::RootUnknown, None, |files| {
            files.0.retain(|name, _| name != "tile/1/000.p/1" && name != "tile/entries/001.p/44");
            files.edit("manifest.json", |manifest| manifest["next"] = json!(256));
            let lines: String = (0..246).map(|at| line(files, at)).collect();
            files.put("openings.jsonl", lines);
        }),
        Case {
            name: "a hash of a tile over shown entries",
            kind: FaultKind::TileHash,
            index: Some(7),
            files: {
                let mut files = shown(&Book::of(300), Tiles::All);
                bytes(&mut files, "tile/0/000", |tile| tile[7 * 32] ^= 1);
                files
            },
        },
        Case {
            name: "a tile cut off",
            kind: FaultKind::TileShape,
            index: None,
            files: {
                let mut files = shown(&Book::of(300), Tiles::All);
                bytes(&mut files, "tile/0/000", |tile| tile.truncate(255 * 32));
                files
            },
        },
    ]
}

fn directories() -> Vec<Case> {
    let edited = |name, kind, edit: fn(&mut serde_json::Value)| {
        damaged(name, kind, None, |files| files.edit("directory.json", edit))
    };
    let head = FaultKind::DirectoryHead;
    vec![
        edited("a directory of elsewhere", FaultKind::Directory, |listed| {
            listed["origin"] = json!("other.example.com/directory");
        }),
        edited("a path that is too short", FaultKind::Directory, |listed| {
            listed["path"].as_array_mut().expect("hashes").pop();
        }),
        edited("another epoch", FaultKind::Directory, |listed| listed["epoch"] = json!(1)),
        edited("another time of an epoch", head, |listed| {
            listed["at"] = json!("2026-03-30T00:00:00.250001Z");
        }),
        edited("another salt of a head", head, |listed| listed["salt"] = json!("09".repeat(32))),
        edited("two hashes of a path exchanged", head, |listed| {
            listed["path"].as_array_mut().expect("hashes").swap(5, 6);
        }),
        damaged("a head that the directory does not list", head, None, |files| {
            let listed = files.text("directory.json");
            *files = shown(&Book::of(300), Tiles::Needed);
            let mut other = Book::of(300);
            other.0[295].salt = 1_000_000;
            *files = shown(&other, Tiles::Needed);
            files.put("directory.json", listed);
        }),
        damaged("a directory signed by another", FaultKind::DirectorySignature, None, |files| {
            *files = files.clone().listed(&[Key::Log(9)]);
        }),
        damaged("an event behind its epoch", FaultKind::Future, Some(29), |files| {
            let mut book = Book::of(30);
            book.0[29] = Event::new("limits.budget.set", "bud_1", 86_400 * 29 + 6, 29);
            *files = Files::whole(&book, &[LOG]).listed(&[LOG]);
            files.edit("manifest.json", |manifest| {
                manifest["madeAt"] = json!("2026-03-31T00:00:00Z");
            });
        }),
    ]
}

fn histories() -> Vec<Case> {
    let ended = |call: &str, at: i64, salt| Event::new("gateway.call.ended", call, at, salt);
    vec![
        damaged("a checkpoint without signature", FaultKind::Checkpoint, None, |files| {
            let text = files.text("checkpoint");
            let end = text.find("\n\n").expect("an end");
            files.put("checkpoint", &text[..=end]);
        }),
        damaged("the checkpoint of another size", FaultKind::CheckpointOther, None, |files| {
            files.put("checkpoint", Book::of(299).signed(299, &[LOG]));
        }),
        damaged("the checkpoint of another history", FaultKind::Root, None, |files| {
            files.0.remove("directory.json");
            let mut other = Book::of(300);
            other.0[5].salt = 1_000_000;
            files.put("checkpoint", other.signed(300, &[LOG]));
        }),
        damaged("a checkpoint with another root", FaultKind::Signature, None, |files| {
            let mut other = Book::of(300);
            other.0[5].salt = 1_000_000;
            let (text, other) = (files.text("checkpoint"), other.checkpoint(300));
            let signature = text.split_once("\n\n").expect("signed").1;
            let mut note = other;
            write!(note, "\n{signature}").expect("writes");
            files.put("checkpoint", note);
        }),
        damaged("signed with another key", FaultKind::Signature, None, |files| {
            files.put("checkpoint", Book::of(300).signed(300, &[Key::Log(9)]));
        }),
        written("an event doubled and signed", FaultKind::EntryTwice, Some(21), |events| {
            events[21] = events[20].clone();
        }),
        written("an event of the past", FaultKind::Backwards, Some(20), |events| {
            events[20] = Event::new("limits.budget.set", "bud_1", 100, 20);
        }),
        written("an event of the future", FaultKind::Future, Some(29), |events| {
            events[29] = Event::new("limits.budget.set", "bud_1", 86_400 * 29 + 6, 29);
        }),
        written("a second outcome", FaultKind::SecondOutcome, Some(20), |events| {
            events[20] = ended("call_15", 200, 20);
        }),
        written("an outcome without intent", FaultKind::OutcomeAlone, Some(20), |events| {
            events[20] = ended("call_nobody", 200, 20);
        }),
    ]
}
