//! `cargo xtask test`: checks the code, sets up what the tests need and runs them all.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::postgres::{self, Cluster};
use crate::shell::{self, Outcome, cargo, find, heading, note, progress};
use crate::tally::Tally;
use crate::{browser, clients, licences, redis, scripts, steps};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Skip formatting, lints, scripts, licences and the count of instructions.
    #[arg(long)]
    quick: bool,
    /// Lets 5 of 100 statements fail as a distributed PostgreSQL lets them fail (40001).
    #[arg(long)]
    injected: bool,
    /// Passed to the test runner (cargo nextest, else cargo test), to run some tests only.
    #[arg(last = true)]
    runner: Vec<String>,
}

type Environment = Vec<(&'static str, OsString)>;

/// Runs every section, also after one has failed, and closes with the count of tests.
pub(crate) fn run(options: &Options) -> bool {
    let mut failed: Vec<&str> = Vec::new();
    let mut section = |name: &'static str, work: &mut dyn FnMut() -> Outcome<()>| {
        heading(name);
        if let Err(why) = work() {
            note(&why);
            failed.push(name);
        }
    };
    let mut tally = Tally::default();
    // What is fetched mostly waits for others: meanwhile the lints are compiled.
    let world = thread::spawn(world);
    if !options.quick {
        section("format", &mut || shell::run(cargo().args(["fmt", "--all", "--check"])));
        section("lints", &mut || {
            let mut clippy = cargo();
            clippy.args(["clippy", "--quiet", "--workspace", "--all-targets"]);
            shell::run(clippy.args(["--", "-D", "warnings"]))
        });
    }
    let world = world.join().unwrap_or_else(|_| Err("setting up what tests need failed".into()));
    if !options.quick {
        section("scripts", &mut scripts::check);
        section("dependencies", &mut licences::check);
    }
    section("tests", &mut || tests(options, world.clone()?, &mut tally));
    if options.runner.is_empty() {
        section("examples in the documentation", &mut || {
            // The whole workspace: a part of it would be built anew, with other features.
            let mut test = cargo();
            test.args(["test", "--quiet", "--doc", "--workspace", "--no-fail-fast"]);
            listen_to_cargo_test(&mut test, &mut tally)
        });
    }
    if !options.quick && options.runner.is_empty() {
        section("instructions of inner steps", &mut steps::check);
    }
    if !failed.is_empty() {
        heading(&format!("failed: {}", failed.join(", ")));
    }
    println!("{tally}");
    failed.is_empty()
}

/// Installs what tests need of the world outside, and says where it is.
fn world() -> Outcome<Environment> {
    let mut environment: Environment = Vec::new();
    environment.extend(clients::environment()?.map(|(name, path)| (name, path.into())));
    environment.extend(browser::environment()?.map(|(name, path)| (name, path.into())));
    redis::installed()?;
    postgres::installed()?;
    Ok(environment)
}

/// Runs the tests in a world set up for them, and takes it down.
fn tests(options: &Options, mut environment: Environment, tally: &mut Tally) -> Outcome<()> {
    let arguments = &options.runner;
    if options.injected {
        environment.push(("PORTICO_INJECT_40001", "5".into()));
    }
    environment.push(("TEST_READY", ready()?.into()));
    progress("starting PostgreSQL");
    let cluster = Cluster::start()?;
    environment.extend(cluster.environment().map(|(name, url)| (name, url.into())));

    let has_nextest = find("cargo-nextest").is_some();
    let mut runner = if has_nextest { nextest() } else { cargo_test() };
    let names_packages = |argument: &String| {
        argument.starts_with("-p") || argument.split('=').next() == Some("--package")
    };
    if !arguments.iter().any(names_packages) {
        // Examples are compiled by the lints.
        runner.args(["--workspace", "--tests"]);
    }
    runner.args(arguments).envs(environment);
    let outcome = if has_nextest {
        watch_nextest(&mut runner, tally)
    } else {
        listen_to_cargo_test(&mut runner, tally)
    };
    drop(cluster);
    outcome
}

/// Where tests share files with all tables in them: empty, as the tables may be others now.
fn ready() -> Outcome<PathBuf> {
    let folder = shell::root().join("target/ready");
    let emptied = if folder.exists() { fs::remove_dir_all(&folder) } else { Ok(()) };
    let made = emptied.and_then(|()| fs::create_dir_all(&folder));
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn watch_nextest(runner: &mut Command, tally: &mut Tally) -> Outcome<()> {
    // The last such line is the runner's own; one before it was printed by a test.
    let mut summary = Tally::default();
    let outcome = shell::watch(runner, |line| {
        summary = Tally::of_nextest(line).unwrap_or(summary);
    });
    *tally += summary;
    outcome
}

fn listen_to_cargo_test(runner: &mut Command, tally: &mut Tally) -> Outcome<()> {
    shell::listen(runner, |line| *tally += Tally::of_cargo_test(line).unwrap_or_default())
}

fn nextest() -> Command {
    let mut nextest = cargo();
    nextest.args(["nextest", "run", "--no-fail-fast", "--no-tests=pass"]);
    // Tests often wait for what they began: three run while two compute. Whoever asks says more.
    if std::env::var_os("NEXTEST_TEST_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        nextest.env("NEXTEST_TEST_THREADS", (cores + cores.div_ceil(2)).to_string());
    }
    if shell::on_terminal() {
        nextest.args(["--color", "always"]);
    } else {
        nextest.args(["--cargo-quiet", "--status-level", "fail", "--final-status-level", "fail"]);
    }
    nextest
}

fn cargo_test() -> Command {
    let mut test = cargo();
    test.args(["test", "--no-fail-fast"]);
    if !shell::on_terminal() {
        test.arg("--quiet");
    }
    test
}
