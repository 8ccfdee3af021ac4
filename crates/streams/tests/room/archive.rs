//! The older part of a record lies in an archive that does not answer.

use std::sync::Arc;
use std::time::Duration;

use audit::{Store, StoreError};
use base::db::Db;
use base::time::Clock as _;
use identity::testing::Org;
use serde_json::json;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tokio::time::timeout;

use crate::bench::Room;
use crate::hook::Hook;

/// How long anything here may take that waits for no archive.
const SOON: Duration = Duration::from_secs(30);

/// A store that can be kept from answering.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    store: Arc<dyn Store>,
    answers: Arc<RwLock<()>>,
}

impl Shelf {
    pub(crate) fn of(store: Arc<dyn Store>) -> Self {
        Self { store, answers: Arc::default() }
    }

    /// Nobody gets anything from it until this is dropped.
    async fn silent(&self) -> RwLockWriteGuard<'_, ()> {
        self.answers.write().await
    }
}

#[async_trait::async_trait]
impl Store for Shelf {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let _answers = self.answers.read().await;
        self.store.get(path).await
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.put(path, bytes).await
    }

    async fn replace(
        &self,
        path: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.store.replace(path, before, bytes).await
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.store.remove(path).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.store.list(folder).await
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.store.files(folder).await
    }
}

/// Moves what is older than a day to the archive.
async fn tier(room: &Room, org: &Org) {
    let owner = Db::open(&room.bench.owner_url).await.expect("opens");
    let moved = room.log.tier(&org.operator, &owner, room.clock.now()).await.expect("moves");
    owner.close().await;
    assert!(moved.moved >= 256, "{moved:?}");
}

#[tokio::test]
async fn an_archive_that_does_not_answer_keeps_no_other_sink_waiting_and_hides_nothing() {
    for room in Room::on_each_engine().await {
        let (old, young) = (room.org("acme").await, room.org("globex").await);
        let (far, near) = (Hook::listening().await, Hook::listening().await);
        room.grow(&old, 300).await;
        room.publish().await;
        room.pass(3 * 86_400);
        tier(&room, &old).await;
        let silent = room.shelf.silent().await;
        let soon = timeout(SOON, async {
            let id = room.sink(&old, json!({ "kind": "webhook", "url": far.url })).await;
            let shown = room.shown(&old, &id).await;
            assert_eq!(shown["lag_secs"], 3 * 86_400, "{shown}");
            let page = room.get(&old.owner.key, "/streams").await;
            assert_eq!(page.status, 200, "{}", page.text);
            room.sink(&young, json!({ "kind": "webhook", "url": near.url })).await;
            tokio::select! {
                _ = room.streams.deliver() => panic!("the archive answers nobody"),
                () = near.came() => {}
            }
            id
        });
        let id = soon.await.expect("none of it waits for the archive");
        assert!(far.state().heard.is_empty());
        drop(silent);
        room.until_delivered(&old, &id).await;
        assert_eq!(far.items()[0]["data"]["sequence"], 0);
    }
}
