//! The binary `portico`: reads the configuration, opens the rooms, serves.
//!
//! # What the whole promises
//!
//! - Every answer that a caller got to its last byte has its event, after any crash:
//!   `kill_nine_loses_no_acknowledged_event`.
//! - Two orgs cannot see, name or count each other's data by any route:
//!   `two_orgs_never_see_each_other_by_any_route`.
//! - Every route refuses strangers, and those without its permission:
//!   `every_route_refuses_strangers_and_the_least_role`.
//! - Every route that writes leaves an event: `every_writing_route_leaves_an_event`.
//! - Who was erased after a backup is not brought back by it, and the record goes on where its
//!   published log ends: `whoever_was_erased_after_a_backup_is_not_brought_back_by_it`.
//! - A backup under load holds every event that was acknowledged before it began, and PostgreSQL
//!   recovers to a moment behind it: `postgresql_recovers_to_a_moment_behind_its_backup`.
//! - An org moves between regions by two orders, while it is used; its record goes on in one tree,
//!   and what it left is erased: `an_owner_orders_and_the_operator_moves_under_load`; wherever it is
//!   cut off: `a_move_that_is_cut_off_anywhere_is_gone_on_with_and_loses_nothing`; given up:
//!   `a_move_that_is_given_up_leaves_the_target_clean`, beside one that goes on:
//!   `giving_up_erases_nothing_of_an_org_that_moves_at_that_moment`. No table is forgotten:
//!   `every_table_moves_with_its_org_or_says_why_it_stays`.
//! - A node that starts while its databases are away waits with its doors open:
//!   `a_node_that_starts_without_its_databases_says_so_and_goes_on_when_they_are_back`; calls of orgs
//!   that chose the journal go on from a snapshot:
//!   `a_node_that_starts_without_its_databases_goes_on_by_the_journal_from_its_snapshot`, which nobody
//!   alters unseen: `a_snapshot_that_was_altered_or_is_too_old_is_not_used_and_the_log_says_so`, and
//!   of which none that lets in a revoked key is left when a new one cannot be written:
//!   `what_changed_and_cannot_be_written_leaves_no_snapshot_without_it`.
//! - Whoever takes nothing of an answer keeps no other one out, and who reads slowly is not cut off:
//!   `a_caller_that_takes_nothing_of_its_answer_gives_its_place_to_the_next`,
//!   `a_caller_that_reads_slowly_is_not_cut_off`.
//! - In production nothing is acknowledged that is on one machine alone:
//!   `production_does_not_start_without_a_synchronous_standby`.

mod allocator;
mod answering;
mod backup;
mod classes;
mod commands;
mod config;
mod console;
mod counters;
mod demo;
mod directory_search;
mod door;
mod entrance;
mod heeds;
mod idempotency;
mod lock;
mod log;
mod mail;
mod moves;
mod openapi;
mod ops;
mod outage;
mod outbound;
mod permits;
mod reload;
mod sealing;
mod serve;
mod standbys;
mod storage;
mod telemetry;
mod traces;
mod wire;
mod witnesses;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let command = commands::Command::parse();
    if command.stays() {
        allocator::keep_small();
    }
    match command.run() {
        Ok(code) => code,
        Err(error) => {
            commands::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
