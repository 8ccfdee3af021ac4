//! Whether a witness cosigns: a function of what it remembers and of what it is told.

use super::answer::SIZE_TYPE;
use super::request::{Malformed, Request};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::{Signer, SigningFailed, Verifier};
use crate::proof::{Refused, verify_consistency};

/// A log that a witness was told to watch.
#[derive(Debug, Clone, Copy)]
pub struct Log<'a> {
    /// Its name.
    pub origin: &'a str,
    /// Its keys; one of them must have signed.
    pub keys: &'a [Verifier],
}

/// What a witness remembers of a log: the last that it cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Leaves of the tree.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
}

impl Head {
    /// Of a log that was never cosigned.
    pub const NONE: Self = Self { size: 0, root: Hash::EMPTY };
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be read.
    #[error("malformed: {0}")]
    Malformed(#[source] Malformed),
    /// The tree would be smaller than what it is said to continue.
    #[error("the old size is larger than the size of the checkpoint")]
    OldBeyondNew,
    /// Nobody told the witness to watch this log.
    #[error("this log is not watched here")]
    UnknownLog,
    /// No key of the log signed it.
    #[error("no known key of the log signed the checkpoint")]
    NotSigned,
    /// The witness has seen another size last: this one.
    #[error("the last size seen is {0}")]
    OtherSize(u64),
    /// Two roots at one size: the log shows two faces.
    #[error("another root was seen at this size: the log has forked")]
    Forked,
    /// The proof proves nothing.
    #[error("the consistency proof does not verify: {0}")]
    Inconsistent(#[source] Refused),
}

impl Refusal {
    /// The status that C2SP says.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldBeyondNew => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize(_) | Self::Forked => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The body, which is the size alone where the log must continue from another one.
    pub fn body(&self) -> String {
        match self {
            Self::OtherSize(size) => format!("{size}\n"),
            Self::Malformed(_)
            | Self::OldBeyondNew
            | Self::UnknownLog
            | Self::NotSigned
            | Self::Forked
            | Self::Inconsistent(_) => format!("{self}\n"),
        }
    }

    /// The `Content-Type` of the body.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::OtherSize(_) => SIZE_TYPE,
            Self::Malformed(_)
            | Self::OldBeyondNew
            | Self::UnknownLog
            | Self::NotSigned
            | Self::Forked
            | Self::Inconsistent(_) => "text/plain; charset=utf-8",
        }
    }
}

/// A checkpoint that continues what the witness remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    checkpoint: Checkpoint,
}

/// Decides. `log` is what is known of the log that the request names, and `stored` is what
/// was last accepted from it. Between reading `stored` and keeping the new head nobody else
/// may keep another: the store compares `stored` once more when it writes.
pub fn decide(
    log: Option<Log<'_>>,
    stored: Option<Head>,
    request: &Request,
) -> Result<Accepted, Refusal> {
    let log = log.filter(|log| log.origin == request.checkpoint().origin());
    let log = log.ok_or(Refusal::UnknownLog)?;
    request.note().verify(log.keys).map_err(|_| Refusal::NotSigned)?;
    let new = request.checkpoint();
    if request.old() > new.size() {
        return Err(Refusal::OldBeyondNew);
    }
    let stored = stored.unwrap_or(Head::NONE);
    if request.old() != stored.size {
        return Err(Refusal::OtherSize(stored.size));
    }
    // A tree without leaves has one root: another is no fork, but no tree at all.
    if stored.size == new.size() && stored.size > 0 && stored.root != *new.root() {
        return Err(Refusal::Forked);
    }
    let (old, new_head) = ((stored.size, &stored.root), (new.size(), new.root()));
    verify_consistency(old, new_head, request.path()).map_err(Refusal::Inconsistent)?;
    Ok(Accepted { checkpoint: new.clone() })
}

impl Accepted {
    /// What to keep, durably, before anything is answered.
    pub fn head(&self) -> Head {
        Head { size: self.checkpoint.size(), root: *self.checkpoint.root() }
    }

    /// The body of the answer, of the type `text/plain`: a line of each key. A key that makes
    /// no statement about such a checkpoint is passed over, unless none is left.
    pub fn cosign(&self, keys: &[Signer], time_secs: u64) -> Result<String, SigningFailed> {
        let text = self.checkpoint.to_string();
        let mut lines = String::new();
        for key in keys {
            match key.sign(&text, time_secs) {
                Ok(signature) => lines.push_str(&signature.to_string()),
                Err(SigningFailed::NotACheckpoint) => {}
                Err(why @ (SigningFailed::Unavailable | SigningFailed::Time)) => return Err(why),
            }
        }
        if lines.is_empty() { Err(SigningFailed::NotACheckpoint) } else { Ok(lines) }
    }
}
