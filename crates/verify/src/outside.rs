//! Checkpoints that somebody else holds: what a rewritten history cannot agree with.

use std::io::{Read, Seek};

use serde::Serialize;

use crate::bundle::{Bundle, Stop};
use crate::checkpoint::Checkpoint;
use crate::fault::{Fault, FaultKind};
use crate::manifest::Manifest;
use crate::name::Name;
use crate::note::{NOTE_BYTES_MAX, Note};
use crate::order::Seen;
use crate::ring::{Ring, Signed};
use crate::tree::Tree;
use crate::unreadable::Unreadable;

/// Checkpoints from outside at most.
pub(crate) const OUTSIDE_MAX: usize = 64;

/// A checkpoint from a witness, or from an earlier bundle.
#[derive(Debug, Clone)]
pub struct Outside {
    name: String,
    note: Note,
    checkpoint: Checkpoint,
}

/// How an outside checkpoint stands to the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Agreement {
    /// It is of the same tree.
    Same,
    /// The bundle's tree continues its tree.
    Continued,
    /// The bundle does not hold enough to say.
    NotComparable,
}

/// What became of an outside checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Where it is from.
    pub name: String,
    /// Entries of its tree.
    pub size: u64,
    /// Who signed it.
    pub signatures: Vec<Signed>,
    /// How it stands to the bundle.
    pub agreement: Agreement,
    /// The same for people.
    pub words: String,
}

impl Compared {
    /// Whether it speaks for the bundle: an empty tree is continued by every other.
    pub(crate) fn agrees(&self) -> bool {
        self.agreement != Agreement::NotComparable && self.size > 0
    }
}

impl Outside {
    /// Reads a signed checkpoint.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let given = |words: &str| Unreadable::Given {
            name: name.to_owned(),
            words: format!("this is no signed checkpoint: {words}"),
        };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > NOTE_BYTES_MAX {
            return Err(given("it is too long"));
        }
        let note = Note::parse(bytes).map_err(given)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(given)?;
        Ok(Self { name: name.to_owned(), note, checkpoint })
    }

    /// Takes the checkpoint of an earlier bundle.
    pub fn of_bundle(name: &str, bundle: impl Read + Seek) -> Result<Self, Unreadable> {
        let read =
            Bundle::open(bundle).and_then(|bundle| bundle.whole(Name::Checkpoint, NOTE_BYTES_MAX));
        match read {
            Ok(bytes) => Self::parse(name, &bytes),
            Err(Stop::Unreadable(unreadable)) => Err(unreadable),
            Err(Stop::Fault(fault)) => {
                Err(Unreadable::Given { name: name.to_owned(), words: fault.words })
            }
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Who signed it; one that is of another log, or not by whom it says, is a fault.
    pub(crate) fn signatures(&self, ring: &Ring<'_>, origin: &str) -> Result<Vec<Signed>, Fault> {
        let name = &self.name;
        if self.checkpoint.origin != origin {
            let words = format!("{name} is of the log `{}`", self.checkpoint.origin);
            return Err(FaultKind::OutsideOther.because(words));
        }
        ring.signatures(&self.note, &self.checkpoint).map_err(|by| {
            let words = format!("{name}: the signature of `{by}` is not by its key");
            FaultKind::OutsideSignature.because(words)
        })
    }

    /// The times at which its tree was seen.
    pub(crate) fn seen(&self, signatures: &[Signed]) -> Vec<Seen> {
        let seen = |signed: &Signed| {
            let by = format!("`{}` under {}", signed.by, self.name);
            Some(Seen { size: self.size(), at: signed.at?, by, outside: true })
        };
        signatures.iter().filter_map(seen).collect()
    }

    /// Compares it with the tree of the bundle.
    pub(crate) fn compare(
        &self,
        signatures: Vec<Signed>,
        manifest: &Manifest,
        tree: &Tree,
    ) -> Result<Compared, Fault> {
        let (name, size) = (&self.name, self.size());
        if size > manifest.size {
            let words = format!(
                "{name} has {size} entries and the bundle's record has {}: the record went back, \
                 or the bundle is older and another must be asked for",
                manifest.size
            );
            return Err(FaultKind::Rollback.at(manifest.size, words));
        }
        let (agreement, words) = match tree.root(size) {
            Some(root) if root != self.checkpoint.root => return Err(self.fork()),
            Some(_) if size == manifest.size => {
                (Agreement::Same, format!("{name} is a checkpoint of the same tree"))
            }
            Some(_) => {
                (Agreement::Continued, format!("the bundle's tree continues that of {name}"))
            }
            None => {
                let words = format!(
                    "{name} cannot be compared: the bundle does not hold the entries around {size}; \
                     ask for a bundle that begins earlier"
                );
                (Agreement::NotComparable, words)
            }
        };
        let empty = || format!("{name} is empty: every record continues it");
        let words = if size > 0 { words } else { empty() };
        Ok(Compared { name: name.clone(), size, signatures, agreement, words })
    }

    /// Of two checkpoints of one size the roots are the same.
    pub(crate) fn same_size_same_root(&self, checkpoint: &Checkpoint) -> Result<(), Fault> {
        if self.size() != checkpoint.size || self.checkpoint.root == checkpoint.root {
            return Ok(());
        }
        Err(self.fork())
    }

    fn fork(&self) -> Fault {
        let (name, size) = (&self.name, self.size());
        let words = format!("{name} has another root at {size} entries: the record was rewritten");
        FaultKind::Fork.because(words)
    }
}
