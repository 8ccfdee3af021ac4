//! `cargo deny`: which dependencies may come in, held to `deny.toml`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Outcome, find, note};

/// The version that CI installs, not optimised: it looks at one project for a second.
const VERSION: &str = "0.20.2";

/// Checks bans, licences and sources, and known vulnerabilities where their database is reached.
pub(crate) fn check() -> Outcome<()> {
    let Some(deny) = tool()? else {
        note("not checked: cargo-deny is not installed (cargo install cargo-deny --locked)");
        return Ok(());
    };
    let check = |what: &[&str]| {
        let mut command = Command::new(&deny);
        command.current_dir(shell::root()).args(["--log-level", "error", "check"]);
        command.arg("--hide-inclusion-graph").args(what);
        command
    };
    shell::run(&mut check(&["bans", "licenses", "sources"]))?;
    let (passed, output) = shell::attempt(&mut check(&["advisories"]))?;
    if passed {
        return Ok(());
    }
    if output.contains("failed to fetch advisory database") {
        note("advisories not checked: their database cannot be reached from here");
        return Ok(());
    }
    println!("{}", output.trim_end());
    Err("cargo deny check advisories failed".to_owned())
}

/// The program, if it is here; CI installs it.
fn tool() -> Outcome<Option<PathBuf>> {
    let folder = shell::root().join(".tools/cargo");
    let own = folder.join("bin/cargo-deny");
    if own.is_file() {
        return Ok(Some(own));
    }
    if let Some(installed) = find("cargo-deny") {
        return Ok(Some(installed));
    }
    if env::var_os("CI").is_none_or(|ci| ci != "true") {
        return Ok(None);
    }
    let mut install = shell::cargo();
    install.args(["install", "cargo-deny", "--locked", "--quiet", "--version", VERSION, "--debug"]);
    shell::run(install.arg("--root").arg(folder).env("CARGO_PROFILE_DEV_DEBUG", "0"))?;
    Ok(Some(own))
}
