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
//! - In production nothing is acknowledged that is on one machine alone:
//!   `production_does_not_start_without_a_synchronous_standby`.

mod answering;
mod classes;
mod commands;
mod config;
mod console;
mod counters;
mod demo;
mod directory_search;
mod door;
mod heeds;
mod idempotency;
mod lock;
mod log;
mod mail;
mod openapi;
mod ops;
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

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::Command::parse().run() {
        Ok(code) => code,
        Err(error) => {
            commands::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
