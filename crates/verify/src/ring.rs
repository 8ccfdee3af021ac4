//! Which keys are known, and who signed a checkpoint.

use serde::Serialize;

use crate::checkpoint::Checkpoint;
use crate::fault::{Fault, FaultKind};
use crate::instant::Instant;
use crate::key::{Algorithm, VerifierKey};
use crate::manifest::LogKey;
use crate::note::Note;

/// Whose signature it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// The log's own.
    Log,
    /// A cosigner's.
    Witness,
    /// Nobody knows its key.
    Unknown,
}

/// Against what a signature was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Believed {
    /// A key that the user gave.
    Given,
    /// A key that the bundle brought itself.
    Brought,
    /// It was not: nobody gave its key.
    NotChecked,
}

/// A signature under a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// The name of the key.
    pub by: String,
    /// Whose it is.
    pub role: Role,
    /// How it signs, if the key is known.
    pub algorithm: Option<Algorithm>,
    /// The time that it states.
    pub time: Option<String>,
    /// Against what it was verified.
    pub believed: Believed,
    #[serde(skip)]
    pub(crate) at: Option<Instant>,
    #[serde(skip)]
    pub(crate) key: Option<VerifierKey>,
}

impl Signed {
    /// Whether a witness says by it when it saw this, by a key that the user gave: anybody can
    /// make a witness whose key comes with what it signed.
    pub(crate) fn witnessed(&self) -> bool {
        self.role == Role::Witness && self.time.is_some() && self.believed == Believed::Given
    }
}

/// Keys that signatures are verified with.
pub(crate) struct Ring<'a> {
    origin: &'a str,
    given: &'a [VerifierKey],
    brought: &'a [LogKey],
}

impl<'a> Ring<'a> {
    pub(crate) fn new(origin: &'a str, given: &'a [VerifierKey], brought: &'a [LogKey]) -> Self {
        Self { origin, given, brought }
    }

    /// Whether the user gave a key of the log itself.
    pub(crate) fn has_given_log(&self) -> bool {
        self.given.iter().any(|key| self.role(key) == Role::Log)
    }

    fn role(&self, key: &VerifierKey) -> Role {
        let cosigns = key.algorithm() == Algorithm::CosignatureEd25519;
        if !cosigns && key.is_of_log(self.origin) { Role::Log } else { Role::Witness }
    }

    /// Verifies each signature of a known key; the name of one that is not by its key.
    pub(crate) fn signatures(
        &self,
        note: &Note,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Signed>, String> {
        let mut all = Vec::new();
        for signature in &note.signatures {
            let mut known = self
                .given
                .iter()
                .map(|key| (key, Believed::Given))
                .chain(self.brought.iter().map(|log| (&log.key, Believed::Brought)))
                .filter(|(key, _)| key.made(signature));
            let Some((key, believed)) = known.next() else {
                all.push(Signed {
                    by: signature.name.clone(),
                    role: Role::Unknown,
                    algorithm: None,
                    time: None,
                    believed: Believed::NotChecked,
                    at: None,
                    key: None,
                });
                continue;
            };
            let time = key.verify(&note.text, checkpoint, signature);
            let time = time.map_err(|_| signature.name.clone())?.map(Instant::from_secs);
            all.push(Signed {
                by: signature.name.clone(),
                role: self.role(key),
                algorithm: Some(key.algorithm()),
                time: time.map(|time| time.to_string()),
                believed,
                at: time,
                key: Some(key.clone()),
            });
        }
        Ok(all)
    }

    /// The signatures by which the log itself stands behind the checkpoint. A key that the user
    /// gave counts alone; without one, Ed25519 with a key of the bundle does.
    pub(crate) fn of_log<'s>(&self, all: &'s [Signed]) -> Vec<&'s Signed> {
        let given = self.has_given_log();
        let counts = |signed: &&Signed| {
            signed.role == Role::Log
                && match signed.believed {
                    Believed::Given => true,
                    Believed::Brought => !given && signed.algorithm == Some(Algorithm::Ed25519),
                    Believed::NotChecked => false,
                }
        };
        all.iter().filter(counts).collect()
    }

    /// Who signed a checkpoint; a fault if the log itself did not.
    pub(crate) fn stands_behind(
        &self,
        note: &Note,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Signed>, Fault> {
        let signed = self.signatures(note, checkpoint).map_err(|by| {
            FaultKind::Signature.because(format!("the signature of `{by}` is not by its key"))
        })?;
        if !self.of_log(&signed).is_empty() {
            return Ok(signed);
        }
        let words = if self.has_given_log() {
            "none of the keys that you gave for the log signed the checkpoint"
        } else {
            "no Ed25519 key of the log signed the checkpoint"
        };
        Err(FaultKind::Signature.because(words))
    }
}
