//! What a check of a permission costs: without guardrails, with ten and with twenty that
//! all have to be asked.
#![expect(clippy::expect_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;
use std::sync::Arc;

use access::{Caller, Permission, Thing};
use criterion::{Criterion, criterion_group, criterion_main};
use guardrails::{Guardrails, NewGuardrail, Shelf};
use identity::testing::Plan;

/// What companies write: from where, how freshly confirmed, when, by whom, with what, and on
/// what. That one names a model keeps all of them apart.
const CONDITIONS: [&str; 7] = [
    "unless { context has ip && (context.ip.isInRange(ip(\"192.0.2.0/24\")) || \
     context.ip.isInRange(ip(\"2001:db8::/32\"))) }",
    "unless { context.with_key || (context has factor_age_secs && context.factor_age_secs <= 900) }",
    "when { [\"saturday\", \"sunday\"].contains(context.weekday) || context.hour >= 22 }",
    "when { principal in Role::\"org:viewer\" }",
    "when { context has method && context.method == \"password\" }",
    "when { resource has data_class && resource.data_class == \"public\" }",
    "when { resource == Model::\"retired\" }",
];

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A member's key in an org with so many guardrails.
async fn caller(policies: usize) -> Caller {
    let plan = Plan { guards: || Arc::new(Shelf), ..Plan::of(guardrails::sql::MIGRATIONS) };
    let house = plan.houses().await.remove(0);
    let (_, operator) = house.found("acme").await;
    let ada = house.somebody(&operator, "ada@acme.example", "org:member").await;
    let clock = house.clock.shared();
    let room = Guardrails::open(&house.databases, &clock, &house.record, &house.identity);
    let room = room.expect("opens");
    for (number, condition) in CONDITIONS.iter().cycle().take(policies).enumerate() {
        let policy =
            format!("forbid (principal, action in Action::\"models\", resource) {condition};");
        let new = NewGuardrail { name: format!("No {number}"), policy, on: None };
        room.create(&operator, &new).await.expect("a guardrail");
    }
    house.caller(&house.identity, &ada.key, Some("192.0.2.7")).await.expect("somebody")
}

fn decide(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (models, patterns) = (Permission::ModelsInvoke, Permission::PatternsRead);
    for policies in [0, 10, 20] {
        let caller = runtime.block_on(caller(policies));
        assert!(caller.require(models).is_ok(), "all are asked, and none objects");
        let same = Thing::new("model", "small");
        let again = |_| drop(black_box(&caller).require_on(black_box(models), same));
        // A thing that nobody asked about before: nothing is remembered.
        let anew = |number: usize| {
            let name = format!("m{number}");
            let on = Thing::new("model", &name);
            drop(black_box(&caller).require_on(black_box(models), on));
        };
        let another = |_| drop(black_box(&caller).require(black_box(patterns)));
        let mut number = 0;
        let mut bench = |what: &str, ask: &dyn Fn(usize)| {
            criterion.bench_function(&format!("{what}, {policies} guardrails"), |bencher| {
                bencher.iter(|| {
                    number += 1;
                    ask(number);
                });
            });
            percentiles(what, policies, ask, number);
        };
        bench("require again", &again);
        bench("require anew", &anew);
        bench("require what none is about", &another);
    }
}

/// Criterion gives means; what is promised is the slowest of a hundred.
fn percentiles(what: &str, policies: usize, ask: &dyn Fn(usize), from: usize) {
    let mut each: Vec<_> = (from..from + 50_000)
        .map(|number| {
            let begun = std::time::Instant::now();
            ask(number);
            begun.elapsed()
        })
        .collect();
    each.sort_unstable();
    let at = |share: usize| each.get(each.len() * share / 1000).copied().unwrap_or_default();
    let (half, most) = (at(500), at(990));
    let figures = format!("{what}, {policies} guardrails: p50 {half:?}, p99 {most:?}\n");
    // Where the figures of a bench are read.
    let _unread = std::io::Write::write_all(&mut std::io::stdout(), figures.as_bytes());
}

criterion_group!(benches, decide);
criterion_main!(benches);
