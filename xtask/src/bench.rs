//! `cargo xtask bench`: what a call costs, beside a bare proxy and peers.

use std::process::Command;

use crate::release;
use crate::shell::{self, Outcome, cargo, note};

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
    let measured = measured(options);
    if let Err(why) = &measured {
        note(why);
    }
    measured.is_ok()
}

fn measured(options: &Options) -> Outcome<()> {
    let root = shell::root();
    let program = release::build()?;
    let mut python = Command::new("python3");
    let script = if options.many { "many.py" } else { "measure.py" };
    python
        .arg(root.join("bench/speed").join(script))
        .arg(program)
        .arg(release::programs("release")?);
    if options.many {
        let mut orgs = cargo();
        shell::run(orgs.args(["build", "--release", "--package", "server", "--example", "orgs"]))?;
        python.arg(root.join("target/release/examples/orgs"));
    }
    if options.json {
        python.arg("--json");
    }
    if options.write {
        python.arg("--page").arg(root.join("docs/performance.md"));
    }
    shell::show(python.args(&options.more))
}
