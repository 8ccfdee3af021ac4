//! What is wrong with a record, said so that somebody can look: which org, which event, what.

use access::OrgId;
use base::db::DbError;

use super::store::StoreError;
use crate::tiers::NotRead;

/// The record and what was published of it do not agree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record of `{org}`{}: {kind}", at(*.seq))]
pub struct Fault {
    /// Whose record; `directory` for that of the cell.
    pub org: String,
    /// At which event, if it is one.
    pub seq: Option<u64>,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words say it")]
pub enum FaultKind {
    #[error("the event is not there")]
    Missing,
    #[error("the stored event is not whole")]
    NotWhole,
    #[error("the event is not the one that was published")]
    OtherEntry,
    #[error("the published entry is not the event's")]
    OtherBundle,
    #[error("its {0} does not agree with its commitment")]
    NotCommitted(&'static str),
    #[error("its {0} is under a key that never was")]
    NoSuchKey(&'static str),
    #[error("its column `{0}` says something else than the event")]
    Column(&'static str),
    #[error("the head row says {found} events, and its tree has {tree}")]
    HeadSize { found: u64, tree: u64 },
    #[error("the {0} events do not lead to the root in the head row")]
    HeadRoot(u64),
    #[error(
        "{published} events were published and the database has {found}: it was rolled back, or \
         is another one"
    )]
    RolledBack { published: u64, found: u64 },
    #[error("the published tiles do not lead to the root that was signed at {0} events")]
    OtherRoot(u64),
    #[error("a published file is missing or damaged: `{0}`")]
    NoFile(String),
    #[error("other bytes were published as `{0}`")]
    OtherFile(String),
    #[error("the published checkpoint is not signed by this log")]
    NotOurs,
    #[error("the heads of the orgs do not lead to the root that epoch {0} was signed with")]
    OtherHeads(u64),
    #[error("an epoch of the directory is missing or damaged")]
    NoEpoch,
    #[error("a part of the archive is missing or damaged: `{0}`")]
    NoChunk(String),
    #[error("the {0} that the database tells of a part of the archive are not its own")]
    OtherSummary(&'static str),
    #[error("an event changed while it was being moved to the archive")]
    Restless,
    #[error("it is said to be lost, and no restore is recorded that lost it")]
    NotLost,
    #[error("the note of an erasure is damaged: `{0}`")]
    NoNote(String),
}

/// Why the log was not published, read or verified.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Somebody must look.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store failed; trying again may succeed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed; trying again may succeed.
    #[error("the database of the record failed")]
    Db(#[source] DbError),
    /// The cryptographic library did not sign.
    #[error("a checkpoint could not be signed")]
    Unsigned,
    /// The log grew meanwhile; trying again will succeed.
    #[error("the log moved on meanwhile")]
    Moved,
    /// A bundle could not be packed.
    #[error("a bundle could not be packed")]
    Unpacked(#[from] std::io::Error),
}

/// What the archive has wrong is a finding like any other.
impl From<DbError> for LogError {
    fn from(cause: DbError) -> Self {
        match cause.of_archive() {
            Some(NotRead::Faulty(fault)) => Self::Fault(fault.clone()),
            Some(NotRead::Away(_) | NotRead::NotHere) | None => Self::Db(cause),
        }
    }
}

impl Fault {
    pub(crate) fn at(org: &OrgId, seq: u64, kind: FaultKind) -> Self {
        Self { org: org.to_string(), seq: Some(seq), kind }
    }

    /// Says it where operators look.
    pub(crate) fn tell(&self) {
        tracing::error!(org.id = self.org, seq = self.seq, "{self}");
    }
}

fn at(seq: Option<u64>) -> String {
    seq.map(|seq| format!(" at {seq}")).unwrap_or_default()
}
