//! Several nodes publish the same logs: what one reads while another publishes is no fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access::Caller;
use audit::{Log, Record, Store, StoreError};

use crate::house::{EU, House};
use crate::shelf::Shelf;

/// Another node publishes a new event and lists it, at the moment at which the first file whose
/// path has this in it is read.
#[derive(Debug)]
pub(crate) struct Meanwhile {
    shelf: Shelf,
    reading: &'static str,
    done: AtomicBool,
    other: (Log, Record, Caller),
}

impl Meanwhile {
    fn node(house: &House, caller: &Caller, reading: &'static str) -> Log {
        let (node, meanwhile) = Self::later(house, caller, reading);
        meanwhile.begins();
        node
    }

    /// The same, from when it begins.
    pub(crate) fn later(house: &House, caller: &Caller, reading: &'static str) -> (Log, Arc<Self>) {
        let other = (house.restarted(), house.record.clone(), caller.clone());
        let (shelf, done) = (house.shelf.clone(), AtomicBool::new(true));
        let meanwhile = Arc::new(Self { shelf, reading, done, other });
        (house.within(Arc::clone(&meanwhile) as _), meanwhile)
    }

    pub(crate) fn begins(&self) {
        self.done.store(false, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Store for Meanwhile {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if path.contains(self.reading) && !self.done.swap(true, Ordering::SeqCst) {
            let (log, record, caller) = &self.other;
            let event = audit::Event::done("test.thing.set", "thing", "thg_1");
            record.note(caller, &event).await.expect("durable");
            log.publish(EU).await.expect("publishes");
            log.close_epoch(EU).await.expect("lists");
        }
        self.shelf.get(path).await
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.shelf.put(path, bytes).await
    }

    async fn replace(
        &self,
        path: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.shelf.replace(path, before, bytes).await
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.shelf.remove(path).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.shelf.list(folder).await
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        Store::files(&self.shelf, folder).await
    }
}

#[tokio::test]
async fn what_another_node_publishes_meanwhile_stops_nobody_from_publishing() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 3).await;
        house.published().await;
        house.grow(&ours, 5).await;
        let node = Meanwhile::node(&house, &ours, "tile/");
        node.publish(EU).await.expect("it looks again, and finds nothing to do");
        assert_eq!(house.checkpoint(&ours).size(), 9, "the other one's");
        house.grow(&ours, 1).await;
        assert_eq!(node.publish(EU).await.expect("publishes").checkpoints, 1);
        assert_eq!(house.checkpoint(&ours).size(), 10);
    }
}

#[tokio::test]
async fn a_node_starts_while_another_one_publishes() {
    for reading in ["/checkpoint", "tile/", "directory/checkpoint", "directory/tile/"] {
        for house in House::on_each_engine().await {
            let ours = house.somebody();
            house.grow(&ours, 3).await;
            house.published().await;
            house.log.close_epoch(EU).await.expect("lists");
            let node = Meanwhile::node(&house, &ours, reading);
            let engine = house.bench.db.engine();
            node.check().await.unwrap_or_else(|why| panic!("{reading}, {engine:?}: {why}"));
            assert_eq!(house.checkpoint(&ours).size(), 4, "{reading}: the other one published");
        }
    }
}
