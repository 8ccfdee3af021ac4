//! Names and sizes of files.

use crate::{crates, files};

/// Names that say nothing.
const FORBIDDEN: [&str; 6] =
    ["utils.rs", "helpers.rs", "common.rs", "misc.rs", "types.rs", "prelude.rs"];
/// Lines of a file at most; test data aside.
const LINES_MAX: usize = 400;

#[test]
fn files_are_small_and_their_names_say_something() {
    for (path, text) in files(&crates(), ".rs") {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!FORBIDDEN.contains(&name.as_str()), "{}", path.display());
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_promise_of_a_room_names_a_test_that_exists() {
    let sources = files(&crates(), ".rs");
    let all: String = sources.iter().map(|(_, text)| text.as_str()).collect();
    for (path, text) in &sources {
        if !path.ends_with("src/lib.rs") && !path.ends_with("src/main.rs") {
            continue;
        }
        let Some(promises) = text.split("promises\n").nth(1) else { continue };
        let promises: String =
            promises.lines().take_while(|line| line.starts_with("//!")).collect();
        let named = promises.split('`').skip(1).step_by(2).filter(|name| {
            name.matches('_').count() >= 3 && name.chars().all(|c| c == '_' || c.is_alphanumeric())
        });
        let mut count = 0;
        for name in named {
            count += 1;
            let test = format!("fn {name}(");
            assert!(all.contains(&test), "{} names `{name}`", path.display());
        }
        assert!(count > 0, "{} names no test for its promises", path.display());
    }
}
