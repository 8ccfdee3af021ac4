//! Folders of files: noted, compared, copied; and written beside where they will stand.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aws_lc_rs::digest::{Context, SHA256};
use base::seal::{make_folder, settle};
use serde::{Deserialize, Serialize};

/// Bytes that are read at once.
const PIECE: usize = 1 << 18;
/// Differences that are named at most.
const NAMED_MAX: usize = 20;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noted {
    pub(super) path: String,
    pub(super) bytes: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

/// A folder that is written under another name until it is whole. Dropped before
/// [`Unfinished::finish`] it is gone.
#[derive(Debug)]
pub(super) struct Unfinished {
    beside: PathBuf,
    place: PathBuf,
}

impl Unfinished {
    /// Begins one for this place, where nothing is yet but perhaps an empty folder.
    pub(super) fn begin(place: &Path) -> anyhow::Result<Self> {
        let shown = place.display();
        match std::fs::read_dir(place) {
            Ok(mut there) => {
                anyhow::ensure!(there.next().is_none(), "{shown} is not empty: name another place");
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{shown}")),
        }
        let name = place.file_name().with_context(|| format!("{shown} names no folder"))?;
        let beside = place.with_file_name(format!("{}.partial", name.to_string_lossy()));
        if let Some(parent) = place.parent() {
            make_folder(parent)?;
        }
        let made = DirBuilder::new().mode(0o700).create(&beside);
        made.with_context(|| {
            format!(
                "{}: another one is being written there, or was cut off; then remove it",
                beside.display()
            )
        })?;
        Ok(Self { beside, place: place.to_owned() })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.beside
    }

    /// Gives it its name. What has it is on disk, if the files in it are.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        sync(&self.beside)?;
        std::fs::rename(&self.beside, &self.place)?;
        settle(&self.place)?;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Renamed, or of no use to anybody.
        let _gone = std::fs::remove_dir_all(&self.beside);
    }
}

/// Whether nothing lies in a folder, or there is none.
pub(super) fn is_empty(path: &Path) -> bool {
    std::fs::read_dir(path).map_or(true, |mut there| there.next().is_none())
}

/// Writes a new file that only this user may read.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// Waits until a file, or which names a folder has, is on disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The SHA-256 of these bytes, in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(bytes);
    base::hex::encode(hash.finish().as_ref())
}

/// Every folder and file below one, sorted by path. Files are on disk when they are noted.
pub(super) fn note(root: &Path) -> anyhow::Result<(Vec<String>, Vec<Noted>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for (path, is_folder) in below(root)? {
        if is_folder {
            sync(&root.join(&path))?;
            folders.push(path);
        } else {
            let file = root.join(&path);
            let (bytes, sha256) = read(&file).with_context(|| format!("{}", file.display()))?;
            files.push(Noted { path, bytes, sha256 });
        }
    }
    Ok((folders, files))
}

fn read(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes, mut piece) = (Context::new(&SHA256), 0, vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            file.sync_all()?;
            return Ok((bytes, base::hex::encode(hash.finish().as_ref())));
        }
        hash.update(piece.get(..read).unwrap_or_default());
        bytes += u64::try_from(read).unwrap_or_default();
    }
}

/// What is otherwise below a folder than noted, but for the files named last.
pub(super) fn differs(
    root: &Path,
    folders: &[String],
    files: &[Noted],
    but: &[&str],
) -> anyhow::Result<Vec<String>> {
    let mut expected: BTreeMap<&str, &Noted> =
        files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut missing: Vec<&str> = folders.iter().map(String::as_str).collect();
    let mut differs = Vec::new();
    for (path, is_folder) in below(root)? {
        if is_folder {
            missing.retain(|folder| *folder != path);
        } else if let Some(noted) = expected.remove(path.as_str()) {
            let (bytes, sha256) = read(&root.join(&path))?;
            if (bytes, sha256.as_str()) != (noted.bytes, noted.sha256.as_str()) {
                differs.push(format!("`{path}` was altered"));
            }
        } else if !but.contains(&path.as_str()) {
            differs.push(format!("`{path}` was added"));
        }
    }
    let missing = missing.into_iter().chain(expected.into_keys());
    differs.extend(missing.map(|path| format!("`{path}` is missing")));
    let more = differs.len().saturating_sub(NAMED_MAX);
    differs.truncate(NAMED_MAX);
    if more > 0 {
        differs.push(format!("and {more} more"));
    }
    Ok(differs)
}

/// Copies a tree, for this user alone.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    make_folder(to)?;
    for (path, is_folder) in below(from)? {
        let to = to.join(&path);
        if is_folder {
            make_folder(&to)?;
        } else {
            let file = from.join(&path);
            copy_file(&file, &to).with_context(|| format!("{}", file.display()))?;
        }
    }
    Ok(())
}

/// Copies a file, for this user alone.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

/// Paths below a folder, sorted, and whether each is a folder. A link has no place in a backup.
fn below(root: &Path) -> anyhow::Result<Vec<(String, bool)>> {
    let (mut found, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(within) = open.pop() {
        let folder = root.join(&within);
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name =
                name.map_err(|name| anyhow::anyhow!("a file is called {}", name.display()))?;
            let path = if within.is_empty() { name } else { format!("{within}/{name}") };
            let kind = entry.file_type()?;
            anyhow::ensure!(
                kind.is_dir() || kind.is_file(),
                "{} is neither a file nor a folder; tablespaces and links are not backed up",
                root.join(&path).display()
            );
            if kind.is_dir() {
                open.push(path.clone());
            }
            found.push((path, kind.is_dir()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        write(&at("a/one"), b"1").unwrap();
        write(&at("a/two"), b"2").unwrap();
        make_folder(&at("empty")).unwrap();
        let (folders, files) = note(folder.path()).unwrap();
        let told = || differs(folder.path(), &folders, &files, &["manifest"]).unwrap();
        write(&at("manifest"), b"m").unwrap();
        assert_eq!(told(), Vec::<String>::new());
        write(&at("a/one"), b"9").unwrap();
        write(&at("three"), b"3").unwrap();
        std::fs::remove_file(at("a/two")).unwrap();
        std::fs::remove_dir(at("empty")).unwrap();
        assert_eq!(
            told(),
            [
                "`a/one` was altered",
                "`three` was added",
                "`empty` is missing",
                "`a/two` is missing"
            ]
        );
    }

    #[test]
    fn what_was_cut_off_has_no_name_and_a_full_place_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("backup");
        let cut = Unfinished::begin(&place).unwrap();
        write(&cut.path().join("file"), b"1").unwrap();
        assert!(Unfinished::begin(&place).is_err(), "one at a time");
        drop(cut);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let whole = Unfinished::begin(&place).unwrap();
        write(&whole.path().join("file"), b"1").unwrap();
        whole.finish().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join("file"))), (0o700, 0o600));
        let refused = Unfinished::begin(&place).unwrap_err().to_string();
        assert!(refused.contains("is not empty"), "{refused}");
    }
}
