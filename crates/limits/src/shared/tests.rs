//! The scripts in cases to which the verbs of a book do not lead.

use std::sync::Arc;
use std::time::Duration;

use base::metrics::Metrics;
use base::money::NanoCents;
use base::secret::Secret;
use base::tasks::Tasks;
use base::testing::Redis;
use base::time::{At, Clock as _};

use super::compare::Reading;
use super::counters::{
    Charged, Counters, FROM_START, Generation, Known, NO_LIFE, PIECE, Said, SpentOf,
};
use super::{Config, LEASE, Link};
use crate::core::{Ask, Ceiling, Level, Settled, Subject, Tally, Used};

const LIFE: Generation = [1; 8];
const COSTS: Ask = Ask { tokens: 1, money: NanoCents(40) };

fn at(secs: i64) -> At {
    At::from_second(1_800_000_000 + secs).unwrap()
}

/// While calls are under way.
const BUSY: Reading = Reading { seq: None, token: [7; 8] };

/// While none is.
const fn still(seq: u64) -> Reading {
    Reading { seq: Some(seq), ..BUSY }
}

fn done<T>(said: Said<T>) -> T {
    let Said::Done(_, done) = said else { panic!("it is done") };
    done
}

async fn link(redis: &Redis, tasks: &Tasks) -> Link {
    link_of(None, redis, tasks).await
}

async fn link_of(user: Option<(&str, &str)>, redis: &Redis, tasks: &Tasks) -> Link {
    let (user, password) = user.map(|(user, word)| (user.into(), Secret::new(word.into()))).unzip();
    let config = Config { store: Some(redis.url()), timeout_ms: 1_000, user, ..Config::default() };
    let tls = Arc::new(base::tls::client(&[]).unwrap());
    let address = config.address(password, tls).unwrap().unwrap();
    let link = Link::open(address, tasks, &Metrics::new());
    link.up().await;
    link
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
        let counters = Counters::new(&link(&redis, &tasks).await, "org", LEASE, None, true);
        done(counters.begin(at(0), LIFE, Duration::ZERO, &[]).await.unwrap());
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

    async fn take_up(&self, secs: i64) {
        let known = Known { life: LIFE, ..self.call.clone() };
        done(self.counters.adopt(at(secs), &[known]).await.unwrap());
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

#[tokio::test]
async fn a_call_that_was_settled_meanwhile_is_not_taken_up_again() {
    let Some(mut bench) = Bench::with_a_call().await else { return };
    bench.call.life = LIFE;
    assert_eq!(bench.settle(1).await, Charged::Settled(Settled::InTime));
    bench.take_up(2).await;
    let tally = bench.tally(2).await;
    assert_eq!(
        (tally.month_spent, tally.month_held, tally.concurrency),
        (NanoCents(30), NanoCents(0), 0)
    );
}

#[tokio::test]
async fn what_was_given_back_while_its_call_went_on_is_held_again() {
    let Some(bench) = Bench::with_a_call().await else { return };
    let stands = async |secs| {
        let tally = bench.tally(secs).await;
        (tally.month_held.0, tally.concurrency, tally.requests)
    };
    assert_eq!(stands(9).await, (40, 0, 1), "money is in doubt");
    bench.take_up(9).await;
    assert_eq!(stands(9).await, (40, 1, 1));
    assert_eq!(stands(18).await, (40, 0, 1));
    while stands(18).await.0 > 0 {
        // A ledger that has nothing of it.
        done(
            bench
                .counters
                .correct(at(18), still(0), 3, &[("org", NanoCents(0), NanoCents(0))])
                .await
                .unwrap(),
        );
        tokio::task::yield_now().await;
    }
    bench.take_up(18).await;
    assert_eq!(stands(18).await, (40, 1, 1));
    assert_eq!(bench.settle(19).await, Charged::Settled(Settled::InTime));
    let tally = bench.tally(19).await;
    assert_eq!((tally.month_spent.0, tally.month_held.0, tally.concurrency), (30, 0, 0));
}

#[tokio::test]
async fn what_is_settled_after_an_exact_comparison_is_compared_again() {
    let Some(bench) = Bench::with_a_call().await else { return };
    let ledger = [("org", NanoCents(30), NanoCents(30))];
    let given = async |secs| {
        let none: [&str; 0] = [];
        let Said::Done(given, _) = bench.counters.tallies(at(secs), &none).await.unwrap() else {
            panic!("it is there")
        };
        given
    };
    assert!(given(9).await.dirty, "money is in doubt");
    while given(9).await.dirty {
        let seq = given(9).await.seq;
        done(bench.counters.correct(at(9), still(seq), 3, &ledger).await.unwrap());
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.settle(10).await, Charged::Settled(Settled::Late));
    assert_eq!(bench.tally(10).await.month_spent, NanoCents(60), "twice, for now");
    assert!(given(10).await.dirty, "so it is compared");
    let seq = given(10).await.seq;
    done(bench.counters.correct(at(10), still(seq), 3, &ledger).await.unwrap());
    assert_eq!(bench.tally(10).await.month_spent, NanoCents(30));
}

#[tokio::test]
async fn of_two_who_compare_at_once_the_one_that_read_first_is_not_believed_to_be_exact() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = Tasks::new();
    let counters = Counters::new(&link(&redis, &tasks).await, "org", LEASE, None, true);
    done(counters.begin(at(0), LIFE, Duration::ZERO, &[]).await.unwrap());
    let correct = async |reading, part, spent: &[SpentOf<'_>]| {
        let said = counters.correct(at(1), reading, part, spent).await.unwrap();
        let Said::Done(given, corrected) = said else { panic!("it is done") };
        (corrected.exactly, given.dirty)
    };
    let of = |spent: i64| [("org", NanoCents(spent), NanoCents(spent))];
    let (first, second) = (Reading { token: [1; 8], ..still(0) }, still(0));
    correct(first, 1, &[]).await;
    // An outcome is committed, and another node reads a ledger that has it.
    correct(second, 1, &[]).await;
    assert_eq!(correct(second, 2, &of(90)).await, (true, false));
    assert_eq!(correct(first, 2, &of(0)).await, (false, true), "so it is compared again");
    let tally = done(counters.tallies(at(1), &["org"]).await.unwrap()).pop().unwrap();
    assert_eq!(tally.month_spent, NanoCents(90));
}

/// So many subjects, each of which has spent 5.
fn ledger(many: usize) -> Vec<String> {
    (0..many).map(|subject| format!("member:{subject}")).collect()
}

fn spent(names: &[String]) -> Vec<SpentOf<'_>> {
    names.iter().map(|name| (name.as_str(), NanoCents(5), NanoCents(5))).collect()
}

