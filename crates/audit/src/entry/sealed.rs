//! An event as it is stored: one value of bytes, whatever the event says.
//!
//! ```text
//! 1 │ nonce 16 │ entry 104 │ u8 n │ tag of the subject's holder │ u8 n │ tag of the payload's
//!   │ u32 n │ core │ u32 n │ subject │ payload
//! ```
//! One whose values a restore did not bring back begins with 2 and has its entry alone; its core
//! says where the restore is recorded (see `publish::restored`).

use base::seal::NotOpened;

use super::class::is_entry;
use super::draft::NONCE_LEN;
use super::{Class, Draft, ENTRY_LEN, commitment, entry};
use crate::keys::{Key, Tag};

/// The first byte of what this module writes.
const VERSION: u8 = 1;
/// The first byte of an event whose values are lost.
const LOST: u8 = 2;
/// A class without values: nothing of it is stored.
pub(super) const EMPTY: &[u8] = b"{}";

/// An event at rest: its entry of the tree, and its values beside it. The core is plain,
/// the others are sealed; empty where there is nothing, or nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) entry: [u8; ENTRY_LEN],
    /// Whose keys the subject and the payload are under.
    pub(crate) tags: [Tag; 2],
    pub(crate) core: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// What it said is lost: its core is what is said instead, and committed to by nothing.
    pub(crate) lost: bool,
}

/// These bytes are no stored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored event is not whole")]
pub(crate) struct NotWhole;

impl Sealed {
    /// Commits to what an event says and seals it. A key that was destroyed is none: then
    /// a value is committed to under a salt that nobody keeps, and is gone.
    pub(crate) fn new(
        draft: &Draft,
        tags: [Tag; 2],
        keys: &[Option<&Key>; 3],
    ) -> Result<Self, NotOpened> {
        let mut commitments = [[0; 32]; 3];
        let mut values = [Vec::new(), Vec::new(), Vec::new()];
        let places = commitments.iter_mut().zip(&mut values);
        for ((class, key), (place, value)) in Class::ALL.iter().zip(keys).zip(places) {
            let json = draft.json(*class);
            let salt = match key {
                Some(key) => key.salt(*class, &draft.nonce),
                None => Key::fresh()?.salt(*class, &draft.nonce),
            };
            *place = commitment(*class, &salt, json);
            *value = match (class, key) {
                (Class::Core, _) => json.to_vec(),
                (Class::Subject | Class::Payload, Some(key)) if json != EMPTY => {
                    key.seal(*class, json)?
                }
                (Class::Subject | Class::Payload, _) => Vec::new(),
            };
        }
        let [core, subject, payload] = values;
        let entry = entry(commitments);
        Ok(Self { nonce: draft.nonce, entry, tags, core, subject, payload, lost: false })
    }

    /// An entry of which a restore brought back nothing else, and what is said instead.
    pub(crate) fn lost(entry: [u8; ENTRY_LEN], core: Vec<u8>) -> Self {
        Self {
            nonce: [0; NONCE_LEN],
            entry,
            tags: [Tag::new(), Tag::new()],
            core,
            subject: Vec::new(),
            payload: Vec::new(),
            lost: true,
        }
    }

    /// What is stored of a class.
    pub(crate) fn value(&self, class: Class) -> &[u8] {
        match class {
            Class::Core => &self.core,
            Class::Subject => &self.subject,
            Class::Payload => &self.payload,
        }
    }

    /// The canonical JSON of a class, opened with its key.
    pub(crate) fn open(&self, class: Class, key: &Key) -> Result<Vec<u8>, NotOpened> {
        match (class, self.value(class)) {
            (Class::Core, core) => Ok(core.to_vec()),
            (Class::Subject | Class::Payload, []) => Ok(EMPTY.to_vec()),
            (Class::Subject | Class::Payload, sealed) => key.open(class, sealed),
        }
    }

    /// As the database holds it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        let short = |tag: &Tag| [u8::try_from(tag.len()).unwrap_or(u8::MAX)];
        let [subject_of, payload_of] = &self.tags;
        [
            &[if self.lost { LOST } else { VERSION }],
            self.nonce.as_slice(),
            &self.entry,
            &short(subject_of),
            subject_of.as_bytes(),
            &short(payload_of),
            payload_of.as_bytes(),
            &len(&self.core),
            &self.core,
            &len(&self.subject),
            &self.subject,
            &self.payload,
        ]
        .concat()
    }

    /// Reads what [`Sealed::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NotWhole> {
        let mut rest = bytes;
        let lost = match take(&mut rest, 1)? {
            [VERSION] => false,
            [LOST] => true,
            _ => return Err(NotWhole),
        };
        let nonce = take(&mut rest, NONCE_LEN)?.try_into().map_err(|_| NotWhole)?;
        let entry: [u8; ENTRY_LEN] =
            take(&mut rest, ENTRY_LEN)?.try_into().map_err(|_| NotWhole)?;
        if !is_entry(&entry) {
            return Err(NotWhole);
        }
        let tags = [take_tag(&mut rest)?, take_tag(&mut rest)?];
        let core = take_long(&mut rest)?.to_vec();
        let subject = take_long(&mut rest)?.to_vec();
        Ok(Self { nonce, entry, tags, core, subject, payload: rest.to_vec(), lost })
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], NotWhole> {
    let (taken, left) = rest.split_at_checked(len).ok_or(NotWhole)?;
    *rest = left;
    Ok(taken)
}

fn take_tag(rest: &mut &[u8]) -> Result<Tag, NotWhole> {
    let len = take(rest, 1)?.first().copied().unwrap_or_default();
    Tag::from_utf8(take(rest, usize::from(len))?.to_vec()).map_err(|_| NotWhole)
}

fn take_long<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], NotWhole> {
    let len = take(rest, 4)?.try_into().map(u32::from_be_bytes).map_err(|_| NotWhole)?;
    take(rest, usize::try_from(len).map_err(|_| NotWhole)?)
}
