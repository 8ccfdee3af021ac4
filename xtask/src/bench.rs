//! `cargo xtask bench`: what a call costs, beside a bare proxy and peers.

use std::process::Command;

use crate::shell::{self, cargo, note, progress};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Measure whether it matters how many organizations there are, in place of peers.
    #[arg(long)]
    many: bool,
    /// Write `docs/performance.md` and its picture.
    #[arg(long)]
    write: bool,
    /// Passed to `bench/speed/measure.py`: `--rounds 5`, `--without litellm`; or to `many.py`:
    /// `--orgs 1 1000`, `--soak 1000000`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds the product and what it is measured with, and measures.
pub(crate) fn run(options: &Options) -> bool {
    let root = shell::root();
    let bench = root.join("bench/speed");
    progress("building");
    let mut server = cargo();
    server.args(["build", "--release", "--package", "server", "--bin", "portico"]);
    if options.many {
        server.args(["--example", "orgs"]);
    }
    let measured = shell::run(&mut server)
        .and_then(|()| {
            let mut programs = cargo();
            programs.args(["build", "--release", "--quiet", "--manifest-path"]);
            shell::run(programs.arg(bench.join("Cargo.toml")))
        })
        .and_then(|()| {
            let mut python = Command::new("python3");
            python.arg(bench.join(if options.many { "many.py" } else { "measure.py" }));
            python.arg(root.join("target/release/portico")).arg(bench.join("target/release"));
            if options.many {
                python.arg(root.join("target/release/examples/orgs"));
            }
            if options.json {
                python.arg("--json");
            }
            if options.write {
                python.arg("--page").arg(root.join("docs/performance.md"));
            }
            shell::show(python.args(&options.more))
        });
    if let Err(why) = &measured {
        note(why);
    }
    measured.is_ok()
}
