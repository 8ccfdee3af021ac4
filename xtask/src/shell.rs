//! Running other programs: shown on a terminal, silent in a pipe unless they fail.

use std::env;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// What went wrong, in one line.
pub(crate) type Outcome<T> = Result<T, String>;

/// Is a person watching?
pub(crate) fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Starts a section of the output.
pub(crate) fn heading(text: &str) {
    println!("== {text}");
}

/// Says something about the section that a reader must know.
pub(crate) fn note(text: &str) {
    println!("   {text}");
}

/// Says what is going on, to a person who waits for it.
pub(crate) fn progress(text: &str) {
    if on_terminal() {
        note(text);
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The cargo that started us, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// The program as one would type it, for messages.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let line: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    line.join(" ").lines().next().unwrap_or_default().to_owned()
}

/// Runs to the end. On a terminal its output is seen as it comes, in a pipe only if it fails.
pub(crate) fn run(command: &mut Command) -> Outcome<()> {
    if on_terminal() {
        return show(command);
    }
    listen(command, |_| {})
}

/// Runs to the end, showing each line of its output to `see`. On a terminal the output is passed
/// on as it comes, in a pipe only if it fails.
pub(crate) fn listen(command: &mut Command, mut see: impl FnMut(&str)) -> Outcome<()> {
    if on_terminal() {
        return watch(command, see);
    }
    let (passed, output) = attempt(command)?;
    output.lines().for_each(&mut see);
    if passed {
        return Ok(());
    }
    println!("{}", output.trim_end());
    Err(format!("{} failed", name(command)))
}

/// Runs to the end; what it prints was asked for, and is seen in a pipe too.
pub(crate) fn show(command: &mut Command) -> Outcome<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", name(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", name(command))) }
}

/// Runs to the end and returns what it printed; an error holds what it said.
pub(crate) fn read(command: &mut Command) -> Outcome<String> {
    match attempt(command)? {
        (true, output) => Ok(output.trim().to_owned()),
        (false, output) => Err(format!("{} failed: {}", name(command), output.trim())),
    }
}

/// Runs to the end: whether it succeeded, and all it printed.
pub(crate) fn attempt(command: &mut Command) -> Outcome<(bool, String)> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", name(command)))?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// Runs to the end, passing its output on line by line and showing each line to `see`.
pub(crate) fn watch(command: &mut Command, mut see: impl FnMut(&str)) -> Outcome<()> {
    let failed = |error| format!("{}: {error}", name(command));
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let also = writer.try_clone().map_err(failed)?;
    let what = name(command);
    let mut child =
        command.stdout(writer).stderr(also).spawn().map_err(|error| format!("{what}: {error}"))?;
    // The command still holds the writing end; the pipe would never close.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut lines = BufReader::new(reader);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // A closed terminal is no reason to leave the tests running unwatched.
        let _ = std::io::stdout().write_all(&line);
        see(&plain(&String::from_utf8_lossy(&line)));
        line.clear();
    }
    let status = child.wait().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed")) }
}

/// The text without the colours of a terminal.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

/// Finds a program on the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Are we root?
pub(crate) fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Installs Debian packages when we may, else says what to install.
pub(crate) fn install(packages: &[&str]) -> Outcome<()> {
    static LISTS_ARE_FRESH: AtomicBool = AtomicBool::new(false);
    let wanted = packages.join(" ");
    if !is_root() || find("apt-get").is_none() {
        return Err(format!("not found: install it first (on Debian: apt-get install {wanted})"));
    }
    progress(&format!("installing {wanted}"));
    if !LISTS_ARE_FRESH.swap(true, Ordering::Relaxed) {
        read(Command::new("apt-get").args(["update", "-qq"]))?;
    }
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    read(&mut apt).map(drop)
}
