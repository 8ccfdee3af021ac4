//! What can be wrong with a bundle.

use serde::Serialize;

/// The first fault of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The entry, where the fault has one.
    pub index: Option<u64>,
    /// What is wrong, for programs.
    pub kind: FaultKind,
    /// What is wrong, for people.
    pub words: String,
}

/// Every kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// A file that a bundle must have is not there.
    FileMissing,
    /// A file with a name that this bundle has no place for.
    FileUnexpected,
    /// Two files of one name.
    FileTwice,
    /// A file longer than such files may be.
    FileTooLarge,
    /// A file whose length, header or checksum is not what the ZIP file's directory says.
    FileDamaged,
    /// `manifest.json` is not what the format says, or contradicts itself.
    Manifest,
    /// `keys.json` is not what the format says.
    Keys,
    /// The checkpoint is no signed note of a checkpoint.
    Checkpoint,
    /// No key that counts signed the checkpoint, or a signature of a known key is not by it.
    Signature,
    /// The checkpoint is of another log, or of another size, than the manifest says.
    CheckpointOther,
    /// The key that signed the checkpoint was not in use then.
    KeyNotInUse,
    /// `directory.json` is not what the format says, or of another directory or epoch.
    Directory,
    /// No key of the log that counts signed the directory, or a signature of a known key is not by it.
    DirectorySignature,
    /// The directory does not list this checkpoint as the head of this org.
    DirectoryHead,
    /// A bundle of entries is not whole, or holds something else than entries of 104 bytes.
    EntryShape,
    /// Two entries are equal: each has a nonce, so one of them is a copy.
    EntryTwice,
    /// A tile has the wrong length.
    TileShape,
    /// A hash of a tile is not that of the entries or tiles below it.
    TileHash,
    /// Hashes are missing without which the root cannot be computed.
    RootUnknown,
    /// The root of the entries and tiles is not that of the checkpoint.
    Root,
    /// An opening is missing, or stands where another belongs.
    OpeningOrder,
    /// A line is no opening.
    OpeningShape,
    /// What is shown of a class is not canonical JSON, so it is not what was committed to.
    NotCanonical,
    /// What is shown of a class is not what the entry commits to.
    Commitment,
    /// The core of an event lacks what each has.
    Core,
    /// The event that a receipt tells is not what was committed to, or of another call.
    Event,
    /// An event of another org.
    Org,
    /// An event with a time behind that of a checkpoint which already holds it.
    Future,
    /// Time runs backwards from one event to a later one.
    Backwards,
    /// An event with a time long before an outside checkpoint that does not hold it yet.
    Backdated,
    /// A call has two outcomes.
    SecondOutcome,
    /// A call has an outcome and no intent, in a record that is shown from its first entry.
    OutcomeAlone,
    /// A signature under an outside checkpoint is of a known key and not by it.
    OutsideSignature,
    /// An outside checkpoint is of another log.
    OutsideOther,
    /// The receipt of an erasure is not what the format says, or not by a key that was given.
    Erasure,
    /// The statement of an attestation is not what the format says, not by a key that was given, or
    /// says itself that something left its cell.
    Residency,
    /// An outside checkpoint has more entries than the bundle's.
    Rollback,
    /// An outside checkpoint has another root at its size than the bundle.
    Fork,
}

impl FaultKind {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::FileMissing,
        Self::FileUnexpected,
        Self::FileTwice,
        Self::FileTooLarge,
        Self::FileDamaged,
        Self::Manifest,
        Self::Keys,
        Self::Checkpoint,
        Self::Signature,
        Self::CheckpointOther,
        Self::KeyNotInUse,
        Self::Directory,
        Self::DirectorySignature,
        Self::DirectoryHead,
        Self::EntryShape,
        Self::EntryTwice,
        Self::TileShape,
        Self::TileHash,
        Self::RootUnknown,
        Self::Root,
        Self::OpeningOrder,
        Self::OpeningShape,
        Self::NotCanonical,
        Self::Commitment,
        Self::Core,
        Self::Event,
        Self::Org,
        Self::Future,
        Self::Backwards,
        Self::Backdated,
        Self::SecondOutcome,
        Self::OutcomeAlone,
        Self::OutsideSignature,
        Self::OutsideOther,
        Self::Erasure,
        Self::Residency,
        Self::Rollback,
        Self::Fork,
    ];

    /// A fault of this kind that belongs to no entry.
    pub(crate) fn because(self, words: impl Into<String>) -> Fault {
        Fault { index: None, kind: self, words: words.into() }
    }

    /// A fault of this kind at an entry.
    pub(crate) fn at(self, index: u64, words: impl Into<String>) -> Fault {
        Fault { index: Some(index), kind: self, words: words.into() }
    }
}
