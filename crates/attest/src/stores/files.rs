//! Files, and folders with all that is in them.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::canary::Canaries;
use crate::error::Error;
use crate::scan::{Scan, Seen};

/// Files of one store at most.
const FILES_MAX: usize = 5_000_000;

/// Looks through a file, or through a folder and whatever is in it: names too. Links are not
/// followed. A file that goes away meanwhile is passed over: engines recycle theirs.
pub(crate) fn files(root: &Path, canaries: &Canaries, seen: &mut Seen) -> Result<(), Error> {
    let mut waiting = vec![root.to_owned()];
    let mut count = 0;
    while let Some(path) = waiting.pop() {
        let is_root = path == root;
        let told = if is_root { std::fs::metadata(&path) } else { path.symlink_metadata() };
        let told = match told {
            Ok(told) => told,
            Err(error) if error.kind() == ErrorKind::NotFound && !is_root => continue,
            Err(error) => return Err(Error::File(path, error)),
        };
        if !is_root && let Some(name) = path.file_name() {
            Scan::value(name.as_bytes(), canaries, seen);
        }
        if told.is_dir() {
            waiting.extend(within(&path)?);
        } else if told.is_symlink() {
            if let Ok(target) = std::fs::read_link(&path) {
                Scan::value(target.as_os_str().as_bytes(), canaries, seen);
            }
        } else if told.is_file() {
            count += 1;
            if count > FILES_MAX {
                let why = format!("a store has at most {FILES_MAX} files");
                return Err(Error::Plan(root.display().to_string(), why));
            }
            match File::open(&path) {
                Ok(file) => Scan::read(file, canaries, seen)
                    .map_err(|error| Error::File(path.clone(), error))?,
                Err(error) if error.kind() == ErrorKind::NotFound && !is_root => {}
                Err(error) => return Err(Error::File(path, error)),
            }
        }
    }
    Ok(())
}

fn within(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let fault = |error| Error::File(folder.to_owned(), error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(fault)).collect()
}

/// The disk and the place on it: two names of one file have the same.
pub(crate) fn identity_of(path: &Path) -> Result<String, Error> {
    let told = std::fs::metadata(path).map_err(|error| Error::File(path.to_owned(), error))?;
    Ok(format!("file {}:{}", told.dev(), told.ino()))
}
