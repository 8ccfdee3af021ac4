//! The keys that sign checkpoints: derived from the root key of the region, so that they
//! stand where that stands and nowhere else.

use std::fmt;

use base::seal::RootKey;
use base::time::At;
use tlog::note::{Algorithm, KeyName, Seed, SigningFailed};
use tlog::{Checkpoint, Note, Signer, Verifier};

use super::fault::LogError;

/// How checkpoints are signed: the one that every verifier knows, and one that a quantum
/// computer does not break.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::CosignatureMlDsa44];

/// Signs the checkpoints of a region. A key bears the name of its log, as C2SP recommends;
/// what it is made of is the same for the logs of all orgs and for the directory.
pub(crate) struct Signing {
    name: String,
    /// Under the name of the cell's log.
    keys: [Signer; 2],
    statements: Seed,
}

impl Signing {
    pub(crate) fn derive(root: &RootKey, name: String) -> Result<Self, SigningFailed> {
        let seed = |label: &str| Seed::from_bytes(&root.mac(label).tag(b"seed"));
        let key = |algorithm, label| {
            let name = KeyName::new(&name).ok_or(SigningFailed::Unavailable)?;
            Signer::new(name, algorithm, &seed(label))
        };
        let [first, second] = ALGORITHMS;
        let keys = [key(first, "audit/log/ed25519")?, key(second, "audit/log/ml-dsa-44")?];
        Ok(Self { name, keys, statements: seed("audit/statements/ed25519") })
    }

    /// Never that of checkpoints.
    pub(super) fn seed_of_statements(&self) -> &Seed {
        &self.statements
    }

    /// The whole name of a log: that of an org, or of the directory.
    pub(crate) fn origin(&self, log: &str) -> String {
        format!("{}/{log}", self.name)
    }

    fn signers(&self, origin: &str) -> Result<[Signer; 2], LogError> {
        let named = |key: &Signer| {
            let name = KeyName::new(origin).ok_or(LogError::Unsigned)?;
            key.named(name).map_err(|_| LogError::Unsigned)
        };
        let [first, second] = &self.keys;
        Ok([named(first)?, named(second)?])
    }

    /// What others verify an org's checkpoints with.
    pub(crate) fn verifiers(&self, origin: &str) -> Result<[Verifier; 2], LogError> {
        Ok(self.signers(origin)?.map(|signer| signer.verifier().clone()))
    }

    /// Signs a checkpoint with both keys.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint, at: At) -> Result<Note, LogError> {
        let mut note = Note::new(checkpoint.to_string()).map_err(|_| LogError::Unsigned)?;
        let secs = u64::try_from(at.as_second()).unwrap_or_default();
        for signer in self.signers(checkpoint.origin())? {
            let signature = signer.sign(note.text(), secs).map_err(|_| LogError::Unsigned)?;
            note.add(signature).map_err(|_| LogError::Unsigned)?;
        }
        Ok(note)
    }

    /// The checkpoint of this log in a note, if both keys signed it. It may bear an older
    /// name: the operator may rename the log, and the keys stay.
    pub(crate) fn open(&self, log: &str, bytes: &[u8]) -> Option<Checkpoint> {
        let note = Note::parse(bytes).ok()?;
        let origin = note.text().lines().next()?;
        let name = origin.strip_suffix(log)?;
        if !name.ends_with('/') {
            return None;
        }
        let verifiers = self.verifiers(origin).ok()?;
        let (checkpoint, signed) = Checkpoint::open(&note, origin, &verifiers).ok()?;
        (signed.len() == verifiers.len()).then_some(checkpoint)
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").field("name", &self.name).finish_non_exhaustive()
    }
}
