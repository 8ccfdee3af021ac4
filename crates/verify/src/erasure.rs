//! The receipt of an erasure: a note of its own kind, under a key of its own.

use std::fmt;

use serde_json::Value;

use crate::key::{Algorithm, VerifierKey};
use crate::note::Note;

/// The first line of such a receipt. No checkpoint begins so.
pub(crate) const KIND: &str = "portico-erasure/v1";
/// How the name of its key ends, behind the name of the log.
const CONTEXT: &str = "/statements";

/// What a sound receipt of an erasure says.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Always: a receipt with a fault is that fault.
    pub sound: bool,
    /// The key that signed it.
    pub signed_by: String,
    /// The position of the erasure in the record.
    pub event: u64,
    /// What was destroyed, and what stays.
    pub statement: Value,
}

/// Judges a receipt by keys that the reader holds. The error says what is wrong.
pub fn erasure(bytes: &[u8], keys: &[VerifierKey]) -> Result<Erasure, &'static str> {
    let note = Note::parse(bytes)?;
    let mut lines = note.text.lines();
    if lines.next() != Some(KIND) {
        return Err("it is no receipt of an erasure");
    }
    let event = lines.next().and_then(|line| line.strip_prefix("event ")?.parse().ok());
    let event = event.ok_or("it does not name the event of the erasure")?;
    let statement = lines.next().and_then(|line| serde_json::from_str(line).ok());
    let statement = statement.ok_or("it holds no statement")?;
    if lines.next().is_some() {
        return Err("it says more than a receipt");
    }
    let mut signed_by = None;
    for signature in &note.signatures {
        for key in keys.iter().filter(|key| is_of_statements(key) && key.made(signature)) {
            if key.ed25519(note.text.as_bytes(), &signature.bytes).is_err() {
                return Err("the signature is not by the key that it names");
            }
            signed_by = Some(key.name().to_owned());
        }
    }
    let signed_by = signed_by.ok_or("none of the keys that you gave signed it")?;
    Ok(Erasure { sound: true, signed_by, event, statement })
}

fn is_of_statements(key: &VerifierKey) -> bool {
    key.algorithm() == Algorithm::Ed25519 && key.name().ends_with(CONTEXT)
}

impl fmt::Display for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |name: &str| self.statement.get(name).and_then(Value::as_str).unwrap_or("?");
        writeln!(f, "SOUND a receipt of an erasure, signed by {}", self.signed_by)?;
        writeln!(f, "  organization {}, person {}", text("org"), text("person"))?;
        writeln!(f, "  erased at {}, event {} of the record", text("erasedAt"), self.event)?;
        for store in self.statement.get("stores").and_then(Value::as_array).into_iter().flatten() {
            let of = |name: &str| store.get(name).and_then(Value::as_str);
            let rows = store.get("rows").and_then(Value::as_u64);
            let rows = rows.map_or_else(|| "not counted".to_owned(), |rows| format!("{rows} rows"));
            let fate =
                of("stays").map_or_else(|| "destroyed".to_owned(), |why| format!("stays: {why}"));
            writeln!(f, "  {}: {rows}, {fate}", of("store").unwrap_or("?"))?;
        }
        writeln!(
            f,
            "  It proves who said this and not that it is true: look for the event in the record."
        )
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use std::slice;

    use ed25519_dalek::{Signer as _, SigningKey};
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// A key of this name, and how it signs.
    fn key(name: &str) -> (VerifierKey, impl Fn(&str) -> String) {
        let secret = SigningKey::from_bytes(&[7; 32]);
        let public = [&[1_u8], secret.verifying_key().as_bytes().as_slice()].concat();
        let id = Sha256::digest([name.as_bytes(), b"\n", &public].concat())[..4].to_vec();
        let hex = format!("{:08x}", u32::from_be_bytes(id.as_slice().try_into().unwrap()));
        let vkey = format!("{name}+{hex}+{}", STANDARD.encode(&public)).parse().unwrap();
        let name = name.to_owned();
        let sign = move |text: &str| {
            let made = [id.as_slice(), &secret.sign(text.as_bytes()).to_bytes()].concat();
            format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(made))
        };
        (vkey, sign)
    }

    #[test]
    fn a_receipt_of_an_erasure_is_judged_by_its_own_key_alone() {
        let text = "portico-erasure/v1\nevent 7\n{\"org\":\"org_a\"}\n";
        let (own, sign) = key("log.example/eu/org_a/statements");
        let (of_log, signs_checkpoints) = key("log.example/eu/org_a");
        let judged = erasure(sign(text).as_bytes(), slice::from_ref(&own)).unwrap();
        assert_eq!((judged.event, &judged.statement["org"]), (7, &Value::from("org_a")));
        let by_log = signs_checkpoints(text);
        assert!(erasure(by_log.as_bytes(), &[of_log.clone(), own.clone()]).is_err());
        assert!(erasure(sign(text).as_bytes(), &[of_log]).is_err());
        assert!(
            erasure(sign(text).replace("event 7", "event 8").as_bytes(), slice::from_ref(&own))
                .is_err()
        );
        for other in
            ["portico-erasure/v2\nevent 7\n{}\n", "portico-erasure/v1\n{}\n", &format!("{text}x\n")]
        {
            assert!(erasure(sign(other).as_bytes(), slice::from_ref(&own)).is_err(), "{other}");
        }
    }
}
