//! The codec `audit/v1`: what an event is at rest, and what of it stands in the tree.
//!
//! ```text
//! event ──► core      who may never be forgotten: org, action, time, outcome
//!       ├─► subject   whoever did it: member, address, device; the key of that member
//!       └─► payload   what it was done to: changes, reasons; the key of that thing
//!
//! each ──► its own canonical JSON (RFC 8785), sealed under its key (core: plain)
//!      └─► commitment = SHA-256("audit/v1 <class>\n" ‖ salt ‖ JSON)
//!                       salt = HMAC-SHA-256(key of the class, nonce of the event)
//! entry = "audit/v1" ‖ three commitments: 104 bytes, whatever the event says
//! ```
//! Without its key nobody can guess a value from its commitment, and whoever destroys the
//! key leaves every proof standing. `docs/use/record-format.md` is the specification, with
//! vectors.

mod class;
mod draft;
pub(crate) mod exact;
mod fields;
mod opened;
mod sealed;
mod written;

pub(crate) use self::class::{Class, ENTRY_LEN, Entry, commitment, commitments, entry};
pub(crate) use self::draft::Draft;
pub(crate) use self::fields::FIELDS;
pub(crate) use self::opened::{Opened, Stored, said};
pub(crate) use self::sealed::{NotWhole, Sealed};

#[cfg(test)]
mod tests;