#[tokio::test]
async fn no_step_walks_all_of_a_large_org() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = Tasks::new();
    let (counters, names) =
        (Counters::new(&link(&redis, &tasks).await, "org", LEASE, None, true), ledger(2_000));
    done(counters.begin(at(0), LIFE, Duration::ZERO, &spent(&names)).await.unwrap());
    let steps = redis.asked("INFO commandstats").await.unwrap();
    assert!(steps.contains("cmdstat_evalsha:calls=7,"), "{steps}");
    let (mut told, mut from) = (Vec::new(), Some(FROM_START.to_owned()));
    while let Some(place) = from {
        let page = done(counters.tidy(at(1), &place).await.unwrap());
        assert!(page.names.len() < 2 * PIECE, "{}", page.names.len());
        told.extend(page.names);
        from = page.next;
    }
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 2_000);
    let left = done(counters.tallies(at(1), &names[1_998..]).await.unwrap());
    assert!(left.iter().all(|tally| tally.month_spent == NanoCents(5)));
}

#[tokio::test]
async fn an_org_is_not_there_before_all_of_it_is_loaded_and_one_node_alone_loads_it() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = Tasks::new();
    let counters = Counters::new(&link(&redis, &tasks).await, "org", LEASE, None, true);
    let (names, other) = (ledger(4), [2; 8]);
    let spent = spent(&names);
    let load = async |life, part, of: &[SpentOf<'_>]| {
        counters.take_over(at(0), life, Some(Duration::ZERO), part, of).await.unwrap()
    };
    done(load(LIFE, 1, &spent[..2]).await);
    let nobody: [&str; 0] = [];
    assert!(matches!(counters.tallies(at(0), &nobody).await.unwrap(), Said::Lost));
    // Another node begins anew: what the first one still brings is not mixed in.
    done(load(other, 1, &spent[..1]).await);
    assert!(matches!(load(LIFE, 2, &spent[2..]).await, Said::Lost));
    assert!(matches!(counters.tallies(at(0), &nobody).await.unwrap(), Said::Lost));
    done(load(other, 2, &spent[1..]).await);
    let tallies = done(counters.tallies(at(0), &names).await.unwrap());
    assert!(tallies.iter().all(|tally| tally.month_spent == NanoCents(5)), "{tallies:?}");
}

#[tokio::test]
async fn a_load_that_stopped_half_way_lets_nobody_in_on_money_that_others_hold() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = Tasks::new();
    let counters = Counters::new(&link(&redis, &tasks).await, "org", LEASE, None, true);
    // Who knows that the store has lost the org begins, and somebody who does not goes on.
    let (long, other) = (Duration::from_mins(1), [2; 8]);
    done(counters.take_over(at(0), LIFE, Some(long), 1, &[]).await.unwrap());
    done(counters.take_over(at(0), other, Some(Duration::ZERO), 1, &[]).await.unwrap());
    done(counters.take_over(at(0), other, Some(Duration::ZERO), 2, &[]).await.unwrap());
    let Said::Done(given, _) = counters.tallies(at(0), &["org"]).await.unwrap() else {
        panic!("it has begun")
    };
    let ceiling = Ceiling { money_per_month: Some(NanoCents(100)), ..Ceiling::default() };
    let subjects = [Subject { level: Level::Org, name: "org", ceiling: &ceiling }];
    let asked = counters.reservation(at(0), "call", &subjects, COSTS, given.version);
    assert!(matches!(counters.reserve(asked, &subjects).await.unwrap(), Said::Gathering));
}

