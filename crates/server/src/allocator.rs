//! The allocator, and how it gives memory back.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many milliseconds mimalloc keeps pages that are free. It reads this once, before `main`.
const KEEPS: &str = "MIMALLOC_PURGE_DELAY";

/// Keeps a process that runs for long small: the program begins again, as the same process, with
/// an allocator that gives free pages back soon. Where the operator has set how long it keeps
/// them, or the program may not be run from here, it goes on as it is. A begin that failed leaves
/// SIGPIPE as it is by default: see [`outlive_callers`].
pub(crate) fn keep_small() {
    // Huge pages cost a node twice its memory; where the kernel does not know them, none.
    #[cfg(target_os = "linux")]
    let _refused = rustix::thread::disable_transparent_huge_pages(true);
    if !is_kept_small()
        && let Ok(program) = std::env::current_exe()
        && let Some(name) = std::env::args_os().next()
        // Another name is that of whoever loads it.
        && Path::new(&name).file_name() == program.file_name()
    {
        let mut again = Command::new(program);
        again.arg0(name).args(std::env::args_os().skip(1)).env(KEEPS, "10");
        let _refused = again.exec();
    }
}

/// Whether somebody said how long it keeps what is free.
pub(crate) fn is_kept_small() -> bool {
    std::env::var_os(KEEPS).is_some()
}

/// A caller that hangs up ends no process, whatever SIGPIPE did before. Within a runtime.
pub(crate) fn outlive_callers() -> std::io::Result<()> {
    // Once heard it is heard for good.
    signal(SignalKind::pipe()).map(drop)
}
