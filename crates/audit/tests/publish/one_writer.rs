//! Two nodes publish the same logs at once, and one of them stands still between what it reads and
//! what it writes: whoever reads a log never sees it go back.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use access::Caller;
use audit::{Folder, Log, LogError, Record, Store, StoreError};
use base::testing::{Bench, Moto, Python};

use crate::bucket::{self, bucket};
use crate::house::{EU, House};
use crate::shelf::Shelf;

/// How large a published log says that it is; nothing of it is read again later.
async fn size_of(store: &dyn Store, path: &str) -> u64 {
    let note = store.get(path).await.expect("reads").unwrap_or_default();
    let note = String::from_utf8(note).expect("text");
    note.lines().nth(1).map_or(0, |size| size.parse().expect("a size"))
}

/// A store whose node stands still before each replacing, until another node has published more.
/// Notes what a reader sees before and after.
#[derive(Debug)]
struct Slow {
    store: Arc<dyn Store>,
    other: Log,
    record: Record,
    caller: Caller,
    stands: AtomicBool,
    late: AtomicUsize,
    seen: Mutex<Vec<(String, u64)>>,
}

impl Slow {
    async fn look(&self, path: &str) {
        let size = size_of(&*self.store, path).await;
        self.seen.lock().expect("whole").push((path.to_owned(), size));
    }
}

#[async_trait::async_trait]
impl Store for Slow {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
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
        if self.stands.swap(false, Ordering::SeqCst) {
            let event = audit::Event::done("test.thing.set", "thing", "thg_1");
            self.record.note(&self.caller, &event).await.expect("durable");
            self.other.publish(EU).await.expect("publishes");
            lists(&self.other).await;
            self.look(path).await;
        }
        let replaced = self.store.replace(path, before, bytes).await;
        if matches!(replaced, Err(StoreError::Moved(_))) {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        self.look(path).await;
        replaced
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

/// Lists what is new; a node that was overtaken looks again, and nothing else may happen.
async fn lists(node: &Log) {
    for _ in 0..4 {
        match node.close_epoch(EU).await {
            Ok(_) => return,
            Err(LogError::Moved) => {}
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it is overtaken by nobody for ever");
}

/// So many times one node is overtaken while it stands still, at the log of an org and at the
/// directory in turn.
async fn a_slow_node_turns_nothing_back(house: &House, store: Arc<dyn Store>, rounds: usize) {
    let ours = house.somebody();
    let slow = Arc::new(Slow {
        store: store.clone(),
        other: house.within(store.clone()),
        record: house.record.clone(),
        caller: ours.clone(),
        stands: AtomicBool::new(false),
        late: AtomicUsize::new(0),
        seen: Mutex::default(),
    });
    let node = house.within(slow.clone());
    for round in 0..rounds {
        house.grow(&ours, 1 + round % 3).await;
        slow.stands.store(round % 2 == 0, Ordering::SeqCst);
        node.publish(EU).await.expect("publishes, or sees that another one did");
        slow.stands.store(round % 2 == 1, Ordering::SeqCst);
        lists(&node).await;
        slow.stands.store(false, Ordering::SeqCst);
    }
    let seen = slow.seen.lock().expect("whole").clone();
    for log in [format!("{}/checkpoint", ours.org), "directory/checkpoint".to_owned()] {
        let sizes: Vec<u64> = seen.iter().filter(|one| one.0 == log).map(|one| one.1).collect();
        assert!(sizes.len() >= rounds / 2, "{log}: {sizes:?}");
        assert!(sizes.is_sorted(), "{log} went back: {sizes:?}");
    }
    let late = slow.late.load(Ordering::SeqCst);
    assert!(late >= rounds / 2, "it was overtaken {late} times of {rounds}");
    // Nothing is the matter with what is there now.
    lists(&node).await;
    node.check().await.expect("all is well");
    let verified = node.verify_some(EU, 10_000).await.expect("verifies");
    assert!(verified.checked > 0 && verified.faults.is_empty(), "{verified:?}");
    let record = house.entries(&ours).await.len();
    assert_eq!(size_of(&*store, &format!("{}/checkpoint", ours.org)).await, record as u64);
}

#[tokio::test]
async fn a_node_that_stood_still_puts_no_older_checkpoint_in_a_folder() {
    for house in House::on_each_engine().await {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Folder::new(folder.path().to_owned()));
        a_slow_node_turns_nothing_back(&house, store, 20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stood_still_puts_no_older_checkpoint_in_a_bucket() {
    let Some(python) = Python::installed() else { return };
    let Some(moto) = Moto::start(&python).await else { return };
    bucket::make(&python, &moto);
    let house = House::on(Bench::sqlite(audit::sql::MIGRATIONS).await, Shelf::default());
    let store = Arc::new(bucket(&moto.endpoint, "log"));
    a_slow_node_turns_nothing_back(&house, store, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_publish_at_once_never_turn_a_log_back_for_whoever_reads_it() {
    for house in House::on_each_engine().await {
        let folder = tempfile::tempdir().expect("a folder");
        let store = || Arc::new(Folder::new(folder.path().to_owned()));
        let (ours, over) = (house.somebody(), AtomicBool::new(false));
        let path = format!("{}/checkpoint", ours.org);
        let nodes = [house.within(store()), house.within(store())];
        let publish = async |node: &Log| {
            while !over.load(Ordering::SeqCst) {
                match node.publish(EU).await {
                    Ok(_) | Err(LogError::Moved) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        };
        // However fast these are: until it was seen to grow several times.
        let seen = AtomicUsize::new(0);
        let grow = async {
            let mut grown = 0;
            while grown < 180 || seen.load(Ordering::SeqCst) <= 5 {
                house.grow(&ours, 3).await;
                grown += 3;
            }
            over.store(true, Ordering::SeqCst);
            grown
        };
        let read = async {
            let (store, mut last) = (store(), 0);
            while !over.load(Ordering::SeqCst) {
                let size = size_of(&*store, &path).await;
                assert!(size >= last, "it went back from {last} to {size}");
                seen.fetch_add(usize::from(size > last), Ordering::SeqCst);
                last = size;
            }
        };
        let ((), (), grown, ()) = tokio::join!(publish(&nodes[0]), publish(&nodes[1]), grow, read);
        nodes[0].publish(EU).await.expect("publishes the rest");
        assert_eq!(size_of(&*store(), &path).await, grown);
        nodes[1].check().await.expect("all is well");
    }
}
