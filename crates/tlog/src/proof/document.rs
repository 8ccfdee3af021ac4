//! A proof in one file that is verified offline: C2SP `tlog-proof`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::verify::{self, verify_inclusion};
use crate::checkpoint::{self, Checkpoint};
use crate::hash::Hash;
use crate::lines;
use crate::note::{self, NOTE_BYTES_MAX, Note, Verified, Verifier};
use crate::tree::{PATH_MAX, SIZE_MAX};

/// The first line.
const TITLE: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of the longest extra data.
pub const EXTRA_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the longest file: extra data and a note as long as they may be, and a path.
pub const PROOF_BYTES_MAX: usize = EXTRA_BYTES_MAX * 4 / 3 + NOTE_BYTES_MAX + 4 * 1024;

/// An entry's place in a log, the path to the root, and the checkpoint with that root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    extra: Vec<u8>,
    index: u64,
    path: Vec<Hash>,
    note: Note,
}

/// These bytes are no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than a proof may be.
    #[error("a proof has at most {PROOF_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("a proof is UTF-8")]
    NotText,
    /// The first line.
    #[error("a proof begins with `{TITLE}`")]
    Title,
    /// The extra data.
    #[error("the extra data is empty, too long or not base64")]
    Extra,
    /// The index.
    #[error("the index is `index` and a decimal number below 2^63")]
    Index,
    /// The path.
    #[error("the path is at most {PATH_MAX} hashes in base64, and then an empty line")]
    Path,
    /// The checkpoint is not even a note.
    #[error("the checkpoint is no note: {0}")]
    Note(#[source] note::Malformed),
}

/// What a verified proof says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven<'v> {
    /// The tree in which the entry is.
    pub checkpoint: Checkpoint,
    /// Who of the known keys signed for it; whether they suffice is for the caller to say.
    pub verified: Vec<Verified<'v>>,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(checkpoint::Refused),
    /// The path does not lead to its root.
    #[error(transparent)]
    Path(verify::Refused),
}

impl Proof {
    /// A proof for the entry of this index by this path, in the tree of the checkpoint that
    /// the note is.
    pub fn new(index: u64, path: Vec<Hash>, note: Note) -> Result<Self, Malformed> {
        if index > SIZE_MAX {
            return Err(Malformed::Index);
        }
        if path.len() > PATH_MAX {
            return Err(Malformed::Path);
        }
        if note.signatures().is_empty() {
            return Err(Malformed::Note(note::Malformed::NoSignatures));
        }
        Ok(Self { extra: Vec::new(), index, path, note })
    }

    /// With data beside it, which nothing protects.
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, Malformed> {
        if extra.len() > EXTRA_BYTES_MAX {
            Err(Malformed::Extra)
        } else {
            Ok(Self { extra, ..self })
        }
    }

    /// Reads the file; each proof has one text.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let mut rest = std::str::from_utf8(bytes).map_err(|_| Malformed::NotText)?;
        if lines::take(&mut rest) != Some(TITLE) {
            return Err(Malformed::Title);
        }
        let mut line = lines::take(&mut rest).ok_or(Malformed::Index)?;
        let mut extra = Vec::new();
        if let Some(base64) = line.strip_prefix("extra ") {
            extra = STANDARD.decode(base64).map_err(|_| Malformed::Extra)?;
            if extra.is_empty() {
                return Err(Malformed::Extra);
            }
            line = lines::take(&mut rest).ok_or(Malformed::Index)?;
        }
        let index = line.strip_prefix("index ").and_then(lines::decimal).ok_or(Malformed::Index)?;
        let path = read_path(&mut rest).ok_or(Malformed::Path)?;
        let note = Note::parse(rest.as_bytes()).map_err(Malformed::Note)?;
        Self::new(index, path, note)?.with_extra(extra)
    }

    /// The index that it claims for the entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// From the sibling of the leaf to below the root.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// The signed checkpoint.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Data beside it, which nothing protects.
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }

    /// That the entry with this leaf hash is in the log of this origin, as some of `verifiers`
    /// have signed.
    pub fn verify<'v>(
        &self,
        leaf: &Hash,
        origin: &str,
        verifiers: &'v [Verifier],
    ) -> Result<Proven<'v>, Unproven> {
        let (checkpoint, verified) =
            Checkpoint::open(&self.note, origin, verifiers).map_err(Unproven::Checkpoint)?;
        verify_inclusion(leaf, self.index, checkpoint.size(), &self.path, checkpoint.root())
            .map_err(Unproven::Path)?;
        Ok(Proven { checkpoint, verified })
    }
}

/// Lines of hashes, up to an empty line.
pub(crate) fn read_path(rest: &mut &str) -> Option<Vec<Hash>> {
    let mut path = Vec::new();
    loop {
        match lines::take(rest)? {
            "" => return Some(path),
            _ if path.len() >= PATH_MAX => return None,
            line => path.push(Hash::from_base64(line).ok()?),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", STANDARD.encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}
