//! The published log of a living cell as it was when somebody began to look. It goes on meanwhile:
//! checkpoints are replaced, and partial files contained in longer ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use audit::{Store, StoreError};
use tlog::tile::{Bundle, Tile};

/// What is in front of the path of a tile, and of a bundle.
const TILE: &str = "tile/";
const ENTRIES: &str = "tile/entries/";
/// The largest width of a partial file, and the first one of a whole file.
const WIDTH_MAX: u16 = 256;

/// Gives what was there at first, and refuses every write.
#[derive(Debug)]
pub(crate) struct Frozen {
    store: Arc<dyn Store>,
    checkpoints: Mutex<BTreeMap<String, Option<Vec<u8>>>>,
    names: Mutex<Option<Vec<String>>>,
}

impl Frozen {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, checkpoints: Mutex::default(), names: Mutex::default() }
    }

    /// A partial file that is gone, from a longer one.
    async fn cut(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((log, file)) = path.split_once('/') else { return Ok(None) };
        let Some((whole, width)) = file.split_once(".p/") else { return Ok(None) };
        let widths = self.store.list(&format!("{log}/{whole}.p")).await?;
        let longer = widths.iter().filter_map(|it| it.parse::<u16>().ok());
        let least = width.parse().unwrap_or(WIDTH_MAX);
        let longer = longer.filter(|it| *it > least).min();
        let there = longer.map_or_else(|| whole.to_owned(), |it| format!("{whole}.p/{it}"));
        let Some(bytes) = self.store.get(&format!("{log}/{there}")).await? else { return Ok(None) };
        Ok(cut(file, &there, &bytes))
    }
}

/// The beginning of a file, as the shorter file that it contains.
fn cut(file: &str, of: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    if file.starts_with(ENTRIES) {
        let (file, of) = (Bundle::from_path(file).ok()?, Bundle::from_path(of).ok()?);
        let mut entries = of.decode(bytes).ok()?;
        entries.truncate(file.width().into());
        file.encode(&entries).ok()
    } else if file.starts_with(TILE) {
        let (file, of) = (Tile::from_path(file).ok()?, Tile::from_path(of).ok()?);
        let mut hashes = of.decode(bytes).ok()?;
        hashes.truncate(file.width().into());
        file.encode(&hashes).ok()
    } else {
        None
    }
}

fn refused(path: &str) -> StoreError {
    StoreError::Failed(path.to_owned(), "a drill writes nothing here".into())
}

#[async_trait]
impl Store for Frozen {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if !path.ends_with("/checkpoint") {
            return match self.store.get(path).await? {
                None => self.cut(path).await,
                found => Ok(found),
            };
        }
        let known = |all: &Mutex<BTreeMap<_, _>>| {
            all.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
        };
        if let Some(known) = known(&self.checkpoints) {
            return Ok(known);
        }
        let found = self.store.get(path).await?;
        let mut all = self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(path.to_owned()).or_insert(found).clone())
    }

    async fn put(&self, path: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(refused(path))
    }

    async fn replace(&self, path: &str, _: Option<&[u8]>, _: &[u8]) -> Result<(), StoreError> {
        Err(refused(path))
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        Err(refused(path))
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.store.files(folder).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let found = self.store.list(folder).await?;
        if !folder.is_empty() {
            return Ok(found);
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.get_or_insert(found).clone())
    }
}

#[cfg(test)]
mod tests {
    use audit::Folder;
    use tlog::Hash;

    use super::*;

    #[tokio::test]
    async fn a_log_that_goes_on_is_read_as_it_was_and_never_written() {
        let folder = tempfile::tempdir().unwrap();
        let living: Arc<dyn Store> = Arc::new(Folder::new(folder.path().to_owned()));
        let hashes: Vec<Hash> = (0..5_u8).map(|at| Hash::of_leaf(&[at])).collect();
        let tile = |width: u16| {
            let tile = Tile::new(0, 0, width).unwrap();
            (format!("org_a/{}", tile.path()), tile.encode(&hashes[..width.into()]).unwrap())
        };
        let (path, bytes) = tile(3);
        living.put(&path, &bytes).await.unwrap();
        living.replace("org_a/checkpoint", None, b"3").await.unwrap();
        let frozen = Frozen::new(living.clone());
        let names = frozen.list("").await.unwrap();
        assert_eq!(frozen.get("org_a/checkpoint").await.unwrap().as_deref(), Some(&b"3"[..]));

        let (longer, more) = tile(5);
        living.put(&longer, &more).await.unwrap();
        living.remove(&path).await.unwrap();
        living.replace("org_a/checkpoint", Some(b"3"), b"5").await.unwrap();
        living.replace("org_b/checkpoint", None, b"1").await.unwrap();
        assert_eq!(frozen.get("org_a/checkpoint").await.unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(frozen.get(&path).await.unwrap(), Some(bytes));
        assert_eq!(frozen.list("").await.unwrap(), names);
        assert!(frozen.replace("org_a/checkpoint", Some(b"5"), b"9").await.is_err());
        assert!(frozen.put("org_a/x", b"9").await.is_err());
    }
}
