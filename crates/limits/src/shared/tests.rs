//! The scripts in cases to which the verbs of a book do not lead.

use std::sync::Arc;
use std::time::Duration;

use base::metrics::Metrics;
use base::money::NanoCents;
use base::tasks::Tasks;
use base::testing::Redis;
use base::time::At;

use super::counters::{Charged, Counters, Known, NO_LIFE, Said};
use super::{Config, LEASE, Link};
use crate::core::{Ask, Ceiling, Level, Settled, Subject, Tally, Used};

const COSTS: Ask = Ask { tokens: 1, money: NanoCents(40) };

fn at(secs: i64) -> At {
    At::from_second(1_800_000_000 + secs).unwrap()
}

fn done<T>(said: Said<T>) -> T {
    let Said::Done(_, done) = said else { panic!("it is done") };
    done
}

struct Bench {
    counters: Counters,
    /// A call that holds 40 in the store, of which the node does not know that it is there.
    call: Known,
    _tasks: Tasks,
    _redis: Redis,
}

impl Bench {
    async fn with_a_call() -> Option<Self> {
        let redis = Redis::start().await?;
        let tasks = Tasks::new();
        let config = Config { store: Some(redis.url()), timeout_ms: 1_000, ..Config::default() };
        let tls = Arc::new(base::tls::client(&[]).unwrap());
        let address = config.address(None, tls).unwrap().unwrap();
        let link = Link::open(address, &tasks, &Metrics::new());
        link.up().await;
        let counters = Counters::new(&link, "org", LEASE, None, true);
        done(counters.begin(at(0), [1; 8], Duration::ZERO, &[]).await.unwrap());
        let Said::Done(given, _) = counters.tallies(at(0), &["org"]).await.unwrap() else {
            panic!("it has begun")
        };
        let ceiling = Ceiling::default();
        let subjects = [Subject { level: Level::Org, name: "org", ceiling: &ceiling }];
        let asked = counters.reservation(at(0), "call", &subjects, COSTS, given.version);
        done(counters.reserve(asked, &subjects).await.unwrap()).unwrap();
        let names = Arc::from([Box::from("org")]);
        let call = Known { request: "call".into(), names, made: at(0), hold: COSTS, life: NO_LIFE };
        Some(Self { counters, call, _tasks: tasks, _redis: redis })
    }

    async fn settle(&self, secs: i64) -> Charged {
        let used = Used { tokens: 1, money: NanoCents(30) };
        let ended = [(self.call.clone(), used)];
        done(self.counters.settle(at(secs), &ended).await.unwrap()).pop().unwrap()
    }

    async fn tally(&self, secs: i64) -> Tally {
        done(self.counters.tallies(at(secs), &["org"]).await.unwrap()).pop().unwrap()
    }
}

#[tokio::test]
async fn a_call_whose_reservation_and_settlement_were_both_answered_late_is_charged_once() {
    let Some(bench) = Bench::with_a_call().await else { return };
    assert_eq!(bench.settle(1).await, Charged::Settled(Settled::InTime));
    assert_eq!(bench.settle(2).await, Charged::NotOpen, "it is told again");
    let tally = bench.tally(2).await;
    assert_eq!((tally.month_spent, tally.requests, tally.concurrency), (NanoCents(30), 1, 0));
}
