//! Rules of the house that the compiler cannot check.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod arrows;
mod files;
mod kept;
mod statements;

use std::path::{Path, PathBuf};

/// `crates/`.
fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/").to_owned()
}

/// Every file below a folder that ends so, with its text.
fn files(folder: &Path, end: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            let text = std::fs::read_to_string(&path).expect("text");
            found.push((path, text));
        }
    }
    found
}
