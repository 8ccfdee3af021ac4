//! The console's scripts, held to the types that their comments give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clients;
use crate::shell::{self, Outcome};
use crate::sizes::crates;

/// Libraries of others, embedded as they come.
const VENDORED: &str = "htmx";

/// Each script is a module of its own, in what browsers of 2022 understand.
const OPTIONS: &str = "--noEmit --allowJs --checkJs --strict --noFallthroughCasesInSwitch \
     --target es2022 --module es2022 --moduleResolution bundler --moduleDetection force \
     --lib dom,es2022";

/// Checks every script of ours.
pub(crate) fn check() -> Outcome<()> {
    let scripts = scripts(&shell::root());
    if scripts.is_empty() {
        return Ok(());
    }
    let compiler = clients::node()?.join("node_modules/.bin/tsc");
    let mut tsc = Command::new(compiler);
    shell::run(tsc.current_dir(shell::root()).args(OPTIONS.split_whitespace()).args(scripts))
}

/// The scripts that the crates embed, but for what others wrote.
fn scripts(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = crates(root)
        .into_iter()
        .filter_map(|(_, folder)| fs::read_dir(folder.join("assets")).ok())
        .flat_map(|assets| assets.flatten().map(|asset| asset.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| !name.starts_with(VENDORED))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::scripts;
    use crate::shell;

    #[test]
    fn our_scripts_are_checked_and_those_of_others_are_not() {
        let scripts = scripts(&shell::root());
        assert!(scripts.iter().any(|path| path.ends_with("base/assets/app.js")), "{scripts:?}");
        assert!(!scripts.iter().any(|path| path.ends_with("htmx.min.js")), "{scripts:?}");
    }
}
