//! The statement of an attestation: what was planted, probed and looked for in which cells.

use std::fmt;

use serde_json::Value;

use crate::key::{Algorithm, VerifierKey};
use crate::note::Note;

/// The first line of such a statement.
pub(crate) const KIND: &str = "portico-residency/v1";
/// How the name of its key ends.
const CONTEXT: &str = "/residency";

/// What a sound statement says.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Residency {
    /// The key that signed it.
    pub signed_by: String,
    /// What was found.
    pub statement: Value,
}

/// Judges a statement by keys that the reader holds: who signed it, and whether its own figures
/// say that nothing left its cell. The error says what is wrong.
pub fn residency(bytes: &[u8], keys: &[VerifierKey]) -> Result<Residency, String> {
    let note = Note::parse(bytes)?;
    let mut lines = note.text.lines();
    if lines.next() != Some(KIND) {
        return Err("it is no statement of residency".to_owned());
    }
    let json = lines.next().ok_or("it holds no statement")?;
    let statement: Value = serde_json::from_str(json).map_err(|_| "it holds no statement")?;
    let canonical = serde_json_canonicalizer::to_string(&statement).ok();
    if canonical.as_deref() != Some(json) || lines.next().is_some() {
        return Err("it is not written as a statement is".to_owned());
    }
    let mut signed_by = None;
    for signature in &note.signatures {
        let of_statements = |key: &&VerifierKey| {
            key.algorithm() == Algorithm::Ed25519
                && key.name().ends_with(CONTEXT)
                && key.made(signature)
        };
        for key in keys.iter().filter(of_statements) {
            if key.ed25519(note.text.as_bytes(), &signature.bytes).is_err() {
                return Err("the signature is not by the key that it names".to_owned());
            }
            signed_by = Some(key.name().to_owned());
        }
    }
    let signed_by = signed_by.ok_or("none of the keys that you gave signed it")?;
    consistent(&statement)?;
    Ok(Residency { signed_by, statement })
}

/// What the figures of a statement must be, whatever it says of itself.
fn consistent(statement: &Value) -> Result<(), String> {
    let number = |pointer: &str| {
        let found = statement.pointer(pointer).and_then(Value::as_u64);
        found.ok_or_else(|| format!("it does not say `{pointer}`"))
    };
    let none = |pointer: &str| match statement.pointer(pointer).and_then(Value::as_array) {
        Some(list) => match list.first() {
            None => Ok(()),
            Some(first) => Err(format!("it says itself: {}", first.as_str().unwrap_or("?"))),
        },
        None => Err(format!("it does not say `{pointer}`")),
    };
    if number("/v")? != 1 {
        return Err("it is of a version that is not known here".to_owned());
    }
    for pointer in ["/faults", "/leaks/told", "/probes/breaches", "/control/missed"] {
        none(pointer)?;
    }
    for pointer in ["/apart/faults", "/between/strange"] {
        none(pointer)?;
    }
    let (asked, refused) = (number("/probes/asked")?, number("/probes/refused")?);
    if asked == 0 || asked != refused {
        return Err(format!("of {asked} probes {refused} were refused"));
    }
    let (planted, found) = (number("/control/planted")?, number("/control/found")?);
    if planted == 0 || planted != found {
        return Err(format!("of {planted} controls {found} were found"));
    }
    if number("/leaks/count")? != 0 {
        return Err("it counts leaks".to_owned());
    }
    if number("/between/empty")? != 0 {
        return Err("a directory names no organization: it was probably another".to_owned());
    }
    let cells = statement.pointer("/cells").and_then(Value::as_array);
    let cells = cells.filter(|cells| cells.len() >= 2).ok_or("it names no two cells")?;
    for cell in cells {
        let name = cell.get("name").and_then(Value::as_str).unwrap_or("?");
        let stores = cell.get("stores").and_then(Value::as_array);
        let read = stores.is_some_and(|stores| stores.iter().any(is_read));
        let own = cell.pointer("/own/inTheOpen").and_then(Value::as_u64);
        if !read || own.is_none_or(|own| own == 0) {
            return Err(format!("nothing of the cell `{name}` was found at home"));
        }
        // Rows show names as they were given. What else a cell has need not.
        let rows = |store: &&Value| {
            let kind = text_of(store, "kind");
            text_of(store, "holds") == "database" && matches!(kind, "postgres" | "sqlite")
        };
        let shows = |store: &Value| store.get("own").and_then(Value::as_u64) > Some(0);
        if !stores.into_iter().flatten().filter(rows).all(shows) {
            return Err(format!(
                "a database of the cell `{name}` showed nothing of it: it was probably another"
            ));
        }
    }
    Ok(())
}

