//! What counting together costs, beside the least that a store can do: one `INCR`.
//! `cargo run --release -p limits --example round_trips`; both in one run, in turns.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::metrics::Metrics;
use base::money::NanoCents;
use base::tasks::Tasks;
use base::testing::Redis;
use base::time::{At, Clock, SystemClock};
use limits::{Ask, Ceiling, Config, Level, Link, SharedBook, Subject, Used};
use redis::aio::MultiplexedConnection;
use redis::cmd;
use tokio::task::JoinSet;

const ROUNDS: u32 = 8;
const LEVELS: [(Level, &str); 5] = [
    (Level::Org, "org"),
    (Level::Team, "team:team_01JABCDEFGHJKMNPQRSTVWXYZ0"),
    (Level::Member, "member:mem_01JABCDEFGHJKMNPQRSTVWXYZ0"),
    (Level::Key, "key:key_01JABCDEFGHJKMNPQRSTVWXYZ0"),
    (Level::Model, "model:small"),
];

/// Seconds of the clock and of the store's processor.
#[derive(Default, Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
    steps: u32,
}

impl Cost {
    fn add(&mut self, wall: Duration, cpu: f64, steps: u32) {
        self.wall += wall.as_secs_f64();
        self.cpu += cpu;
        self.steps += steps;
    }

    fn cpu_us(&self) -> f64 {
        self.cpu * 1e6 / f64::from(self.steps)
    }

    fn tell(&self, what: &str, beside: &Self) {
        let steps = f64::from(self.steps);
        println!(
            "{what:<24} {:>8.0} a second {:>8.1} us wall {:>6.1} us of the store, {:.1} x INCR",
            steps / self.wall,
            self.wall * 1e6 / steps,
            self.cpu_us(),
            self.cpu_us() / beside.cpu_us(),
        );
    }
}

#[tokio::main]
async fn main() {
    let redis = Redis::start().await.unwrap();
    let (tasks, metrics) = (Tasks::new(), Metrics::new());
    let config = Config { store: Some(redis.url()), timeout_ms: 1_000, ..Config::default() };
    let tls = Arc::new(base::tls::client(&[]).unwrap());
    let link = Link::open(config.address(None, tls).unwrap().unwrap(), &tasks, &metrics);
    let client = redis::Client::open(redis.url()).unwrap();
    let plain = client.get_multiplexed_async_connection().await.unwrap();
    for clients in [1_u32, 32] {
        let (mut incr, mut reserve, mut settle) =
            (Cost::default(), Cost::default(), Cost::default());
        let calls = if clients == 1 { 1_500 } else { 400 };
        for round in 0..ROUNDS {
            let (before, begun) = (busy(&redis).await, Instant::now());
            count(&plain, clients, calls).await;
            incr.add(begun.elapsed(), busy(&redis).await - before, clients * calls);

            for (cost, settles) in [(&mut reserve, false), (&mut settle, true)] {
                let (before, begun) = (busy(&redis).await, Instant::now());
                step(&link, clients, calls, round, settles).await;
                cost.add(begun.elapsed(), busy(&redis).await - before, clients * calls);
            }
        }
        println!("{clients} at once, five levels with all five limits each:");
        incr.tell("INCR", &incr);
        reserve.tell("reserve", &incr);
        settle.tell("settle", &incr);
    }
    link_closed(&tasks).await;
}

async fn link_closed(tasks: &Tasks) {
    tasks.stop();
    tokio::task::yield_now().await;
}

async fn count(plain: &MultiplexedConnection, clients: u32, calls: u32) {
    let mut all = JoinSet::new();
    for _ in 0..clients {
        let mut plain = plain.clone();
        all.spawn(async move {
            for _ in 0..calls {
                let _: i64 = cmd("INCR").arg("one").query_async(&mut plain).await.unwrap();
            }
        });
    }
    all.join_all().await;
}

async fn step(link: &Link, clients: u32, calls: u32, round: u32, settles: bool) {
    let at = SystemClock.now();
    let mut all = JoinSet::new();
    for client in 0..clients {
        let link = link.clone();
        all.spawn(async move {
            let mut book =
                SharedBook::open(&link, "acme", Duration::from_mins(10), at).await.unwrap();
            for call in 0..calls {
                let id = format!("call-{clients}-{client}-{round}-{call}");
                one(&mut book, at, &id, settles).await;
            }
        });
    }
    all.join_all().await;
}

async fn one(book: &mut SharedBook, at: At, id: &str, settles: bool) {
    if settles {
        let used = Used { tokens: 700, money: NanoCents(200_000) };
        book.settle(at, id, used).await.unwrap().unwrap();
        return;
    }
    let most = Some(1_000_000_000);
    let money = Some(NanoCents(1_000_000_000_000_000));
    let ceiling = Ceiling {
        requests_per_minute: most,
        tokens_per_minute: most,
        concurrency: most,
        money_per_day: money,
        money_per_month: money,
    };
    let subjects = LEVELS.map(|(level, name)| Subject { level, name, ceiling: &ceiling });
    let ask = Ask { tokens: 1_000, money: NanoCents(250_000) };
    assert!(book.reserve(at, id, &subjects, ask).await.unwrap().is_ok());
}

/// Seconds that the store's processor was busy.
async fn busy(redis: &Redis) -> f64 {
    let said = redis.asked("INFO cpu").await.unwrap();
    let part = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.parse::<f64>().unwrap()
    };
    part("used_cpu_sys:") + part("used_cpu_user:")
}
