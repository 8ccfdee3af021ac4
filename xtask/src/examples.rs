//! Examples in the documentation: a crate that has none says so, for to look for them takes longer
//! than most tests.

use std::fs;

use crate::shell;
use crate::sizes::{crates, rust_files};

/// What a crate's manifest says that has none.
const NONE: &str = "doctest = false";

/// Marks of a block that rustdoc runs.
const RUN: [&str; 5] = ["rust", "no_run", "should_panic", "compile_fail", "ignore"];

/// The lines of Rust sources at which an example begins.
fn begins(text: &str) -> Vec<usize> {
    let (mut within, mut found) = (false, Vec::new());
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim_start();
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let Some(kind) = comment.and_then(|comment| comment.trim().strip_prefix("```")) else {
            continue;
        };
        within = !within;
        let mut marks = kind.split(',').map(str::trim);
        if within && marks.all(|mark| mark.is_empty() || RUN.contains(&mark)) {
            found.push(number);
        }
    }
    found
}

#[test]
fn an_example_is_told_from_a_picture() {
    let text = "/// ```\n/// f();\n/// ```\n//! ```text\n//! a -> b\n//! ```\n    /// ```no_run\n";
    assert_eq!(begins(text), [1, 7]);
}

#[test]
fn a_crate_whose_examples_are_not_run_has_none() {
    let (mut silent, mut examples) = (0, Vec::new());
    for (_, folder) in crates(&shell::root()) {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        if !manifest.contains(NONE) {
            continue;
        }
        silent += 1;
        for file in rust_files(&folder.join("src")) {
            let found = begins(&fs::read_to_string(&file).unwrap());
            examples.extend(found.into_iter().map(|line| format!("{}:{line}", file.display())));
        }
    }
    assert!(silent > 20, "{silent}");
    assert!(examples.is_empty(), "`{NONE}` must go where there are examples: {examples:?}");
}
