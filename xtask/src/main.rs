//! `cargo xtask`: what a developer and CI run. It sets up what the tests need, then runs them.
#![expect(clippy::print_stdout, reason = "a developer's command: its output is for the terminal")]

mod baseline;
mod bench;
mod browser;
mod clients;
#[cfg(test)]
mod examples;
mod faults;
mod licences;
mod pages;
mod postgres;
mod redis;
mod release;
mod scripts;
mod shell;
mod sizes;
mod steps;
mod tally;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Work on Portico.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check the code and run all tests, with a throwaway PostgreSQL, the official clients and
    /// a browser.
    Test(test::Options),
    /// Measure what a call costs, beside a bare proxy and peers.
    Bench(bench::Options),
    /// Time the inner steps of a call, or count their instructions and hold them to a baseline.
    Steps(steps::Options),
    /// Build the program for production: what runs of it lies in one place.
    Release,
    /// Break what Portico stands on, under load, and hold what was measured to its bars.
    Faults(faults::Options),
    /// Time every page of the console in an org of 10,000 patterns, 1,000 members and
    /// 1,000,000 events.
    Pages(pages::Options),
    /// Count the lines of each crate.
    Sizes {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let passed = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Steps(options) => steps::run(&options),
        Task::Release => release::run(),
        Task::Faults(options) => faults::run(&options),
        Task::Pages(options) => pages::run(&options),
        Task::Sizes { json } => {
            sizes::run(json);
            true
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
