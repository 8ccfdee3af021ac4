//! What a log signs: C2SP `tlog-checkpoint`.

use std::fmt;

use crate::hash::Hash;
use crate::lines;
use crate::note::{self, Note, Verified, Verifier};
use crate::tree::SIZE_MAX;

/// Bytes of the longest origin: what an ML-DSA-44 cosignature can name.
pub const ORIGIN_BYTES_MAX: usize = 255;
/// Lines after the root at most.
pub const EXTENSIONS_MAX: usize = 16;
/// Bytes of the longest of them.
pub const EXTENSION_BYTES_MAX: usize = 1024;

/// The size and the root of a log, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// This text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer than three lines, or the last one does not end.
    #[error("a checkpoint has three lines, each with its end")]
    Lines,
    /// The first line.
    #[error("an origin has 1 to {ORIGIN_BYTES_MAX} bytes, without control characters")]
    Origin,
    /// The second line.
    #[error("the size of a tree is a decimal number below 2^63")]
    Size,
    /// The third line.
    #[error("the root of a tree is the base64 of a SHA-256")]
    Root,
    /// What follows.
    #[error("a line after the root is empty, too long, one too many, or not text")]
    Extension,
}

/// Why a signed checkpoint is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody known signed it.
    #[error("the signatures are refused: {0}")]
    Note(#[source] note::Refused),
    /// What is signed is no checkpoint.
    #[error("what is signed is no checkpoint: {0}")]
    Malformed(#[source] Malformed),
    /// It is of another log.
    #[error("the checkpoint is of another log")]
    Origin,
}

impl Checkpoint {
    /// Of a log of this name at this size.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, Malformed> {
        let sound = !origin.contains('\n') && lines::printable(origin);
        if !sound || !(1..=ORIGIN_BYTES_MAX).contains(&origin.len()) {
            return Err(Malformed::Origin);
        }
        if size > SIZE_MAX {
            return Err(Malformed::Size);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// With one more line after the root. ML-DSA-44 signatures do not cover such lines, so we
    /// neither make nor accept one where there are any.
    pub fn with_extension(mut self, line: &str) -> Result<Self, Malformed> {
        let sound = !line.contains('\n') && lines::printable(line);
        let fits = (1..=EXTENSION_BYTES_MAX).contains(&line.len());
        if !sound || !fits || self.extensions.len() >= EXTENSIONS_MAX {
            return Err(Malformed::Extension);
        }
        self.extensions.push(line.to_owned());
        Ok(self)
    }

    /// Reads the text of a note; each checkpoint has one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut rest = text;
        let mut line = || lines::take(&mut rest).ok_or(Malformed::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = lines::decimal(size).ok_or(Malformed::Size)?;
        let root = Hash::from_base64(root).map_err(|_| Malformed::Root)?;
        let mut checkpoint = Self::new(origin, size, root)?;
        while !rest.is_empty() {
            let line = lines::take(&mut rest).ok_or(Malformed::Lines)?;
            checkpoint = checkpoint.with_extension(line)?;
        }
        Ok(checkpoint)
    }

    /// Reads the checkpoint in a note that some of `verifiers` signed, if it is of this log.
    /// Whether enough of them did is for the caller to say.
    pub fn open<'v>(
        note: &Note,
        origin: &str,
        verifiers: &'v [Verifier],
    ) -> Result<(Self, Vec<Verified<'v>>), Refused> {
        let verified = note.verify(verifiers).map_err(Refused::Note)?;
        let checkpoint = Self::parse(note.text()).map_err(Refused::Malformed)?;
        if checkpoint.origin == origin { Ok((checkpoint, verified)) } else { Err(Refused::Origin) }
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// The lines after the root.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
