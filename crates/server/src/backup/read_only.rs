//! The published log of a living cell, for whoever only looks.

use std::sync::Arc;

use async_trait::async_trait;
use audit::{Store, StoreError};

/// Refuses every write.
#[derive(Debug)]
pub(crate) struct ReadOnly(pub(crate) Arc<dyn Store>);

fn refused(path: &str) -> StoreError {
    StoreError::Failed(path.to_owned(), "a drill writes nothing here".into())
}

#[async_trait]
impl Store for ReadOnly {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(path).await
    }

    async fn put(&self, path: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(refused(path))
    }

    async fn replace(&self, path: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(refused(path))
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        Err(refused(path))
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.0.list(folder).await
    }
}
