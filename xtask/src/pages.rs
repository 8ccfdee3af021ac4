//! `cargo xtask pages`: how long each page of the console takes in a large org.

use std::process::Command;

use crate::shell::{self, cargo, note, progress};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Passed to `bench/pages/measure.py`: `--events 100000`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds the product and measures it.
pub(crate) fn run(options: &Options) -> bool {
    let root = shell::root();
    progress("building");
    let measured = shell::run(cargo().args(["build", "--release", "--package", "server"]))
        .and_then(|()| {
            let mut python = Command::new("python3");
            python
                .arg(root.join("bench/pages/measure.py"))
                .arg(root.join("target/release/portico"));
            if options.json {
                python.arg("--json");
            }
            shell::show(python.args(&options.more))
        });
    if let Err(why) = &measured {
        note(why);
    }
    measured.is_ok()
}
