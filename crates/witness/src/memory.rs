//! What a witness remembers of one log: the last checkpoint that it cosigned.
//!
//! It lies on disk as a note: the checkpoint, the signatures of the log, and our own. So the
//! file shows by itself that it is whole and ours, and anybody can verify it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use tlog::note::{self, Algorithm, NOTE_BYTES_MAX};
use tlog::witness::Head;
use tlog::{Checkpoint, Note, Verifier, checkpoint};

use crate::durable;
use crate::error::Error;

/// Heads before the last one that are known again when an old request arrives late. They are
/// not on disk: after a restart such a request looks like a rollback.
const PAST_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Memory {
    file: PathBuf,
    kept: Option<Kept>,
    past: VecDeque<Head>,
}

/// A checkpoint that was cosigned.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) note: Note,
    pub(crate) head: Head,
    pub(crate) time_secs: u64,
    /// Our signatures, as they were answered.
    pub(crate) lines: String,
}

impl Memory {
    /// Reads what is on disk; `ours` are the witness's own keys.
    pub(crate) fn read(file: PathBuf, origin: &str, ours: &[Verifier]) -> Result<Self, Error> {
        let bytes =
            durable::read(&file, NOTE_BYTES_MAX).map_err(|why| Error::File(file.clone(), why))?;
        let kept = bytes.map(|bytes| Kept::read(&bytes, &file, origin, ours)).transpose()?;
        Ok(Self { file, kept, past: VecDeque::new() })
    }

    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.kept.as_ref().map(|kept| kept.head)
    }

    /// The head that was cosigned at this size, if it is still known.
    pub(crate) fn at(&self, size: u64) -> Option<Head> {
        let past = self.past.iter().copied();
        self.head().into_iter().chain(past).find(|head| head.size == size)
    }

    /// Remembers, on disk first.
    ///
    /// After a failure the new head may be on disk while the old one is here. Nobody has its
    /// signature, and the next one that is kept replaces it there.
    pub(crate) fn keep(&mut self, kept: Kept) -> std::io::Result<()> {
        durable::write(&self.file, kept.note.to_string().as_bytes())?;
        let before = self.kept.replace(kept).map(|before| before.head);
        if let Some(before) = before.filter(|before| self.head() != Some(*before)) {
            self.past.truncate(PAST_MAX - 1);
            self.past.push_front(before);
        }
        Ok(())
    }
}

impl Kept {
    fn read(bytes: &[u8], file: &Path, origin: &str, ours: &[Verifier]) -> Result<Self, Error> {
        let note = Note::parse(bytes).map_err(|why| Error::NotANote(file.into(), why))?;
        let not_ours = |why| Error::NotOurs(file.into(), why);
        let (checkpoint, by) = Checkpoint::open(&note, origin, ours).map_err(not_ours)?;
        // ML-DSA-44 does not sign what has extensions. Of the other keys none may be missing:
        // one that did not sign this head was put in the place of one that did.
        let bare = checkpoint.extensions().is_empty();
        let signs = |key: &&Verifier| bare || key.algorithm() != Algorithm::CosignatureMlDsa44;
        if !ours.iter().filter(signs).all(|key| by.iter().any(|by| by.verifier == key)) {
            return Err(not_ours(checkpoint::Refused::Note(note::Refused::NobodyKnown)));
        }
        let time_secs = by.iter().filter_map(|by| by.time_secs).max().unwrap_or_default();
        let is_ours = |signature: &&_| ours.iter().any(|key| key.made(signature));
        let lines = note.signatures().iter().filter(is_ours).map(ToString::to_string).collect();
        let head = Head { size: checkpoint.size(), root: *checkpoint.root() };
        Ok(Self { note, head, time_secs, lines })
    }
}