/// Whether a store had a byte.
fn is_read(store: &Value) -> bool {
    store.get("bytes").and_then(Value::as_u64) > Some(0)
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What was not looked at of a cell: by its own words, or because there was not a byte.
fn not_looked_at(cell: &Value) -> String {
    let list = |name: &str| cell.get(name).and_then(Value::as_array).into_iter().flatten();
    let read: Vec<_> = list("stores").filter(|one| is_read(one)).collect();
    let said = list("notLookedAt").filter_map(Value::as_str);
    let empty = list("stores").filter(|one| !is_read(one)).map(|one| text_of(one, "holds"));
    let empty = empty.filter(|holds| !read.iter().any(|one| text_of(one, "holds") == *holds));
    let mut all: Vec<_> = said.chain(empty).collect();
    all.sort_unstable();
    all.dedup();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

impl fmt::Display for Residency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |pointer: &str| self.statement.pointer(pointer);
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => "?".to_owned(),
        };
        let said = |pointer: &str| text(at(pointer));
        writeln!(f, "SOUND a statement of residency, signed by {}", self.signed_by)?;
        writeln!(f, "  made at {}", said("/madeAt"))?;
        writeln!(
            f,
            "  {} wrong-region probes, all refused before their body ({} of {} combinations)",
            said("/probes/asked"),
            said("/probes/combinationsTried"),
            said("/probes/combinations")
        )?;
        writeln!(
            f,
            "  {} canaries planted through {} doors, none found in another cell",
            said("/canaries/planted"),
            said("/canaries/doors")
        )?;
        writeln!(
            f,
            "  the detector found {} of {} controls",
            said("/control/found"),
            said("/control/planted")
        )?;
        for cell in at("/cells").and_then(Value::as_array).into_iter().flatten() {
            let stores = cell.get("stores").and_then(Value::as_array);
            let all = stores.into_iter().flatten();
            let bytes: u64 = all.filter_map(|one| one.get("bytes")?.as_u64()).sum();
            writeln!(
                f,
                "  {} ({}): {bytes} bytes read; not looked at: {}",
                text(cell.get("name")),
                text(cell.get("region")),
                not_looked_at(cell)
            )?;
        }
        if at("/between/directories").and_then(Value::as_u64).is_none_or(|count| count == 0) {
            writeln!(f, "  what cells share: not looked at, no directory was read")?;
        }
        for part in ["/blind", "/cannotProve"] {
            for line in at(part).and_then(Value::as_array).into_iter().flatten() {
                writeln!(f, "  It does not show: {}", line.as_str().unwrap_or("?"))?;
            }
        }
        writeln!(f, "  It proves who said this and not that it is true.")
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ed25519_dalek::{Signer as _, SigningKey};
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// A statement under a key of this name.
    fn signed(name: &str, statement: &Value) -> (VerifierKey, String) {
        let secret = SigningKey::from_bytes(&[9; 32]);
        let public = [&[1_u8], secret.verifying_key().as_bytes().as_slice()].concat();
        let id = Sha256::digest([name.as_bytes(), b"\n", &public].concat())[..4].to_vec();
        let hex = format!("{:08x}", u32::from_be_bytes(id.as_slice().try_into().unwrap()));
        let key = format!("{name}+{hex}+{}", STANDARD.encode(&public)).parse().unwrap();
        let json = serde_json_canonicalizer::to_string(statement).unwrap();
        let text = format!("{KIND}\n{json}\n");
        let made = [id.as_slice(), &secret.sign(text.as_bytes()).to_bytes()].concat();
        (key, format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(made)))
    }

    fn sound() -> Value {
        let cell = |name: &str| {
            json!({ "name": name, "region": name,
                    "stores": [{ "holds": "database", "kind": "sqlite", "bytes": 9, "own": 1 },
                               { "holds": "log", "kind": "files", "bytes": 9, "own": 0 }],
                    "notLookedAt": ["temp"], "own": { "inTheOpen": 1 } })
        };
        json!({
            "v": 1, "madeAt": "2026-01-01T00:00:00Z", "faults": [], "cannotProve": ["all"],
            "leaks": { "count": 0, "told": [] }, "cells": [cell("eu"), cell("us")],
            "probes": { "asked": 7, "refused": 7, "breaches": [] },
            "control": { "planted": 3, "found": 3, "missed": [] },
            "apart": { "faults": [] },
            "between": { "directories": 1, "empty": 0, "strange": [] },
        })
    }

    #[test]
    fn a_statement_of_residency_is_judged_by_its_key_and_by_its_own_figures() {
        let (key, note) = signed("acme.example/residency", &sound());
        let judged = residency(note.as_bytes(), slice::from_ref(&key)).unwrap();
        assert!(judged.to_string().contains("not looked at: temp"), "{judged}");
        assert!(residency(note.as_bytes(), &[]).is_err(), "nobody known signed it");
        let altered = note.replace("\"refused\":7", "\"refused\":8");
        assert!(residency(altered.as_bytes(), slice::from_ref(&key)).is_err());
        // A key of checkpoints says nothing of residency.
        let (other, note) = signed("acme.example/log", &sound());
        assert!(residency(note.as_bytes(), &[other]).is_err());
        for (pointer, value, why) in [
            ("/v", json!(2), "version"),
            ("/faults", json!(["a leak"]), "it says itself: a leak"),
            ("/leaks/count", json!(1), "it counts leaks"),
            ("/leaks/told", json!(["x"]), "it says itself: x"),
            ("/probes/refused", json!(6), "of 7 probes 6"),
            ("/probes/breaches", json!(["y"]), "it says itself: y"),
            ("/control/found", json!(2), "of 3 controls 2"),
            ("/control/planted", json!(0), "of 0 controls"),
            ("/apart/faults", json!(["one database"]), "one database"),
            ("/between/strange", json!(["email"]), "email"),
            ("/between/empty", json!(1), "names no organization"),
            ("/cells", json!([]), "no two cells"),
            ("/cells/0/stores/0/own", json!(0), "a database of the cell `eu` showed nothing of it"),
            ("/cells/1/stores/0/own", json!(null), "a database of the cell `us` showed nothing"),
            ("/cells/0/own/inTheOpen", json!(0), "`eu` was found at home"),
            ("/cells/1/stores", json!([]), "`us` was found at home"),
            ("/apart", json!({}), "does not say `/apart/faults`"),
        ] {
            let mut statement = sound();
            *statement.pointer_mut(pointer).unwrap() = value;
            let (key, note) = signed("acme.example/residency", &statement);
            let told = residency(note.as_bytes(), &[key]).unwrap_err();
            assert!(told.contains(why), "{pointer}: {told}");
        }
    }

    #[test]
    fn a_store_without_a_byte_and_a_directory_that_was_not_read_are_told() {
        let told = |pointer: &str, value: Value| {
            let mut statement = sound();
            *statement.pointer_mut(pointer).unwrap() = value;
            let (key, note) = signed("acme.example/residency", &statement);
            residency(note.as_bytes(), &[key]).unwrap().to_string()
        };
        let whole = told("/v", json!(1));
        assert_eq!(whole.matches("not looked at: temp\n").count(), 2, "{whole}");
        assert!(!whole.contains("no directory was read"), "{whole}");
        let empty = told("/cells/0/stores/1/bytes", json!(0));
        assert!(empty.contains("not looked at: log, temp\n"), "{empty}");
        let none = told("/between/directories", json!(0));
        assert!(none.contains("no directory was read"), "{none}");
    }
}
