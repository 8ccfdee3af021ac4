//! What a node keeps of the machine's memory.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::portico::{Extra, Portico};

/// What the system says of its process.
fn said(portico: &Portico, what: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{}/{what}", portico.process())).expect("reads");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_node_gives_memory_back_soon_after_it_is_free() {
    let mut portico = Portico::with(Extra::default());
    portico.serve().await;
    // It began again as the same process, with what its allocator reads before anything else.
    let environment = said(&portico, "environ");
    assert!(environment.split('\0').any(|one| one == "MIMALLOC_PURGE_DELAY=10"));
    let arguments = said(&portico, "cmdline");
    let arguments: Vec<_> = arguments.split('\0').collect();
    let config = portico.config().display().to_string();
    assert_eq!(
        arguments,
        [env!("CARGO_BIN_EXE_portico"), "serve", "--config", config.as_str(), ""]
    );
    assert!(portico.terminate());
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_no_node_that_may_not_begin_again() {
    let mut portico = Portico::with(Extra::default());
    let environment = full(&portico.config());
    portico.serve_in(&environment).await;
    assert!(!said(&portico, "environ").contains("MIMALLOC"), "there was no room for it");
    let status = said(&portico, "status");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("hexadecimal");
    // SIGPIPE is the thirteenth.
    assert_eq!(caught >> 12 & 1, 1, "writing to whoever has left would end it: {status}");
    assert!(portico.log().contains("may not begin again"), "{}", portico.log());
    assert!(portico.terminate());
}

/// An environment that leaves no room for one more word.
fn full(config: &Path) -> Vec<(String, String)> {
    let runs = |words: &[(String, String)]| {
        let mut version = Command::new(env!("CARGO_BIN_EXE_portico"));
        version.args(["--version", "serve", "--config"]).arg(config).stdout(Stdio::null());
        version.env_clear().envs(words.iter().cloned()).status().is_ok()
    };
    let mut words = vec![("PORTICO_FAKE".to_owned(), "sk-fake".to_owned())];
    let mut length = 100_000;
    while length > 0 {
        words.push((format!("W{}", words.len()), "x".repeat(length)));
        if !runs(&words) {
            words.pop();
            length /= 2;
        }
    }
    words
}
