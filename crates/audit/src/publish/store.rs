//! Where the log lies: a folder or a bucket, outside the database.

use std::fmt::Debug;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Bytes of the largest file of a log: a note of 256 KiB; bundles and tiles are far smaller.
pub(super) const FILE_BYTES_MAX: usize = 1 << 20;
/// Files of one org that are asked for at once.
pub(super) const AT_ONCE: usize = 16;

/// Keeps files by name. What was put once is never put again with other bytes.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// The bytes of a file, if it is there.
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts a file that never changes. If it is there with these bytes, all is well.
    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// The same with several, in whichever order.
    async fn put_all(&self, files: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let put = files.iter().map(async |(path, bytes)| self.put(path, bytes).await);
        stream::iter(put.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Puts a checkpoint in the place of what was read there, or of nothing: the one file that
    /// changes. If something else lies there by now it stays, and this is [`StoreError::Moved`]:
    /// who read before others wrote replaces nothing, however long ago that was.
    async fn replace(
        &self,
        path: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), StoreError>;

    /// Lets go of a partial tile or bundle that a longer one contains.
    async fn remove(&self, path: &str) -> Result<(), StoreError>;

    /// The same with several.
    async fn remove_all(&self, paths: Vec<String>) -> Result<(), StoreError> {
        for path in &paths {
            self.remove(path).await?;
        }
        Ok(())
    }

    /// The names of what lies directly in a folder; `""` is the store itself, where each org
    /// has one. None if it is not there.
    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Every file below a folder, by its whole name, in the order of names.
    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Lets go of a folder in which no file is left.
    async fn remove_folder(&self, _folder: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Why a store did not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Other bytes lie there, and were read.
    #[error("`{0}` is there with other bytes")]
    Conflict(String),
    /// What was to be replaced is not what lies there any more.
    #[error("`{0}` was replaced by somebody else meanwhile")]
    Moved(String),
    /// Nothing that a log writes.
    #[error("`{0}` is larger than any file of a log")]
    TooLarge(String),
    /// It cannot be reached, or refuses.
    #[error("the store of the log failed at `{0}`")]
    Failed(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    pub(super) fn failed(
        path: &str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed(path.to_owned(), cause.into())
    }
}
