//! An org moves from one region to another, between the databases, keys and stores of both.
//!
//! ```text
//! org's owner   orders it                                   PUT /api/region/move
//! operator      portico org move: copies while the org is served
//!               ── asks for a fence ──►  every process that serves it closes the gate
//!               copies what is new, compares both sides, switches the directory
//!               ── the switch ─────────► every process opens the gate: the org is there now
//!               erases what it left, signs a receipt
//! ```
//! The command does the work, with the rights of whoever owns the tables; those who serve only
//! close and open a gate, as the directory says. All that must outlast a crash is one row of it.

mod again;
mod erase;
mod gates;
mod mover;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use self::gates::{Gates, know};
pub(crate) use self::mover::{Mover, Outcome, READ_WITHIN};

/// Tables that stay where they are, and why.
pub(crate) const STAYS: [(&str, &str); 4] = [
    ("audit_epoch", "epochs of the directory of a region: of no organization"),
    ("audit_left", "the mark under which what an organization left is erased: empty"),
    (
        "audit_slot",
        "which head of the record is listed: a random id, a size and a salted hash; the \
      directory of where an organization began goes on listing it",
    ),
    ("nodes_news", "that something was changed: room names and numbers"),
];
