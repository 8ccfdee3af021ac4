//! The official `openai` clients for Python and Node, as their users install them, and the
//! identity providers that browsers sign in at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Outcome, find, progress};

/// The oldest Node that runs all of it: the `OpenID` provider wants it.
const NODE_MAJOR_MIN: u32 = 20;

/// Where the tests find the clients.
pub(crate) fn environment() -> Outcome<[(&'static str, PathBuf); 2]> {
    Ok([("PORTICO_TEST_PYTHON", python()?), ("PORTICO_TEST_NODE_DIR", node()?)])
}

/// A virtual environment with what `tests-clients/requirements.txt` pins.
fn python() -> Outcome<PathBuf> {
    let explained = |why| format!("Python client: python3 with venv and pip: {why}");
    if find("python3").is_none() {
        shell::install(&["python3", "python3-venv"]).map_err(explained)?;
    }
    let requirements = shell::root().join("tests-clients/requirements.txt");
    let folder = shell::root().join(".tools/python");
    let python = folder.join("bin/python");
    let version = shell::read(Command::new("python3").arg("--version"))?;
    let stamp = Stamp::of(&folder, version, &[&requirements])?;
    if stamp.holds() {
        return Ok(python);
    }
    progress("installing the Python client");
    let venv = || {
        let mut venv = Command::new("python3");
        shell::read(venv.args(["-m", "venv", "--clear"]).arg(&folder))
    };
    if venv().is_err() {
        // Debian's python3 comes without it.
        shell::install(&["python3-venv"]).map_err(explained)?;
        venv()?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    shell::read(pip.arg(&requirements))?;
    stamp.leave()?;
    Ok(python)
}

/// The folder whose `node_modules` holds what `tests-clients/package-lock.json` pins, and
/// whose `idp` holds the identity providers with theirs.
pub(crate) fn node() -> Outcome<PathBuf> {
    let explained = |why| format!("Node client: node {NODE_MAJOR_MIN} or newer, with npm: {why}");
    if find("node").is_none() || find("npm").is_none() {
        shell::install(&["nodejs", "npm"]).map_err(explained)?;
    }
    let version = shell::read(Command::new("node").arg("--version"))?;
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|major| major < NODE_MAJOR_MIN) {
        return Err(explained(format!("this is {version}")));
    }
    let folder = shell::root().join("tests-clients");
    from_npm(&folder, &version, "what tests take from npm")?;
    from_npm(&folder.join("idp"), &version, "identity providers for tests")?;
    Ok(folder)
}

/// Installs what the folder's `package-lock.json` pins, unless it is there.
fn from_npm(folder: &Path, version: &str, what: &str) -> Outcome<()> {
    let manifests = [&*folder.join("package.json"), &*folder.join("package-lock.json")];
    let stamp = Stamp::of(&folder.join("node_modules"), version.to_owned(), &manifests)?;
    if !stamp.holds() {
        progress(&format!("installing {what}"));
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        shell::read(&mut npm)?;
        stamp.leave()?;
    }
    Ok(())
}

/// Says from which manifests a folder was made, so that it is made once.
struct Stamp {
    file: PathBuf,
    content: String,
}

impl Stamp {
    fn of(folder: &Path, version: String, manifests: &[&Path]) -> Outcome<Self> {
        let mut content = version;
        for manifest in manifests {
            let text = fs::read_to_string(manifest);
            let text = text.map_err(|error| format!("{}: {error}", manifest.display()))?;
            content.push('\n');
            content.push_str(&text);
        }
        Ok(Self { file: folder.join(".portico-stamp"), content })
    }

    fn holds(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|content| content == self.content)
    }

    fn leave(&self) -> Outcome<()> {
        fs::write(&self.file, &self.content)
            .map_err(|error| format!("{}: {error}", self.file.display()))
    }
}
