//! A store in memory that tests look into, and that stops working when told to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use audit::{Store, StoreError};

#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// How many more writes succeed.
    left: Arc<AtomicI64>,
    /// Whether it is not to be reached at all.
    away: Arc<AtomicBool>,
    /// When the checkpoints of orgs were replaced.
    replaced: Arc<Mutex<Vec<Instant>>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            files: Arc::default(),
            left: Arc::new(AtomicI64::new(i64::MAX)),
            away: Arc::default(),
            replaced: Arc::default(),
        }
    }
}

impl Shelf {
    pub(crate) fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().expect("no test panics here")
    }

    /// When the checkpoints of orgs were put here, the first one first.
    pub(crate) fn replaced(&self) -> Vec<Instant> {
        self.replaced.lock().expect("no test panics here").clone()
    }

    /// From now on so many writes succeed, and none behind them.
    pub(crate) fn breaks_after(&self, writes: i64) {
        self.left.store(writes, Ordering::SeqCst);
    }

    pub(crate) fn works(&self) {
        self.breaks_after(i64::MAX);
        self.is_away(false);
    }

    pub(crate) fn is_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn reached(&self, path: &str) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Failed(path.to_owned(), "nobody answers".into()));
        }
        Ok(())
    }

    fn write(&self, path: &str) -> Result<(), StoreError> {
        self.reached(path)?;
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(StoreError::Failed(path.to_owned(), "the disk is full".into()));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Store for Shelf {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.reached(path)?;
        Ok(self.files().get(path).cloned())
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(path)?;
        let mut files = self.files();
        let there = files.entry(path.to_owned()).or_insert_with(|| bytes.to_vec());
        if there == bytes { Ok(()) } else { Err(StoreError::Conflict(path.to_owned())) }
    }

    async fn replace(
        &self,
        path: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.write(path)?;
        let mut files = self.files();
        if files.get(path).map(Vec::as_slice) != before {
            return Err(StoreError::Moved(path.to_owned()));
        }
        files.insert(path.to_owned(), bytes.to_vec());
        if !path.starts_with("directory/") {
            self.replaced.lock().expect("no test panics here").push(Instant::now());
        }
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.write(path)?;
        self.files().remove(path);
        Ok(())
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.reached(folder)?;
        let within =
            |path: &&String| path.strip_prefix(folder).is_some_and(|it| it.starts_with('/'));
        let mut names: Vec<String> = self.files().keys().filter(within).cloned().collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.reached(folder)?;
        let within = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let name = |path: &String| {
            let below = path.strip_prefix(&within)?;
            Some(below.split('/').next().unwrap_or(below).to_owned())
        };
        let mut names: Vec<String> = self.files().keys().filter_map(name).collect();
        names.dedup();
        Ok(names)
    }
}
