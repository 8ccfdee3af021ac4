//! The witness's own keys: one of Ed25519 and one of ML-DSA-44, each in a file of its own.

use std::path::{Path, PathBuf};

use tlog::note::{Algorithm, KeyName, Seed};
use tlog::{Signer, Verifier};
use zeroize::Zeroizing;

use crate::durable;
use crate::error::Error;

/// The file of each key: the 32 bytes that it is made from.
const FILES: [(&str, Algorithm); 2] = [
    ("ed25519.key", Algorithm::CosignatureEd25519),
    ("ml-dsa-44.key", Algorithm::CosignatureMlDsa44),
];
/// Bytes of a key file.
const SEED_BYTES: usize = 32;

#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) signers: Vec<Signer>,
    pub(crate) verifiers: Vec<Verifier>,
}

impl Keys {
    /// The keys in this folder, if all are there.
    pub(crate) fn read(data: &Path, name: &KeyName) -> Result<Option<Self>, Error> {
        let mut signers = Vec::new();
        for (file, algorithm) in FILES {
            let Some(seed) = read(&data.join(file))? else { return Ok(None) };
            signers.push(Signer::new(name.clone(), algorithm, &seed).map_err(Error::Keys)?);
        }
        let verifiers = signers.iter().map(|signer| signer.verifier().clone()).collect();
        Ok(Some(Self { signers, verifiers }))
    }

    /// Makes those that are missing. The caller knows that nothing was signed yet.
    pub(crate) fn make(data: &Path) -> Result<(), Error> {
        for path in missing(data)? {
            let seed = Seed::generate().map_err(Error::Keys)?;
            durable::write(&path, seed.reveal()).map_err(|why| Error::File(path, why))?;
        }
        Ok(())
    }
}

/// The key files that are not there.
pub(crate) fn missing(data: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut missing = Vec::new();
    for path in FILES.map(|(file, _)| data.join(file)) {
        if !path.try_exists().map_err(|why| Error::File(path.clone(), why))? {
            missing.push(path);
        }
    }
    Ok(missing)
}

/// Whether there is any key at all.
pub(crate) fn any(data: &Path) -> Result<bool, Error> {
    Ok(missing(data)?.len() < FILES.len())
}

fn read(path: &Path) -> Result<Option<Seed>, Error> {
    let bytes = durable::read(path, SEED_BYTES).map_err(|why| Error::File(path.into(), why))?;
    let Some(bytes) = bytes.map(Zeroizing::new) else { return Ok(None) };
    let seed = bytes.as_slice().try_into().map_err(|_| Error::NotAKey(path.into()))?;
    Ok(Some(Seed::from_bytes(seed)))
}
