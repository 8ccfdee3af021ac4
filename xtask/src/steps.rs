//! `cargo xtask steps`: what the inner steps of a call take, in time or in instructions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::baseline::{self, Counts};
use crate::shell::{self, Outcome, cargo, find, note, progress};

/// Where counting begins and ends in `bench/steps/benches/count.rs`.
const FROM_TO: [&str; 2] = ["--zero-before=count::counted*", "--dump-before=count::told*"];

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Count instructions instead and hold them to the baseline, as CI does.
    #[arg(long)]
    count: bool,
    /// Write the baseline.
    #[arg(long, requires = "count")]
    write: bool,
    /// Print JSON, and compare with nothing.
    #[arg(long, requires = "count", conflicts_with = "write")]
    json: bool,
    /// Passed to criterion: `--quick`, a part of a name.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Times the steps, or counts them.
pub(crate) fn run(options: &Options) -> bool {
    let outcome = if options.count { counted(options) } else { timed(&options.more) };
    if let Err(why) = &outcome {
        note(why);
    }
    outcome.is_ok()
}

fn timed(more: &[String]) -> Outcome<()> {
    let mut bench = cargo();
    bench.args(["bench", "--quiet", "--package", "steps", "--bench", "time", "--"]);
    shell::show(bench.args(more))
}

fn counted(options: &Options) -> Outcome<()> {
    let counts = count()?;
    if options.json {
        let pairs: Vec<_> =
            counts.iter().map(|(step, count)| format!("  {step:?}: {count}")).collect();
        println!("{{\n{}\n}}", pairs.join(",\n"));
        return Ok(());
    }
    for (step, count) in &counts {
        note(&baseline::line(step, *count));
    }
    if options.write { baseline::write(&counts) } else { baseline::hold(&counts) }
}

/// Counts every step and holds it to the baseline.
pub(crate) fn check() -> Outcome<()> {
    baseline::hold(&count()?)
}

/// Builds the steps and runs them under callgrind.
fn count() -> Outcome<Counts> {
    if find("valgrind").is_none() {
        shell::install(&["valgrind"]).map_err(|why| format!("valgrind: {why}"))?;
    }
    let root = shell::root();
    let folder = root.join("target/steps");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    let dumps = format!("--callgrind-out-file={}/dump", folder.display());
    let [from, to] = FROM_TO;
    let valgrind = ["valgrind", "--quiet", "--tool=callgrind", from, to, &dumps];
    progress("building and counting");
    let mut steps = cargo();
    // The whole workspace, as for the tests: libraries of others are theirs, already built.
    steps.args(["test", "--quiet", "--workspace", "--bench", "count", "--config"]);
    steps.arg(root.join("bench/steps/optimised.toml")).arg("--config");
    steps.arg(format!("target.'cfg(all())'.runner = {valgrind:?}"));
    // Of one piece each, so that what is inlined does not depend on what else a crate holds.
    quartiles(&shell::read(steps.env("CARGO_INCREMENTAL", "0").env("TMPDIR", &folder))?, &folder)
}

/// The instructions of each step: the lower quartile of its rounds, as in some of them what was
/// committed is moved into the database's file, or a timer is due.
fn quartiles(said: &str, folder: &Path) -> Outcome<Counts> {
    let mut rounds = BTreeMap::<String, Vec<u64>>::new();
    let said = said.lines().filter_map(|line| line.split_once('\t'));
    for (number, (step, times)) in said.enumerate() {
        let file = folder.join(format!("dump.{}", number + 1));
        let wrong = || format!("{} says nothing of {step}", file.display());
        let dump = fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
        let total = dump.lines().find_map(|line| line.strip_prefix("totals: "));
        let total: u64 = total.and_then(|total| total.trim().parse().ok()).ok_or_else(wrong)?;
        let times: u64 = times.parse().map_err(|_| wrong())?;
        rounds.entry(step.to_owned()).or_default().push(total / times.max(1));
    }
    let quartile = |(step, mut counts): (String, Vec<u64>)| {
        counts.sort_unstable();
        let lower = counts.get(counts.len() / 4).copied().unwrap_or_default();
        (step, lower)
    };
    if rounds.is_empty() {
        return Err("no step was counted".to_owned());
    }
    Ok(rounds.into_iter().map(quartile).collect())
}
