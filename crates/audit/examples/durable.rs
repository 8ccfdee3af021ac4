//! How many events become durable in a second, each at its place in the tree of its org:
//! `durable URL ORGS CALLERS SECONDS` prints one line of JSON. `bench/record/measure.py` runs
//! it beside plain inserts into the same database.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for developers stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Caller, Databases, OrgId, Region};
use audit::{CallFacts, Event, Record};
use base::db::Db;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::{SharedClock, SystemClock};

#[tokio::main(worker_threads = 2)]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args[at].parse::<u32>().expect("a number");
    let (url, orgs, callers) = (args[0].clone(), number(1), number(2));
    let period = Duration::from_secs(u64::from(number(3)));

    let db = Db::open(&url).await.expect("the database opens");
    db.migrate(audit::sql::MIGRATIONS).await.expect("migrates");
    let clock: SharedClock = Arc::new(SystemClock);
    let roots = BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))]);
    let databases = Databases::new([(Region::Eu, db)]);
    let (tasks, metrics) = (Tasks::new(), Metrics::new());
    let record = Record::open(&databases, &clock, "n1", &roots, &[], &tasks, &metrics);
    let record = record.expect("starts its thread");
    let orgs: Vec<Caller> =
        (0..orgs).map(|_| Caller::operator(OrgId::new(clock.now()), Region::Eu, "bench")).collect();

    // The keys of each org are made once in its life.
    for org in &orgs {
        record.note(org, &ended(&clock)).await.expect("durable");
    }
    let (began, spent) = (Instant::now(), cpu_secs());
    let line = (0..callers as usize).map(|caller| {
        let (record, clock, orgs) = (&record, &clock, &orgs);
        async move {
            let mut waits = Vec::new();
            let mut turn = caller;
            while began.elapsed() < period {
                let asked = Instant::now();
                let org = &orgs[turn % orgs.len()];
                record.note(org, &ended(clock)).await.expect("durable");
                waits.push(asked.elapsed());
                turn += callers as usize;
            }
            waits
        }
    });
    let mut waits = futures_util::future::join_all(line).await.concat();
    let (took, spent) = (began.elapsed().as_secs_f64(), cpu_secs() - spent);
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100].as_secs_f64() * 1e3;
    let events = u32::try_from(waits.len()).map(f64::from).expect("not that many");
    let told = serde_json::json!({
        "orgs": orgs.len(), "callers": callers, "eventsPerSecond": (events / took).round(),
        "p50Millis": at(50), "p99Millis": at(99), "cpuMicrosPerEvent": spent * 1e6 / events,
    });
    println!("{told}");
    drop(record);
    tasks.ended().await;
}

/// The end of a call, as the gateway records most of all.
fn ended(clock: &SharedClock) -> Event {
    Event::done("gateway.call.ended", "call", "call_01KDVDNA00495K2ZPTT9ZNDTZG").call(CallFacts {
        provider: Some("example".into()),
        endpoint: Some("example-eu".into()),
        provider_region: Some(Region::Eu),
        tokens_in: 300,
        tokens_out: 400,
        price_nanocents: 5_000_000,
        attempts: 1,
        ..CallFacts::begun("small", clock.now())
    })
}

/// CPU time of this process, without that of the database.
fn cpu_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks = [11, 12].map(|at: usize| fields[at].parse::<f64>().expect("ticks"));
    (ticks[0] + ticks[1]) / 100.0
}
