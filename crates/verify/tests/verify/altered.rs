use serde_json::Value;
use verify::{Options, Verdict};

use crate::book::{BEGAN, Book};
use crate::cases::LOG;
use crate::files::{Files, Tiles};
use crate::keys::Key;
use crate::{given, judge, verdict};

/// What no signature covers: the verdict says so.
fn covered(name: &str, content: &[u8]) -> Option<Value> {
    if ["policy.txt", "verify.html"].contains(&name) {
        return Some(Value::Null);
    }
    let mut value: Value = serde_json::from_slice(content).ok()?;
    for time in ["from", "to", "madeAt"] {
        if name == "manifest.json" {
            value.as_object_mut()?.remove(time)?;
        }
    }
    if name == "keys.json" {
        for key in value["keys"].as_array_mut()? {
            key.as_object_mut()?.remove("from")?;
            key.as_object_mut()?.remove("to")?;
        }
    }
    Some(value)
}

#[test]
fn every_byte_of_a_bundle_counts() {
    let witness = Key::Witness(7, BEGAN + 86_400 * 28);
    let files = Files::part(&Book::of(5), 1, 4, &[LOG, witness], Tiles::All).listed(&[LOG]);
    let options = given(&[witness.vkey()]);
    let sound = verdict(&files.zip(), &options);
    assert!(sound.sound, "{:?}", sound.fault);
    let (mut flips, mut immaterial) = (0, 0);
    for (name, content) in &files.0 {
        for at in 0..content.len() {
            let mut altered = files.clone();
            let bytes = altered.0.get_mut(name).expect("there");
            bytes[at] ^= 1 << (at % 8);
            let altered_content = bytes.clone();
            flips += 1;
            let Ok(verdict) = judge(&altered.zip(), &options) else { continue };
            if !verdict.sound {
                continue;
            }
            immaterial += 1;
            let shown = String::from_utf8_lossy(&altered_content).into_owned();
            if name == "checkpoint" {
                // A witness's name or key id that nobody knows: it counts for nothing then.
                let line = content.iter().rposition(|byte| *byte == b'\xe2').expect("a line");
                assert!(at > line, "{at} of {shown}");
                let says = |one: &String| one.contains("`witness7.example.org` did not sign");
                assert!(verdict.not_proven.iter().any(says), "{shown}");
                continue;
            }
            let before = covered(name, content).unwrap_or_else(|| panic!("{name} {at}"));
            assert_eq!(Some(before), covered(name, &altered_content), "{name} {at}: {shown}");
        }
    }
    println!("{flips} bytes altered, {immaterial} of them in what no signature covers");
    assert!(flips > 3_000 && immaterial < 300);
}

#[test]
fn every_byte_of_a_zip_file_counts_or_changes_nothing() {
    let files = Files::part(&Book::of(5), 1, 4, &[LOG], Tiles::Needed);
    let zip = files.zip();
    let sound = verdict(&zip, &Options::default());
    assert!(sound.sound, "{:?}", sound.fault);
    let same = |other: &Verdict| *other == sound;
    let mut immaterial = 0;
    for at in 0..zip.len() {
        let mut altered = zip.clone();
        altered[at] ^= 1 << (at % 8);
        match judge(&altered, &Options::default()) {
            Ok(verdict) if verdict.sound => {
                assert!(same(&verdict), "{at}");
                immaterial += 1;
            }
            Ok(_) | Err(_) => {}
        }
    }
    println!("{} bytes altered, {immaterial} in times and versions of the ZIP file", zip.len());
}

#[test]
fn a_bundle_cut_off_anywhere_is_refused() {
    let zip = Files::whole(&Book::of(3), &[LOG]).zip();
    for length in 0..zip.len() {
        assert!(judge(&zip[..length], &Options::default()).is_err(), "{length}");
    }
}

#[test]
fn a_false_ml_dsa_signature_is_a_fault() {
    let mldsa = Key::LogMlDsa(3, BEGAN + 86_400 * 28);
    let files = Files::whole(&Book::of(5), &[LOG, mldsa]);
    assert!(verdict(&files.zip(), &given(&[mldsa.vkey()])).sound);
    let note = files.text("checkpoint");
    let start = note.rfind(' ').expect("a signature") + 10;
    for at in (start..note.len() - 8).step_by(150) {
        let mut altered = files.clone();
        let bytes = altered.0.get_mut("checkpoint").expect("there");
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(!verdict(&altered.zip(), &Options::default()).sound, "{at}");
    }
}
