//! What was found, signed: a note that others verify.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::Value;
use tlog::note::{Algorithm, KeyName, Seed};
use tlog::{Note, Signer};
use zeroize::Zeroizing;

use crate::error::Error;

/// The first line of a statement. No checkpoint and no receipt begins so.
pub const KIND: &str = "portico-residency/v1";
/// How the name of its key ends.
const CONTEXT: &str = "/residency";

/// Who signs.
pub(crate) fn signer(name: &str, file: &Path) -> Result<Signer, Error> {
    let unsigned = |why: String| Error::Unsigned(why);
    let name = KeyName::new(&format!("{name}{CONTEXT}"));
    let name = name.ok_or_else(|| unsigned("name: no name of a key".to_owned()))?;
    let seed = seed(file)?;
    Signer::new(name, Algorithm::Ed25519, &seed).map_err(|error| unsigned(error.to_string()))
}

/// The key in a file; made there, for this user alone, if there is none.
fn seed(file: &Path) -> Result<Seed, Error> {
    let fault = |error| Error::File(file.to_owned(), error);
    match std::fs::read(file) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            let bytes = bytes.as_slice().try_into();
            bytes
                .map(Seed::from_bytes)
                .map_err(|_| Error::Unsigned("a key has 32 bytes".to_owned()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let seed = Seed::generate().map_err(|error| Error::Unsigned(error.to_string()))?;
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            let mut made = made.map_err(fault)?;
            made.write_all(seed.reveal()).and_then(|()| made.sync_all()).map_err(fault)?;
            Ok(seed)
        }
        Err(error) => Err(fault(error)),
    }
}

/// Signs a statement.
pub(crate) fn sign(signer: &Signer, statement: &Value) -> Result<String, Error> {
    let unsigned = |why: &dyn std::fmt::Display| Error::Unsigned(why.to_string());
    let json = serde_json_canonicalizer::to_string(statement).map_err(|error| unsigned(&error))?;
    let mut note = Note::new(format!("{KIND}\n{json}\n")).map_err(|error| unsigned(&error))?;
    let signature = signer.sign(note.text(), 0).map_err(|error| unsigned(&error))?;
    note.add(signature).map_err(|error| unsigned(&error))?;
    Ok(note.to_string())
}