#[tokio::test]
async fn leases_that_end_together_are_written_down_once() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = Tasks::new();
    let counters = Counters::new(&link(&redis, &tasks).await, "org", LEASE, None, true);
    done(counters.begin(at(0), LIFE, Duration::ZERO, &[]).await.unwrap());
    let Said::Done(given, _) = counters.tallies(at(0), &["org"]).await.unwrap() else {
        panic!("it has begun")
    };
    let ceiling = Ceiling::default();
    let subjects = [Subject { level: Level::Org, name: "org", ceiling: &ceiling }];
    for call in 0..200 {
        let asked =
            counters.reservation(at(0), &format!("{call}"), &subjects, COSTS, given.version);
        done(counters.reserve(asked, &subjects).await.unwrap()).unwrap();
    }
    assert!(redis.asked("CONFIG RESETSTAT").await.is_some());
    let tally = done(counters.tallies(at(9), &["org"]).await.unwrap()).pop().unwrap();
    assert_eq!((tally.concurrency, tally.month_held), (0, NanoCents(200 * 40)), "in doubt");
    // Each call, all that is in doubt, and the counters.
    let steps = redis.asked("INFO commandstats").await.unwrap();
    assert!(steps.contains("cmdstat_hset:calls=202,"), "{steps}");
}

#[tokio::test]
async fn what_was_in_doubt_is_given_back_in_the_step_that_says_what_was_spent_of_it() {
    let Some(bench) = Bench::with_a_call().await else { return };
    assert_eq!(bench.tally(9).await.month_held, NanoCents(40), "in doubt");
    let corrected = async |spent: &[SpentOf<'_>]| {
        done(bench.counters.correct(at(9), BUSY, 0, spent).await.unwrap())
    };
    // At first nodes may be late only.
    while corrected(&[]).await.wanted.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.tally(9).await.month_held, NanoCents(40), "nobody said what was spent");
    let wanted = corrected(&[("member:a", NanoCents(1), NanoCents(1))]).await.wanted;
    assert_eq!(wanted, [Arc::from("org")]);
    let wanted = corrected(&[("org", NanoCents(30), NanoCents(30))]).await.wanted;
    assert!(wanted.is_empty());
    let tally = bench.tally(9).await;
    assert_eq!((tally.month_spent, tally.month_held), (NanoCents(30), NanoCents(0)));
}

#[tokio::test]
async fn the_user_of_the_operating_guide_may_do_all_that_is_done_and_not_more() {
    let Some(redis) = Redis::start().await else { return };
    let guide = include_str!("../../../../docs/operate/README.md");
    let (_, rules) = guide.split_once("be limited to `").unwrap();
    let (rules, _) = rules.split_once('`').unwrap();
    let told = redis.asked(&format!("ACL SETUSER portico on >secret {rules}")).await;
    assert_eq!(told.as_deref(), Some("+OK\r\n"));
    let tasks = Tasks::new();
    let link = link_of(Some(("portico", "secret")), &redis, &tasks).await;
    assert!(!link.leave_mark().await.unwrap(), "it was left when the node came");
    assert!(link.first("portico:{org}:loading", LEASE).await.unwrap());
    let (counters, names) = (Counters::new(&link, "org", LEASE, Some(LEASE), true), ledger(2));
    let now = base::time::SystemClock.now();
    done(counters.begin(now, LIFE, Duration::ZERO, &spent(&names)).await.unwrap());
    done(counters.load(now, &spent(&names)).await.unwrap());
    let known = Known {
        request: "call".into(),
        names: Arc::from([Box::from("org")]),
        made: now,
        hold: COSTS,
        life: NO_LIFE,
    };
    done(counters.adopt(now, std::slice::from_ref(&known)).await.unwrap());
    done(counters.extend(now, &[Arc::clone(&known.request)]).await.unwrap());
    done(counters.correct(now, BUSY, 3, &spent(&names)).await.unwrap());
    done(counters.settle(now, &[(known, Used::default())]).await.unwrap());
    done(counters.tidy(now, FROM_START).await.unwrap());
    done(counters.renew(now).await.unwrap());
    done(counters.tallies(now, &names).await.unwrap());
    assert!(link.first("elsewhere", LEASE).await.is_err());
}
