//! `cargo xtask faults`: what Portico stands on is broken under load, scenario by scenario.

use std::process::Command;

use crate::release;
use crate::shell::{self, cargo, note, progress};

/// What to break.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// `rolling`, `kills`, `limits`, `directory`, `database`, `redis`, `provider`, `disk`,
    /// `hostile`, `failover`; all of them if none is named, which takes about an hour and a half.
    scenarios: Vec<String>,
    /// A form of each that takes about a minute.
    #[arg(long)]
    short: bool,
    /// Try a debug build, which is made sooner; times then say little.
    #[arg(long)]
    debug: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write `docs/faults.md` and its pictures.
    #[arg(long)]
    write: bool,
    /// Passed to `bench/faults/run.py`: `--times 50`, `--without-watchdog`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds the product and what it is tried with, and runs the scenarios; false if one missed its bar.
pub(crate) fn run(options: &Options) -> bool {
    let root = shell::root();
    let optimised: &[&str] = if options.debug { &[] } else { &["--release"] };
    let build = if options.debug { "debug" } else { "release" };
    progress("building");
    let tried = shell::run(cargo().args(["build", "--package", "server"]).args(optimised))
        .and_then(|()| release::programs(build))
        .and_then(|tools| {
            let mut python = Command::new("python3");
            python.arg(root.join("bench/faults/run.py")).args(&options.scenarios);
            python.arg("--program").arg(root.join("target").join(build).join("portico"));
            python.arg("--tools").arg(tools);
            python.args(["--build", build, "--keep"]).arg(root.join("target/faults"));
            for (given, flag) in [(options.short, "--short"), (options.json, "--json")] {
                if given {
                    python.arg(flag);
                }
            }
            if options.write {
                python.arg("--page").arg(root.join("docs/faults.md"));
            }
            shell::show(python.args(&options.more))
        });
    if let Err(why) = &tried {
        note(why);
    }
    tried.is_ok()
}
