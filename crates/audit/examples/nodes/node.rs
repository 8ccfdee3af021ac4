//! A node: appends as quickly as it can, and publishes while it holds the lease.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region};
use audit::{Change, Event, Folder, Log, LogConfig, LogNeeds, Record, Store};
use base::db::Db;
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::{SharedClock, SystemClock};

use crate::roots;

const CALLERS: usize = 16;

pub(crate) async fn run(url: &str, folder: &Path, name: &str, orgs: &[&str]) {
    let db = Db::open(url).await.expect("the database opens");
    let databases = Databases::new([(Region::Eu, db)]);
    let clock: SharedClock = Arc::new(SystemClock);
    let (tasks, metrics) = (Tasks::new(), Metrics::new());
    let record = Record::open(&databases, &clock, name, &roots(), &[], &tasks, &metrics);
    let record = record.expect("starts its thread");
    let orgs: Vec<Caller> = orgs
        .iter()
        .map(|org| Caller::operator(org.parse::<OrgId>().expect("an id"), Region::Eu, name))
        .collect();
    let callers = (0..CALLERS).map(|at| append(&record, &orgs, name, at));
    tokio::join!(publish(&record, folder), futures_util::future::join_all(callers));
}

/// Says what is acknowledged, after it was.
async fn append(record: &Record, orgs: &[Caller], name: &str, at: usize) {
    let start = u64::from_le_bytes(base::seal::random().expect("randomness"));
    for round in at.. {
        let (org, id) = (&orgs[round % orgs.len()], format!("{name}-{start:x}-{at}-{round}"));
        let event = Event::done("test.thing.set", "thing", id.clone());
        // Now and then a change of its own, which takes positions beside the line.
        let done = if round % 16 == 0 {
            let change = Change::begin(record, &org.itself()).await;
            match change {
                Ok(change) => change.commit(event).await.map_err(drop),
                Err(_) => Err(()),
            }
        } else {
            record.note(org, &event).await.map_err(drop)
        };
        if let Ok(durable) = done {
            let line = format!("{} {} {id}\n", durable.org(), durable.seq().unwrap_or_default());
            std::io::stdout().write_all(line.as_bytes()).expect("is told");
        }
    }
}

/// As the node of a region does, one at a time.
async fn publish(record: &Record, folder: &Path) {
    let lease = File::create(folder.join("lease")).expect("a file");
    while lease.try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let store: Arc<dyn Store> = Arc::new(Folder::new(folder.join("log")));
    let config = LogConfig { log: "portico.example".to_owned(), ..LogConfig::default() };
    let metrics = Metrics::new();
    let (record, stores) = (record.clone(), BTreeMap::from([(Region::Eu, store)]));
    let (roots, page) = (roots(), "");
    let needs = LogNeeds {
        record,
        roots: &roots,
        stores,
        config: &config,
        witnesses: Vec::new(),
        page,
        metrics: &metrics,
    };
    let log = Log::open(needs).expect("a good name");
    log.check().await.expect("nothing was rolled back");
    loop {
        log.publish(Region::Eu).await.expect("publishes");
        log.verify_some(Region::Eu, 512).await.expect("verifies");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
