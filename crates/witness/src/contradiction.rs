//! What a refused checkpoint says about its log.

use std::fmt;

use tlog::Checkpoint;
use tlog::witness::{Head, Refusal};

use crate::memory::Memory;

/// Something that the log signed and that does not go together with what we cosigned, or that
/// nobody has shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// Another root at a size that we cosigned: the log has two faces. This is certain.
    Fork,
    /// A tree smaller than the head, which we do not know: the log was set back, or somebody
    /// repeats an old checkpoint of it that we have not seen.
    Rollback,
    /// A tree larger than the head, with a proof that fails: the log was rewritten, or somebody
    /// sent a checkpoint of it with a wrong proof.
    Unproven,
}

impl Contradiction {
    pub(crate) const ALL: [Self; 3] = [Self::Fork, Self::Rollback, Self::Unproven];

    /// What a refusal of a checkpoint means, and the head that it is held against.
    pub(crate) fn of(
        memory: &Memory,
        checkpoint: &Checkpoint,
        refusal: &Refusal,
    ) -> Option<(Self, Head)> {
        let inconsistent = match refusal {
            // It need not be the log's own word.
            Refusal::Malformed(_) | Refusal::UnknownLog | Refusal::NotSigned => return None,
            Refusal::OldBeyondNew | Refusal::OtherSize(_) | Refusal::Forked => false,
            Refusal::Inconsistent(_) => true,
        };
        // Every tree continues the empty one.
        let head = memory.head().filter(|head| head.size > 0)?;
        match memory.at(checkpoint.size()) {
            Some(seen) if seen.size == 0 => None,
            Some(seen) if seen.root != *checkpoint.root() => Some((Self::Fork, seen)),
            Some(_) => None,
            None if checkpoint.size() < head.size => Some((Self::Rollback, head)),
            None => inconsistent.then_some((Self::Unproven, head)),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Rollback => "rollback",
            Self::Unproven => "unproven",
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
