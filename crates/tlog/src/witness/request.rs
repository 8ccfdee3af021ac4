//! What a log sends to `add-checkpoint`.

use std::fmt;

use crate::checkpoint::{self, Checkpoint};
use crate::hash::Hash;
use crate::lines;
use crate::note::{self, NOTE_BYTES_MAX, Note};
use crate::proof::read_path;
use crate::tree::{PATH_MAX, SIZE_MAX};

/// Bytes of the longest request: a note as long as it may be, and a path.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 4 * 1024;

/// A checkpoint, and the proof that it continues the one that the witness has seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    old: u64,
    path: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

/// These bytes are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than a request may be.
    #[error("a request has at most {REQUEST_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("a request is UTF-8")]
    NotText,
    /// The first line.
    #[error("a request begins with `old` and the size of a tree")]
    Old,
    /// The path.
    #[error("the path is at most {PATH_MAX} hashes in base64, and then an empty line")]
    Path,
    /// The checkpoint is not even a note.
    #[error("the checkpoint is no note: {0}")]
    Note(#[source] note::Malformed),
    /// The note is no checkpoint.
    #[error("the note is no checkpoint: {0}")]
    Checkpoint(#[source] checkpoint::Malformed),
}

impl Request {
    /// Asks for a cosignature under this checkpoint, which continues the tree of `old` leaves
    /// by this path.
    pub fn new(old: u64, path: Vec<Hash>, note: Note) -> Result<Self, Malformed> {
        if old > SIZE_MAX {
            return Err(Malformed::Old);
        }
        if path.len() > PATH_MAX {
            return Err(Malformed::Path);
        }
        if note.signatures().is_empty() {
            return Err(Malformed::Note(note::Malformed::NoSignatures));
        }
        let checkpoint = Checkpoint::parse(note.text()).map_err(Malformed::Checkpoint)?;
        Ok(Self { old, path, note, checkpoint })
    }

    /// Reads a body; each request has one text.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let mut rest = std::str::from_utf8(bytes).map_err(|_| Malformed::NotText)?;
        let line = lines::take(&mut rest).ok_or(Malformed::Old)?;
        let old = line.strip_prefix("old ").and_then(lines::decimal).ok_or(Malformed::Old)?;
        let path = read_path(&mut rest).ok_or(Malformed::Path)?;
        let note = Note::parse(rest.as_bytes()).map_err(Malformed::Note)?;
        Self::new(old, path, note)
    }

    /// The size that the witness has seen last, as the log believes.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The consistency proof.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// The checkpoint with its signatures.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What the note says, which nobody has verified yet.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}
