//! Verifies an evidence bundle offline, and shares no code with whoever wrote it.
//!
//! This crate leans on no other of the workspace, and never will: hashes, trees, notes, ZIP files
//! and the rules of the record are written here once more, from the specifications
//! (`docs/use/record-format.md`, RFC 6962, C2SP). `page/verify.html` is a third implementation,
//! for browsers.
//!
//! # What this room promises
//!
//! - Whatever is changed in a bundle is a fault, unless nothing in it depends on it
//!   (`every_byte_of_a_bundle_counts`, `each_kind_of_tampering_is_named`).
//! - Whoever signs anew is caught by a key or a checkpoint from outside
//!   (`a_history_that_was_signed_anew_is_caught_from_outside`,
//!   `a_record_that_went_back_is_caught_by_an_older_checkpoint`).
//! - The verdict says which keys it believed and what it does not prove
//!   (`without_a_key_of_ones_own_the_verdict_says_so`); a witness whose key the bundle brings is
//!   none (`a_witness_that_the_bundle_brings_itself_proves_nothing`).
//! - A part of a record is as provable as the whole, of whatever size it is
//!   (`a_part_of_a_record_is_proven_like_the_whole`).
//! - A checkpoint that the directory of its cell does not list as the one head of its org, in an
//!   epoch that the log signed, is a fault (`each_kind_of_tampering_is_named`).
//! - What is late by its nature is told and is no fault
//!   (`outcomes_may_come_late_and_other_events_may_not`).
//! - Bytes of strangers are judged or refused, with bounds
//!   (`bytes_of_strangers_are_judged_or_refused`, `a_bomb_is_not_unpacked`).
//! - A receipt of an erasure is judged by its own key alone
//!   (`a_receipt_of_an_erasure_is_judged_by_its_own_key_alone`).
//! - A receipt of a call is judged like a bundle of one event
//!   (`every_character_of_a_receipt_counts`), also when a part of the event was erased
//!   (`a_receipt_of_an_event_that_was_erased_in_part_still_proves_the_rest`).
//! - A statement of residency is judged by its key, and by its own figures whatever it says of
//!   itself (`a_statement_of_residency_is_judged_by_its_key_and_by_its_own_figures`).
//! - The page comes to the same verdicts (`the_page_comes_to_the_same_verdicts`).

mod archive;
mod bundle;
mod check;
mod checkpoint;
mod command;
mod entries;
mod erasure;
mod fault;
mod hash;
mod instant;
mod key;
mod listed;
mod manifest;
mod name;
mod note;
mod opening;
mod order;
mod outside;
mod proof;
mod receipt;
mod residency;
mod ring;
mod tell;
mod tree;
mod unreadable;
mod verdict;

pub use check::{Options, check};
pub use command::{Args, FAULT, SOUND, UNREADABLE};
pub use erasure::{Erasure, erasure};
pub use fault::{Fault, FaultKind};
pub use key::{Algorithm, NotAKey, VerifierKey};
pub use listed::Listed;
pub use outside::{Agreement, Compared, Outside};
pub use receipt::{NotProven, Receipt, receipt};
pub use residency::{Residency, residency};
pub use ring::{Believed, Role, Signed};
pub use unreadable::Unreadable;
pub use verdict::{Completeness, Counts, Period, SignedCheckpoint, Verdict};

/// The page that verifies a bundle in a browser without a network: one file, for `verify.html`
/// of a bundle.
pub const PAGE: &str = include_str!("../page/verify.html");

/// Seconds that clocks may differ, unless the user says otherwise.
pub const SKEW_SECS: u64 = 5;
