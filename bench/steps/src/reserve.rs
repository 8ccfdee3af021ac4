//! A call is reserved at five levels, and what it used is settled.

use access::Caller;
use base::metrics::Metrics;
use base::money::NanoCents;
use futures_util::FutureExt as _;
use limits::{Ask, Ceiling, Level, Limits, Used};

use crate::Step;
use crate::house::House;

/// A limit in every dimension, which is never met.
const CEILING: Ceiling = Ceiling {
    requests_per_minute: Some(1_000_000_000),
    tokens_per_minute: Some(1_000_000_000_000),
    concurrency: Some(1_000),
    money_per_day: Some(NanoCents(1_000_000_000_000_000_000)),
    money_per_month: Some(NanoCents(1_000_000_000_000_000_000)),
};
const LEVELS: [(Level, &str); 5] = [
    (Level::Org, "org"),
    (Level::Team, "*"),
    (Level::Member, "*"),
    (Level::Key, "*"),
    (Level::Model, "*"),
];

pub(crate) fn step(house: &'static House) -> Step {
    let rooms = &house.rooms;
    let clock = rooms.clock.shared();
    let ada = house.ada.clone();
    let operator = Caller::operator(ada.org.clone(), ada.region, "test");
    let limits = house.runtime.block_on(async {
        let metrics = Metrics::new();
        let limits = Limits::open(&rooms.databases, &clock, &rooms.record, &rooms.tasks, &metrics);
        for (level, subject) in LEVELS {
            limits.set(&operator, level, subject, CEILING).await.expect("a limit");
        }
        let ask = Ask::default();
        drop(limits.reserve(&ada, "small", "call_first", ask, clock.now()).await.expect("room"));
        limits
    });
    let mut number = 0_u64;
    Step::new("reserve and settle at five levels", move || {
        number += 1;
        // A thousand calls a second.
        house.rooms.clock.advance(std::time::Duration::from_millis(1).try_into().expect("short"));
        let (request, at) = (format!("call_{number:026}"), clock.now());
        let ask = Ask { tokens: 900, money: NanoCents(40_000_000) };
        let hold = limits.reserve(&ada, "small", &request, ask, at).now_or_never();
        let hold = hold.expect("a known org asks no database").expect("room");
        hold.settle(Used { tokens: 700, money: NanoCents(30_000_000) });
    })
}
