//! The page's script, run outside of a browser.

use std::process::Command;

use serde_json::{Value, json};
use verify::{PAGE, Verdict};

use crate::book::{BEGAN, Book, Event};
use crate::cases::{self, LOG};
use crate::files::{Files, Tiles};
use crate::keys::Key;
use crate::{given, outside};

struct Case {
    name: String,
    zip: Vec<u8>,
    keys: Vec<String>,
    outside: Vec<String>,
}

fn sound(name: &str, files: &Files) -> Case {
    Case { name: name.to_owned(), zip: files.zip(), keys: Vec::new(), outside: Vec::new() }
}

fn cases() -> Vec<Case> {
    let mut all: Vec<Case> =
        cases::all().into_iter().map(|case| sound(case.name, &case.files)).collect();
    let book = Book::of(600);
    for (first, next) in [(0, 600), (0, 0), (300, 310), (250, 520), (599, 600)] {
        for tiles in [Tiles::Needed, Tiles::All] {
            let files = Files::part(&book, first, next, &[LOG], tiles);
            all.push(sound(&format!("{first} to {next}"), &files));
        }
    }
    let witness = Key::Witness(7, BEGAN + 86_400 * 28);
    let mldsa = Key::LogMlDsa(3, BEGAN + 86_400 * 28);
    let files = Files::whole(&book, &[LOG, witness, mldsa]);
    all.push(Case { keys: vec![LOG.vkey(), witness.vkey()], ..sound("known keys", &files) });
    let invented = Key::Witness(8, BEGAN + 86_400 * 28);
    let keys = [LOG, witness, invented];
    let forged = Files::whole(&book, &keys).listed(&keys).bringing(invented);
    all.push(sound("an invented witness", &forged));
    for key in [LOG, witness, Key::Witness(9, 0)] {
        let name = format!("an invented witness, knowing {}", key.vkey());
        all.push(Case { keys: vec![key.vkey()], ..sound(&name, &forged) });
    }
    all.push(Case { keys: vec![Key::Log(9).vkey()], ..sound("an unknown key", &files) });
    let mut rewritten = book.clone();
    rewritten.0[500] = Event::new("limits.budget.set", "bud_2", 5_000, 9_000);
    let mut withheld = Book::of(9);
    withheld.0[6].shown = [false; 3];
    withheld.0[5].shown = [true, false, true];
    all.push(sound("withheld", &Files::whole(&withheld, &[LOG])));
    all.push(sound("listed", &Files::whole(&Book::of(9), &[LOG]).listed(&[LOG, mldsa])));
    let held = vec![book.signed(550, &[LOG]), book.signed(256, &[LOG]), book.signed(600, &[LOG])];
    all.push(Case { outside: held.clone(), ..sound("held", &files) });
    all.push(Case { outside: held.clone(), ..sound("a fork", &Files::whole(&rewritten, &[LOG])) });
    let empty = vec![Book::of(0).signed(0, &[LOG])];
    all.push(Case { outside: empty, ..sound("nothing held", &files) });
    let back = Files::whole(&Book(book.0[..550].to_vec()), &[LOG]);
    all.push(Case { outside: held.clone(), ..sound("back", &back) });
    let late = Files::part(&book, 590, 600, &[LOG], Tiles::Needed);
    all.push(Case { outside: held, ..sound("too far back", &late) });
    let zip = Files::whole(&Book::of(5), &[LOG]).zip();
    for at in (0..zip.len()).step_by(7) {
        let mut zip = zip.clone();
        zip[at] ^= 1 << (at % 8);
        let name = format!("byte {at}");
        all.push(Case { name, zip, keys: Vec::new(), outside: Vec::new() });
    }
    all
}

/// What it says, of a sound bundle, of keys that were given and of those that were not.
fn believed(verdict: &Verdict) -> Vec<&String> {
    let of_keys = |words: &&String| verdict.sound && words.contains("that you gave");
    verdict.not_proven.iter().filter(of_keys).collect()
}

#[test]
fn the_page_comes_to_the_same_verdicts() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("There is no node: the page is not run.");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = PAGE.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next());
    std::fs::write(folder.path().join("page.js"), script.expect("a script")).expect("writes");
    let cases = cases();
    let told: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| {
            std::fs::write(folder.path().join(format!("{at}.zip")), &case.zip).expect("writes");
            json!({ "keys": case.keys, "outside": case.outside })
        })
        .collect();
    std::fs::write(folder.path().join("cases.json"), json!(told).to_string()).expect("writes");
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify/page.mjs");
    let judged = Command::new("node").arg(judge).arg(folder.path()).output().expect("runs");
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
    let said: Vec<Value> = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said.len(), cases.len());
    for (case, said) in cases.iter().zip(said) {
        let mut options = given(&case.keys);
        for (at, note) in case.outside.iter().enumerate() {
            options.outside.push(outside(&at.to_string(), note));
        }
        let ours = match crate::judge(&case.zip, &options) {
            Err(_) => json!("unreadable"),
            Ok(verdict) => json!({
                "alone": verdict.to_string().starts_with("SOUND IN ITSELF"),
                "proven": verdict.proven,
                "believed": believed(&verdict),
                "sound": verdict.sound,
                "fault": verdict.fault.map(|fault| json!([fault.kind, fault.index])),
                "counts": verdict.counts,
                "outside": verdict.outside.iter().map(|one| one.agreement).collect::<Vec<_>>(),
            }),
        };
        // Of a damaged ZIP file the page looks at the checksum first, and we at what it holds.
        let sound = |judged: &Value| judged["sound"] == json!(true);
        if case.name.starts_with("byte") && !sound(&ours) {
            assert!(!sound(&said), "{}", case.name);
        } else {
            assert_eq!(said, ours, "{}", case.name);
        }
    }
    println!("the page judged {} bundles alike", cases.len());
}
