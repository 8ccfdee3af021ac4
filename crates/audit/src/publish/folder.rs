//! A log in a folder of this machine, or of several if its file system has locks (`flock`) that all
//! of them see. What changes is replaced under one lock, held for a comparison and a renaming.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base::seal::{make_folder, settle};
use tokio::sync::Mutex;

use super::store::{FILE_BYTES_MAX, Store, StoreError};

/// The file that is locked: beside the logs, and none of them.
const LOCK: &str = ".lock";
/// How long somebody else may hold the lock, and how often it is tried.
const LOCKED_MAX: Duration = Duration::from_secs(5);
const TRY_EVERY: Duration = Duration::from_millis(5);

/// Files below a folder, which only this user may read.
#[derive(Debug, Clone)]
pub struct Folder {
    folder: PathBuf,
    /// Whose turn it is in this process: no more than one thread waits for another process.
    turn: Arc<Mutex<()>>,
}

impl Folder {
    /// In this folder, which is made when something is put there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, turn: Arc::default() }
    }

    /// Off the threads that answer calls: a disk may take its time.
    async fn off<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Path) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = path.to_owned();
        self.aside(move |folder| work(&folder.join(&path)).map_err(|failed| failed.at(&path))).await
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|cause| StoreError::failed("", cause))?
    }
}

enum Failed {
    Conflict,
    Moved,
    TooLarge,
    Io(io::Error),
}

impl Failed {
    fn at(self, path: &str) -> StoreError {
        match self {
            Self::Conflict => StoreError::Conflict(path.to_owned()),
            Self::Moved => StoreError::Moved(path.to_owned()),
            Self::TooLarge => StoreError::TooLarge(path.to_owned()),
            Self::Io(cause) => StoreError::failed(path, cause),
        }
    }
}

impl From<io::Error> for Failed {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

#[async_trait]
impl Store for Folder {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.off(path, read).await
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.put_all(vec![(path.to_owned(), bytes.to_vec())]).await
    }

    /// On one thread, and each folder is put on disk once.
    async fn put_all(&self, files: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let put = move |folder: &Path| {
            let named = |(path, bytes): &(String, Vec<u8>)| {
                put(&folder.join(path), bytes).map_err(|failed| failed.at(path))
            };
            let put = files.iter().try_for_each(named);
            // Also where one failed, and what was there: somebody else may not have settled it.
            let there = files.iter().map(|(path, _)| (folder.join(path), path));
            let mut there: Vec<_> = there.filter(|(file, _)| file.exists()).collect();
            there.sort();
            there.dedup_by(|(left, _), (right, _)| left.parent() == right.parent());
            for (file, path) in there {
                settle(&file).map_err(|cause| StoreError::failed(path, cause))?;
            }
            put
        };
        self.aside(put).await
    }

    async fn replace(
        &self,
        path: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let (before, bytes) = (before.map(<[u8]>::to_vec), bytes.to_vec());
        let store = self.folder.clone();
        let replace = move |file: &Path| {
            let (file, written) = (file.to_owned(), write(file, &bytes)?);
            let replacement = Replacement { store, file, written, before };
            match try_lock(&replacement.store)? {
                Some(lock) => replacement.done(lock).map(|()| None),
                None => Ok(Some(replacement)),
            }
        };
        let Some(replacement) = self.off(path, replace).await? else { return Ok(()) };
        let turn = self.turn.lock().await;
        let replace = move |_: &Path| {
            let lock = lock(&replacement.store)?;
            replacement.done(lock)
        };
        self.off(path, replace).await?;
        drop(turn);
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.off(path, |file| Ok(remove(file)?)).await
    }

    async fn remove_all(&self, paths: Vec<String>) -> Result<(), StoreError> {
        let removed = move |folder: &Path| {
            let mut paths = paths.iter();
            paths.try_for_each(|path| {
                remove(&folder.join(path)).map_err(|cause| StoreError::failed(path, cause))
            })
        };
        self.aside(removed).await
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let name = folder.to_owned();
        let list = move |folder: &Path| {
            let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), name)]);
            while let Some((folder, name)) = folders.pop() {
                let entries = match std::fs::read_dir(&folder) {
                    Ok(entries) => entries,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error.into()),
                };
                for entry in entries {
                    let entry = entry?;
                    let Ok(last) = entry.file_name().into_string() else { continue };
                    let name = format!("{name}/{last}");
                    if entry.file_type()?.is_dir() {
                        folders.push((entry.path(), name));
                    } else {
                        files.push(name);
                    }
                }
            }
            files.sort_unstable();
            Ok(files)
        };
        self.off(folder, list).await
    }

    async fn remove_folder(&self, folder: &str) -> Result<(), StoreError> {
        self.off(folder, |folder| Ok(remove_empty(folder)?)).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let list = |folder: &Path| {
            let entries = match std::fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut names = Vec::new();
            for entry in entries {
                names.extend(entry?.file_name().into_string());
            }
            names.retain(|name: &String| name != LOCK);
            Ok(names)
        };
        self.off(folder, list).await
    }
}

/// What was written to stand in the place of something.
struct Replacement {
    store: PathBuf,
    file: PathBuf,
    written: tempfile::NamedTempFile,
    before: Option<Vec<u8>>,
}

impl Replacement {
    /// Puts it there, for whoever holds the lock of the store.
    fn done(self, lock: File) -> Result<(), Failed> {
        if read(&self.file)? != self.before {
            return Err(Failed::Moved);
        }
        self.written.persist(&self.file).map_err(|error| error.error)?;
        drop(lock);
        Ok(settle(&self.file)?)
    }
}

/// Puts a file that never changes; it is to be settled.
fn put(file: &Path, bytes: &[u8]) -> Result<(), Failed> {
    let same = |there: Vec<u8>| if there == bytes { Ok(()) } else { Err(Failed::Conflict) };
    if let Some(there) = read(file)? {
        return same(there);
    }
    match write(file, bytes)?.persist_noclobber(file) {
        Ok(_) => Ok(()),
        // Somebody was faster: then it is as if it had been there.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => match read(file)? {
            Some(there) => same(there),
            None => Err(error.error.into()),
        },
        Err(error) => Err(error.error.into()),
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => {
            // The folder of partial files, when it was the last one.
            if let Some(folder) = file.parent().filter(|it| it.extension().is_some()) {
                let _not_empty = std::fs::remove_dir(folder);
            }
            Ok(())
        }
    }
}

/// Removes a folder in which there are folders alone.
fn remove_empty(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        remove_empty(&entry?.path())?;
    }
    std::fs::remove_dir(folder)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failed> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    let bound = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
    file.take(bound + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX { Err(Failed::TooLarge) } else { Ok(Some(bytes)) }
}

/// Writes beside where it will stand, for this user alone, and waits for the disk.
fn write(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Takes the lock of a store, if nobody holds it.
fn try_lock(store: &Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(store.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock of a store. One that is held for long is held by a process that was stopped
/// there: as long as it is, nothing can be replaced.
fn lock(store: &Path) -> io::Result<File> {
    let begun = Instant::now();
    while begun.elapsed() < LOCKED_MAX {
        if let Some(lock) = try_lock(store)? {
            return Ok(lock);
        }
        std::thread::sleep(TRY_EVERY);
    }
    Err(io::Error::other("another process holds the lock of the store"))
}
