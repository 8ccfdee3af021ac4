//! An org moves from one region to another, between the databases, keys and stores of both.
//!
//! ```text
//! org's owner   orders it                                   PUT /api/region/move
//! operator      portico org move: notes from now on what changes, copies and compares all of
//!               it while the org is served, and then what changed since, until that is little
//!               ── asks for a fence ──►  every process that serves it closes the gate
//!               the same with the last of what changed, switches the directory
//!               ── the switch ─────────► every process opens the gate: the org is there now
//!               erases what it left, signs a receipt
//! ```
//! The command does the work, with the rights of whoever owns the tables; those who serve only
//! close and open a gate, as the directory says. All that must outlast a crash is one row of it.

mod again;
mod compare;
mod erase;
mod follow;
mod gates;
mod mover;
mod rows;
mod served;
#[cfg(test)]
mod tests;

pub(crate) use self::gates::{Gates, know};
pub(crate) use self::mover::{Mover, Outcome, READ_WITHIN};

/// Tables that stay where they are, and why.
pub(crate) const STAYS: [(&str, &str); 6] = [
    ("audit_changed", "which rows changed while the organization moved: empty behind that"),
    ("audit_epoch", "epochs of the directory of a region: of no organization"),
    ("audit_left", "the mark under which what an organization left is erased: empty"),
    ("audit_mover", "which run of the command moves the organization: empty behind that"),
    (
        "audit_slot",
        "which head of the record is listed: a random id, a size and a salted hash; the \
      directory of where an organization began goes on listing it",
    ),
    ("nodes_news", "that something was changed: room names and numbers"),
];
