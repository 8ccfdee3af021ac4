use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use verify::{Fault, FaultKind, NotProven, Options, Receipt, receipt};

use crate::book::{BEGAN, Book, Event, Hash, tree_hash};
use crate::cases::LOG;
use crate::files::Files;
use crate::keys::{CELL, Key, ORG};
use crate::{given, outside};

/// The end of a call in a record of 30 events.
const INDEX: usize = 4;

/// RFC 6962, 2.1.1.
fn path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut way, sibling) = if index < half {
        (path(left, index), tree_hash(right))
    } else {
        (path(right, index - half), tree_hash(left))
    };
    way.push(sibling);
    way
}

fn book() -> Book {
    Book::of(30)
}

/// The receipt of that call, as whoever keeps this record writes it.
pub(crate) fn of(book: &Book, keys: &[Key]) -> Value {
    let files = Files::whole(book, keys).listed(keys);
    let json = |name: &str| -> Value { serde_json::from_str(&files.text(name)).expect("JSON") };
    let checkpoint = files.text("checkpoint");
    let way = path(&book.leaves(), INDEX).into_iter();
    let way = way.fold(String::new(), |way, hash| way + &STANDARD.encode(hash) + "\n");
    let event = &book.0[INDEX];
    json!({
        "id": "call_3", "index": INDEX, "event": told(event),
        "entry": STANDARD.encode(event.entry()), "opening": event.opening(4),
        "checkpoint": {
            "size": 30, "root": checkpoint.lines().nth(2), "note": checkpoint,
        },
        "proof": format!("c2sp.org/tlog-proof@v1\nindex {INDEX}\n{way}\n{checkpoint}"),
        "directory": json("directory.json"),
        "keys": {
            "origin": format!("{CELL}/{ORG}"),
            "keys": json("keys.json")["keys"],
        },
    })
}

/// The event for people, of what is shown.
fn told(event: &Event) -> Value {
    let names = ["core", "subject", "payload"];
    // What every event is told with: null where nothing was committed to.
    let mut all = Map::from_iter([("sequence".to_owned(), INDEX.into())]);
    for name in ["changes", "ipAddress", "userAgent", "userId"] {
        all.insert(name.to_owned(), Value::Null);
    }
    let mut erased = Vec::new();
    for ((json, shown), name) in event.json.iter().zip(event.shown).zip(names) {
        if shown {
            let class: Map<String, Value> = serde_json::from_str(json).expect("JSON");
            all.extend(class);
        } else {
            erased.push(name);
        }
    }
    if !erased.is_empty() {
        all.insert("erased".to_owned(), erased.into());
    }
    all.into()
}

fn judge(told: &Value, options: &Options) -> Result<Receipt, NotProven> {
    receipt(told.to_string().as_bytes(), options)
}

fn fault(told: &Value, options: &Options) -> Fault {
    let fault = match judge(told, options) {
        Err(NotProven::Fault(fault)) => Some(fault),
        _ => None,
    };
    fault.expect("a fault")
}

#[test]
fn every_character_of_a_receipt_counts() {
    let honest = of(&book(), &[LOG]);
    let judged = judge(&honest, &given(&[LOG.vkey()])).expect("sound");
    assert_eq!((judged.id.as_str(), judged.index, judged.org.as_str()), ("call_3", 4, ORG));
    assert!(judged.hidden.is_empty());
    let text = honest.to_string();
    let mut immaterial = 0;
    for (at, character) in text.char_indices() {
        for other in ['1', 'A', '\u{20ac}'] {
            if other == character {
                continue;
            }
            let mut altered = text.clone();
            altered.replace_range(at..at + character.len_utf8(), other.encode_utf8(&mut [0; 4]));
            if receipt(altered.as_bytes(), &Options::default()).is_err() {
                continue;
            }
            // Since when a key is in use is covered by no signature.
            let mut altered: Value = serde_json::from_str(&altered).expect("JSON");
            altered["keys"]["keys"][0]["from"] = honest["keys"]["keys"][0]["from"].clone();
            assert!(altered == honest, "at {at}, {other} for {character}");
            immaterial += 1;
        }
    }
    assert!(immaterial < 60, "{immaterial}");
}

#[test]
fn a_receipt_of_an_event_that_was_erased_in_part_still_proves_the_rest() {
    let mut book = book();
    book.0[INDEX].shown = [true, false, true];
    let mut erased = of(&book, &[LOG]);
    let judged = judge(&erased, &given(&[LOG.vkey()])).expect("sound");
    assert_eq!(judged.hidden, ["subject"]);
    assert_eq!(judged.event["userId"], Value::Null);

    let mut more = erased.clone();
    more["event"]["userId"] = "usr_2".into();
    assert_eq!(fault(&more, &Options::default()).kind, FaultKind::Event);
    let mut less = erased.clone();
    less["event"]["erased"] = json!(["subject", "payload"]);
    assert_eq!(fault(&less, &Options::default()).kind, FaultKind::Event);
    // Before receipts showed their entry nothing could be judged then.
    erased["entry"] = Value::Null;
    assert_eq!(fault(&erased, &Options::default()).kind, FaultKind::EntryShape);
    let mut older = of(&self::book(), &[LOG]);
    older.as_object_mut().expect("an object").remove("entry");
    judge(&older, &Options::default()).expect("sound, as all of it is shown");
}

#[test]
fn a_receipt_that_somebody_else_signed_is_caught_by_the_key_that_one_kept() {
    let other = Key::Log(9);
    let forged = of(&book(), &[other]);
    judge(&forged, &Options::default()).expect("sound in itself");
    assert_eq!(fault(&forged, &given(&[LOG.vkey()])).kind, FaultKind::Signature);

    // A witness of its own makes it no better.
    let invented = Key::Witness(8, BEGAN + 86_400 * 28);
    let mut witnessed = of(&book(), &[other, invented]);
    let key = json!({ "vkey": invented.vkey(), "from": "2026-01-01T00:00:00Z" });
    witnessed["keys"]["keys"].as_array_mut().expect("keys").push(key);
    let told = judge(&witnessed, &Options::default()).expect("sound in itself").to_string();
    assert!(told.starts_with("SOUND IN ITSELF"), "{told}");
    assert!(told.contains("(a witness): verified with a key that came with it"), "{told}");

    let honest = of(&book(), &[LOG]);
    let mut rewritten = book();
    rewritten.0[20] = rewritten.0[21].clone();
    let held = outside("held", &rewritten.signed(30, &[LOG]));
    let options = Options { outside: vec![held], ..given(&[LOG.vkey()]) };
    assert_eq!(fault(&honest, &options).kind, FaultKind::Fork);
    let held = outside("held", &book().signed(30, &[LOG]));
    let options = Options { outside: vec![held], ..given(&[LOG.vkey()]) };
    judge(&honest, &options).expect("the same tree");
}
