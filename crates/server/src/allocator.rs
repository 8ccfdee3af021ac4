//! The allocator, and how it gives memory back.

use std::ffi::OsStr;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many milliseconds mimalloc keeps pages that are free. It reads this once, before `main`.
const KEEPS: &str = "MIMALLOC_PURGE_DELAY";

/// Keeps a process that runs for long small: the program begins again, as the same process, with
/// an allocator that gives free pages back soon. Where the operator has set how long it keeps
/// them, or the program may not be run from here, it goes on as it is.
pub(crate) fn keep_small() {
    // Huge pages cost a node twice its memory; where the kernel does not know them, none.
    #[cfg(target_os = "linux")]
    let _refused = rustix::thread::disable_transparent_huge_pages(true);
    #[cfg(unix)]
    if std::env::var_os(KEEPS).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt as _;
        let mut arguments = std::env::args_os();
        let mut again = std::process::Command::new(program);
        again.arg0(arguments.next().as_deref().unwrap_or(OsStr::new("portico")));
        let _refused = again.args(arguments).env(KEEPS, "10").exec();
    }
}
