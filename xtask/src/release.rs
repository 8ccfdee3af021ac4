//! `cargo xtask release`: the program for production. What runs of it lies in one place, so
//! that a node has that in memory and not the rest: see decision 16.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Outcome, cargo, find, note, progress};
use crate::{postgres, redis};

/// What watches which functions run, and what asks meanwhile.
const NEEDED: [&str; 2] = ["valgrind", "wrk"];

/// Builds it, and says where it is.
pub(crate) fn run() -> bool {
    let built = build();
    match &built {
        Ok(program) => note(&program.display().to_string()),
        Err(why) => note(why),
    }
    built.is_ok()
}

/// Builds it, watches which functions run, and links it anew in that order.
pub(crate) fn build() -> Outcome<PathBuf> {
    let folder = shell::root().join("target/release");
    let program = folder.join("portico");
    // Another linker knows no such order.
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        progress("building; what runs is put in order only on Linux on x86-64");
        link(&[])?;
        return Ok(program);
    }
    for name in NEEDED {
        if find(name).is_none() {
            shell::install(&[name]).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    redis::installed()?;
    postgres::installed()?;
    progress("building");
    link(&["-C", "strip=none"])?;
    let (bench, order) = (programs("release")?, folder.join("portico.order"));
    progress("watching what runs");
    let mut ran = Command::new("python3");
    ran.arg(shell::root().join("bench/speed/ran.py")).args([&program, &bench, &order]);
    shell::run(&mut ran)?;
    progress("linking it in that order");
    let ordered = format!("link-arg=-Wl,--symbol-ordering-file={}", order.display());
    link(&["-C", &ordered, "-C", "link-arg=-Wl,--no-warn-symbol-ordering"])?;
    Ok(program)
}

/// Builds what Portico is measured and tried with, `release` or `debug`, and says where it is.
pub(crate) fn programs(build: &str) -> Outcome<PathBuf> {
    let bench = shell::root().join("bench/speed");
    let mut programs = cargo();
    programs.args(["build", "--quiet", "--manifest-path"]).arg(bench.join("Cargo.toml"));
    if build == "release" {
        programs.arg("--release");
    }
    shell::run(&mut programs)?;
    Ok(bench.join("target").join(build))
}

/// Builds the program, with these words for the compiler of its last crate.
fn link(words: &[&str]) -> Outcome<()> {
    let mut server = cargo();
    server.args(["rustc", "--release", "--package", "server", "--bin", "portico", "--"]);
    shell::run(server.args(words))
}
