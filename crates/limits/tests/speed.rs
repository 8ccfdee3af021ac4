//! How long a reservation takes. Run with `--release -- --ignored --nocapture`.
#![expect(clippy::print_stderr, reason = "a measurement is read")]

use std::sync::Arc;
use std::time::Instant;

use access::{
    Access, Actor, Caller, Databases, Identified, KeyId, MemberId, OrgId, Origin, Region, TeamId,
};
use base::metrics::Metrics;
use base::money::NanoCents;
use base::tasks::Tasks;
use base::testing::Bench;
use base::time::{SharedClock, SystemClock};
use limits::{Ask, Ceiling, Level, Limits, Used};

const CALLS: u32 = 200_000;

#[tokio::test]
#[ignore = "a measurement"]
async fn a_call_at_five_levels_is_reserved_and_settled() {
    let steps = [audit::sql::MIGRATIONS, limits::sql::MIGRATIONS].concat();
    let bench = Bench::sqlite(&steps).await;
    let databases = Databases::new([(Region::Eu, bench.db.clone())]);
    let clock: SharedClock = Arc::new(SystemClock);
    let limits = Limits::open(&databases, &clock, &Tasks::new(), &Metrics::new());
    let now = clock.now();
    let org = OrgId::new(now);
    let caller = Caller::identified(Identified {
        org: org.clone(),
        region: Region::Eu,
        actor: Actor::Member(MemberId::new(now)),
        key: Some(KeyId::new(now)),
        teams: [TeamId::new(now)].into(),
        access: Arc::new(Access::compile(vec![], None, 0)),
        models: None,
        origin: Origin::default(),
    });
    let run = async || {
        let began = Instant::now();
        for call in 0..CALLS {
            let ask = Ask { tokens: 10, money: NanoCents(10) };
            let at = clock.now();
            let hold = limits.reserve(&caller, "small", &call.to_string(), ask, at).await;
            hold.expect("admitted").settle(Used { tokens: 7, money: NanoCents(7) });
        }
        began.elapsed() / CALLS
    };
    let without = run().await;
    let ceiling = Ceiling {
        requests_per_minute: Some(1_000_000_000),
        tokens_per_minute: Some(1_000_000_000),
        concurrency: Some(1_000),
        money_per_day: Some(NanoCents(1 << 50)),
        money_per_month: Some(NanoCents(1 << 50)),
    };
    let admin = Caller::operator(org, Region::Eu, "admin");
    limits.set(&admin, Level::Org, "org", ceiling).await.expect("sets");
    for level in [Level::Team, Level::Member, Level::Key, Level::Model] {
        limits.set(&admin, level, "*", ceiling).await.expect("sets");
    }
    let with = run().await;
    let hold = limits.reserve(&caller, "small", "x", Ask::default(), clock.now()).await;
    let hold = hold.expect("admitted");
    let began = Instant::now();
    for _ in 0..CALLS {
        assert!(hold.headers().len() == 8);
    }
    let headers = began.elapsed() / CALLS;
    eprintln!("no limits: {without:?}; five levels: {with:?}; headers: {headers:?}");
}
