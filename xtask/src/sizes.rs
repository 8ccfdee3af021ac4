//! `cargo xtask sizes`: how long each crate and its files are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell;

/// What one crate, or all of them together, consist of.
#[derive(Debug, Default)]
struct Size {
    name: String,
    /// Lines of the product.
    src: usize,
    /// Lines of the tests, those inside of the sources too.
    tests: usize,
    /// Each file with its lines.
    files: Vec<(usize, String)>,
}

/// Prints the sizes, as a table or as JSON.
pub(crate) fn run(json: bool) {
    let root = shell::root();
    let sizes: Vec<Size> =
        crates(&root).iter().map(|(name, folder)| Size::of(&root, name, folder)).collect();
    let mut all = Size { name: "all".to_owned(), ..Size::default() };
    for size in &sizes {
        all.src += size.src;
        all.tests += size.tests;
        all.files.extend(size.files.iter().cloned());
    }
    if json {
        let crates: Vec<String> = sizes.iter().map(Size::json).collect();
        println!("{{\"crates\":[{}],\"all\":{}}}", crates.join(","), all.json());
        return;
    }
    println!("crate           src   tests   files  median  largest");
    for size in sizes.iter().chain([&all]) {
        size.print();
    }
}

impl Size {
    fn of(root: &Path, name: &str, folder: &Path) -> Self {
        let mut size = Self { name: name.to_owned(), ..Self::default() };
        for file in rust_files(folder) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let lines = text.lines().count();
            let src = if is_test(file.strip_prefix(folder).unwrap_or(&file)) {
                0
            } else {
                lines_before_tests(&text)
            };
            size.src += src;
            size.tests += lines - src;
            let path = file.strip_prefix(root).unwrap_or(&file);
            size.files.push((lines, path.display().to_string()));
        }
        size
    }

    fn median(&self) -> usize {
        let mut lines: Vec<usize> = self.files.iter().map(|(lines, _)| *lines).collect();
        lines.sort_unstable();
        lines.get(lines.len() / 2).copied().unwrap_or_default()
    }

    fn largest(&self) -> (usize, &str) {
        let largest = self.files.iter().max();
        largest.map_or((0, ""), |(lines, path)| (*lines, path.as_str()))
    }

    fn print(&self) {
        let Self { name, src, tests, files } = self;
        let (lines, path) = self.largest();
        let (files, median) = (files.len(), self.median());
        println!("{name:<12} {src:>6}  {tests:>6}  {files:>6}  {median:>6}  {lines:>6} {path}");
    }

    fn json(&self) -> String {
        let Self { name, src, tests, files } = self;
        let (lines, path) = self.largest();
        format!(
            "{{\"name\":{name:?},\"src\":{src},\"tests\":{tests},\"files\":{},\"median\":{},\
             \"largest\":{{\"path\":{path:?},\"lines\":{lines}}}}}",
            files.len(),
            self.median()
        )
    }
}

/// Is it a file of tests by its place in the crate?
fn is_test(path: &Path) -> bool {
    path.starts_with("tests") || path.file_stem().is_some_and(|stem| stem == "tests")
}

/// How many lines come before the module of tests at the end of a source file.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        matches!(pair, [cfg, module] if *cfg == "#[cfg(test)]"
            && module.starts_with("mod ") && module.ends_with('{'))
    });
    tests.unwrap_or(lines.len())
}

/// The crates of the workspace by name, each with its folder.
pub(crate) fn crates(root: &Path) -> Vec<(String, PathBuf)> {
    let mut folders: Vec<PathBuf> = entries(&root.join("crates"));
    folders.push(root.join("xtask"));
    folders
        .into_iter()
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .filter_map(|folder| Some((folder.file_name()?.to_str()?.to_owned(), folder)))
        .collect()
}

/// All Rust files under a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in entries(folder) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_inside_a_source_file_are_told_apart() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
        assert_eq!(lines_before_tests(text), 2);
        assert_eq!(lines_before_tests("#[cfg(test)]\nmod tests;\nfn a() {}\n"), 3);
        assert!(is_test(Path::new("tests/api/main.rs")));
        assert!(is_test(Path::new("src/store/tests.rs")));
        assert!(!is_test(Path::new("src/latest.rs")));
    }
}
