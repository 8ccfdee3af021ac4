//! Finds the crates whose documentation holds examples that run.

use std::fs;
use std::path::Path;

use crate::sizes::{crates, rust_files};

/// The names of the libraries with at least one example.
pub(crate) fn crates_with_examples(root: &Path) -> Vec<String> {
    crates(root)
        .into_iter()
        .filter(|(_, folder)| folder.join("src/lib.rs").is_file())
        .filter(|(_, folder)| {
            rust_files(&folder.join("src"))
                .iter()
                .any(|file| fs::read_to_string(file).is_ok_and(|text| has_example(&text)))
        })
        .map(|(name, _)| name)
        .collect()
}

/// Does a doc comment open a block of Rust that is built?
fn has_example(text: &str) -> bool {
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(doc) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            continue;
        };
        let Some(fence) = doc.trim().strip_prefix("```") else { continue };
        if !inside && fence.split(',').all(|word| BUILT.contains(&word.trim())) {
            return true;
        }
        inside = !inside;
    }
    false
}

/// The words after a fence under which rustdoc builds the block.
const BUILT: [&str; 5] = ["", "rust", "should_panic", "no_run", "compile_fail"];

#[cfg(test)]
mod tests {
    use super::has_example;

    #[test]
    fn only_rust_in_doc_comments_counts() {
        assert!(has_example("/// ```\n/// let a = 1;\n/// ```"));
        assert!(has_example("//! ```rust,no_run\n//! ```"));
        assert!(has_example("/// ```compile_fail\n/// ```"));
        assert!(!has_example("/// ```text\n/// a drawing\n/// ```\nfn f() {}"));
        assert!(!has_example("let a = \"```\";"));
    }
}
