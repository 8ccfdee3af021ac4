//! A witness of transparency logs, as C2SP `tlog-witness` says: what a customer runs so that
//! nobody can show one record to them and another to somebody else; and the client by which a
//! node asks such witnesses.
//!
//! A witness remembers one head of each log that it was told to watch. It signs a checkpoint
//! only if a proof shows that it continues that head, and only after it has the new one on
//! disk. It knows nothing of what the logs hold.
//!
//! # What this room promises
//!
//! - A checkpoint is cosigned with Ed25519 and with ML-DSA-44 if it continues the head, and
//!   otherwise refused with the status of the specification
//!   (`a_log_that_grows_is_cosigned_at_each_size_by_both_keys`,
//!   `each_refusal_has_the_status_of_the_specification`).
//! - What was signed is on disk before it is answered, whole; a restart goes on from there, and
//!   what a crash left half written counts for nothing
//!   (`a_restart_remembers_every_head_and_the_same_keys`, `a_head_that_cannot_be_kept_is_not_cosigned`).
//! - Of requests at once for one log those are cosigned that continue each other, and no two of
//!   one size differ (`of_two_faces_shown_at_once_one_is_cosigned`).
//! - A fork, a rollback and a checkpoint that nobody can prove are refused and kept, each once,
//!   in a bounded number; whoever does not have the log's key fills nothing
//!   (`a_fork_is_refused_and_kept_as_evidence`, `a_rollback_is_refused_and_kept_as_evidence`,
//!   `evidence_is_bounded_and_each_piece_is_kept_once`, `strangers_leave_no_evidence`).
//! - Times of cosignatures never go back; a clock that does is refused
//!   (`a_clock_that_goes_back_signs_nothing`).
//! - It does not start with keys but without their memory, with a damaged head, or twice on one
//!   folder (`a_witness_that_lost_its_memory_does_not_start`, `one_folder_has_one_witness`).
//! - A node believes the keys that it was given, retries once, and is told by name why it has no
//!   cosignature (`a_node_is_cosigned_though_it_does_not_know_the_size`,
//!   `a_node_is_told_why_it_is_not_cosigned`, `a_witness_that_misbehaves_is_not_believed`).

mod api;
mod client;
mod config;
mod contradiction;
mod durable;
mod error;
mod evidence;
mod keys;
mod memory;
mod page;
mod room;
mod serve;
mod telemetry;
mod watched;

pub use client::{Client, Cosignature, Unwitnessed};
pub use config::{BadConfig, Config, LogConfig};
pub use error::Error;
pub use room::Witness;
pub use serve::{Serving, run};

/// The verifier keys of the witness of this configuration, one of each algorithm: what its
/// logs and their readers must know. Makes the keys if there are none yet.
pub fn verifiers(config: &Config) -> Result<Vec<tlog::Verifier>, Error> {
    let sound = config.check().map_err(Error::Config)?;
    let keys = match keys::Keys::read(&config.data, &sound.name)? {
        Some(keys) => keys,
        None => room::Folder::open(&config.data, &sound.name)?.keys,
    };
    Ok(keys.verifiers)
}
